"""Pairing: a code that is good once and for ten minutes is exchanged for a token of one device."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from perstream.errors import PerStreamError
from perstream.web.devices import Device, Devices

GOOD_S = 600.0
CODE_BYTES = 18
"""144 bits."""
WRONG_TRIES = 5
"""So many wrong codes within ``WRONG_S`` are answered; the next try of any kind has to wait."""
WRONG_S = 60.0


class WrongCode(PerStreamError):
    """The code is not the one that is good now."""


class TooManyTries(PerStreamError):
    """Too many wrong codes in a short time."""


@dataclass(frozen=True)
class Invitation:
    """What a new device needs: the page's address with the code, and the certificate to compare."""

    url: str
    fingerprint: str
    good_s: float = GOOD_S


class Pairing:
    """Codes of one running daemon; one is good at a time. From any thread."""

    def __init__(
        self, devices: Devices, url: str, fingerprint: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``url`` is where devices reach the daemon; ``clock`` gives seconds that only grow."""
        self._devices = devices
        self._url = url
        self._fingerprint = fingerprint
        self._clock = clock
        self._lock = threading.Lock()
        self._code: tuple[bytes, float] | None = None
        self._wrong: deque[float] = deque(maxlen=WRONG_TRIES)

    def invite(self) -> Invitation:
        """A new code; the one before is good no more."""
        code = secrets.token_urlsafe(CODE_BYTES)
        with self._lock:
            self._code = (code.encode("ascii"), self._clock() + GOOD_S)
        return Invitation(f"{self._url}/#pair={code}", self._fingerprint)

    def redeem(self, code: str, name: str) -> tuple[Device, str]:
        """The new device and its token. WrongCode, TooManyTries, StoreError."""
        with self._lock:
            now = self._clock()
            if len(self._wrong) == WRONG_TRIES and now - self._wrong[0] < WRONG_S:
                raise TooManyTries(f"too many wrong codes: wait {WRONG_S:.0f} seconds")
            good, until = self._code or (b"", 0.0)
            same = hmac.compare_digest(code.encode("utf-8", "replace"), good)
            if self._code is None or not same or now >= until:
                self._wrong.append(now)
                raise WrongCode("this code is not good: each works once, for ten minutes; perstream devices pair")
            self._code = None
        return self._devices.add(name)
