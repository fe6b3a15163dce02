"""How much one caller may ask for, and how much all may have in hand at once.

Rates are token buckets (a bucket holds ten seconds' worth and fills steadily). Everything runs on the server's
event loop, so nothing is locked; what is kept of callers is bounded.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from perstream.config import ServerConfig

BURST_S = 10.0
"""A bucket holds this many seconds' worth."""
MOST_CALLERS = 1024
"""Callers remembered; the one that was silent longest is forgotten."""
WRONG_FREE = 30
"""So many wrong tokens of one address within ``WRONG_S`` are answered as such."""
WRONG_S = 60.0
LONGEST_WAIT_S = 60.0
"""The wait doubles with each wrong token beyond those, up to this."""
MOST_WAITING = 32
"""WebSockets at once that have not said their token yet."""
QUESTIONS = re.compile(r"/v1/(ask|chat/completions)")
STREAMS = re.compile(r"/v1/(events|sources/.+/live)")


@dataclass(frozen=True)
class Full:
    """Not now: the status, kind and words of the problem, and after how many seconds to try again."""

    status: int
    kind: str
    detail: str
    retry_s: int


class Bucket:
    """``rate`` a second, ``size`` at once."""

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate = rate
        self._size = size
        self._left = size
        self._at = now

    def take(self, now: float) -> float:
        """0.0 when there was one left to take, else the seconds until there is."""
        self._left = min(self._size, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._rate
        self._left -= 1.0
        return 0.0


class Limits:
    """Those of one server, on both its doors."""

    def __init__(self, config: ServerConfig, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds that only grow."""
        self._config = config
        self._clock = clock
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._in_hand = {"questions": 0, "streams": 0, "sockets": 0}

    def request(self, token: bytes) -> Full | None:
        """Count a request of a caller that was let in."""
        who = hashlib.sha256(token).digest()
        rate = self._config.requests_per_s
        bucket = self._buckets.pop(who, None) or Bucket(rate, max(1.0, rate * BURST_S), self._clock())
        self._buckets[who] = bucket
        while len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        wait_s = bucket.take(self._clock())
        if wait_s == 0.0:
            return None
        return Full(429, "too-many-requests", f"at most {rate:g} requests a second are taken", math.ceil(wait_s))

    def wrong(self, address: str) -> Full | None:
        """Count a wrong token of an address; who knows a right one never waits."""
        now = self._clock()
        count, since = self._wrong.pop(address, (0, now))
        if now - since >= WRONG_S:
            count, since = 0, now
        count += 1
        over = count - WRONG_FREE
        self._wrong[address] = (count, now if over > 0 else since)
        while len(self._wrong) > MOST_CALLERS:
            self._wrong.popitem(last=False)
        if over <= 0:
            return None
        wait_s = math.ceil(min(LONGEST_WAIT_S, 2.0 ** min(over - 1, 10)))
        return Full(429, "too-many-wrong-tokens", "too many wrong tokens came from this address", wait_s)

    @contextmanager
    def held(self, method: str, path: str) -> Iterator[Full | None]:
        """Hold a place while a request is in hand, where its kind has a limit; Full when none is free."""
        kind, most = self._kind(method, path)
        if not kind:
            yield None
            return
        if self._in_hand[kind] >= most:
            yield Full(503, f"too-many-{kind}", f"{most} {kind} are in hand already; try again soon", 1)
            return
        self._in_hand[kind] += 1
        try:
            yield None
        finally:
            self._in_hand[kind] -= 1

    def _kind(self, method: str, path: str) -> tuple[str, int]:
        if method == "WEBSOCKET":
            return "sockets", MOST_WAITING
        if method == "POST" and QUESTIONS.fullmatch(path):
            return "questions", self._config.questions_at_once
        if method == "GET" and STREAMS.fullmatch(path):
            return "streams", self._config.streams_at_once
        return "", 0
