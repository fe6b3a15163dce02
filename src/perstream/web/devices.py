"""Devices that were paired: the file ``devices.json`` of the store, for its owner's eyes only.

[{"name", "sha256", "paired_at"}]: of a device's token only the digest is kept. Whoever may write the file may
revoke; the daemon looks at it with every request, so that a device that is gone from it is refused at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from perstream.errors import NotFound, StoreBusy, StoreError

log = logging.getLogger(__name__)
FILE = "devices.json"
MAX_BYTES = 64 * 1024
MOST = 50
"""Devices; more than one person has."""
LONGEST_NAME = 40
LOCK_S = 5.0


@dataclass(frozen=True)
class Device:
    """One that may come in."""

    name: str
    sha256: str
    paired_at: str


class Devices:
    """The paired devices of a store; from any thread, from several processes."""

    def __init__(self, store: Path) -> None:
        self._path = store / FILE
        self._lock = FileLock(store / f".{FILE}.lock", timeout=LOCK_S, mode=0o600, thread_local=False)
        self._seen: tuple[tuple[int, int, int] | None, tuple[bytes, ...]] = (None, ())

    def listed(self) -> tuple[Device, ...]:
        """The oldest first. StoreError when the file is damaged."""
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(MAX_BYTES))
            found = tuple(Device(**one) for one in data)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise StoreError(f"{self._path} cannot be read: delete it and pair your devices again") from error
        if not all(isinstance(part, str) for one in found for part in (one.name, one.sha256, one.paired_at)):
            raise StoreError(f"{self._path} is damaged: delete it and pair your devices again")
        return found

    def add(self, name: str) -> tuple[Device, str]:
        """A new device and its token; a name that is taken gets a number. StoreError, StoreBusy."""
        token = secrets.token_urlsafe(32)
        plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:LONGEST_NAME] or "device"
        with self._alone():
            devices = self.listed()
            if len(devices) >= MOST:
                raise StoreError(f"{MOST} devices are paired: take one away with perstream devices revoke NAME")
            taken = {one.name for one in devices}
            free = next(n for n in (plain, *(f"{plain} {i}" for i in range(2, MOST + 2))) if n not in taken)
            at = datetime.now(timezone.utc).isoformat(timespec="seconds")
            device = Device(free, _digest(token.encode("ascii")).decode("ascii"), at)
            self._write((*devices, device))
        return device, token

    def revoke(self, name: str) -> None:
        """It is refused from now on. NotFound, StoreError, StoreBusy."""
        with self._alone():
            devices = self.listed()
            left = tuple(one for one in devices if one.name != name)
            if len(left) == len(devices):
                raise NotFound(f"no device is called {name[:LONGEST_NAME]!r}; see: perstream devices list")
            self._write(left)

    def knows(self, token: bytes) -> bool:
        """Whether a device has this token. The file is read again when it has changed."""
        try:
            state = self._path.stat()
        except OSError:
            return False
        mark = (state.st_mtime_ns, state.st_ino, state.st_size)
        seen, digests = self._seen
        if mark != seen:
            try:
                digests = tuple(one.sha256.encode("utf-8", "replace") for one in self.listed())
            except StoreError as error:
                log.warning("%s; until then no device is let in", error)
                digests = ()
            self._seen = (mark, digests)
        given = _digest(token)
        return sum(hmac.compare_digest(given, one) for one in digests) > 0  # looks at all of them, whichever fits

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StoreBusy(f"another process is writing {self._path}; try again") from error
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error
        try:
            yield
        finally:
            self._lock.release()

    def _write(self, devices: tuple[Device, ...]) -> None:
        draft = self._path.with_name(f".{FILE}.{os.getpid()}")
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                json.dump([asdict(one) for one in devices], file, indent=1)
            draft.replace(self._path)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).hexdigest().encode("ascii")
