"""Devices that were paired: the file ``devices.json`` of the store.

[{"name", "sha256", "paired_at"}]; see roster.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from perstream.errors import NotFound, StoreError
from perstream.web.roster import LONGEST_NAME, Roster, digest, new_token, plain_name

FILE = "devices.json"
MOST = 50
"""Devices; more than one person has."""


@dataclass(frozen=True)
class Device:
    """One that may come in."""

    name: str
    sha256: str
    paired_at: str


class Devices:
    """The paired devices of a store; from any thread, from several processes."""

    def __init__(self, store: Path) -> None:
        self._roster = Roster(store / FILE, Device, "delete it and pair your devices again")

    def listed(self) -> tuple[Device, ...]:
        """The oldest first. StoreError when the file is damaged."""
        return self._roster.listed()

    def add(self, name: str) -> tuple[Device, str]:
        """A new device and its token; a name that is taken gets a number. StoreError, StoreBusy."""
        token = new_token()
        plain = plain_name(name, "device")
        with self._roster.changing() as devices:
            if len(devices) >= MOST:
                raise StoreError(f"{MOST} devices are paired: take one away with perstream devices revoke NAME")
            taken = {one.name for one in devices}
            free = next(n for n in (plain, *(f"{plain} {i}" for i in range(2, MOST + 2))) if n not in taken)
            at = datetime.now(timezone.utc).isoformat(timespec="seconds")
            device = Device(free, digest(token.encode("ascii")), at)
            devices.append(device)
        return device, token

    def revoke(self, name: str) -> None:
        """It is refused from now on. NotFound, StoreError, StoreBusy."""
        with self._roster.changing() as devices:
            left = [one for one in devices if one.name != name]
            if len(left) == len(devices):
                raise NotFound(f"no device is called {name[:LONGEST_NAME]!r}; see: perstream devices list")
            devices[:] = left

    def knows(self, token: bytes) -> bool:
        """Whether a device has this token."""
        return self._roster.holder(token) is not None
