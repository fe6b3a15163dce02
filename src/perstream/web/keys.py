"""Who may come in: the owner's token, and those of paired devices."""

from __future__ import annotations

import hmac

from perstream.web.devices import Devices


class Keys:
    """Compares tokens in the same time wherever they differ."""

    def __init__(self, token: str, devices: Devices | None = None) -> None:
        """``token`` is the owner's."""
        self._token = token.encode("utf-8")
        self._devices = devices

    def owns(self, given: bytes) -> bool:
        """Whether it is the owner's."""
        return hmac.compare_digest(given, self._token)

    def admits(self, given: bytes) -> bool:
        """Whether it is the owner's or, at this moment, a device's."""
        return self.owns(given) or (self._devices is not None and self._devices.knows(given))
