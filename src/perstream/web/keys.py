"""Who may come in, and what they may do: the owner's token, those made for others, those of paired devices."""

from __future__ import annotations

import hmac
import logging
from pathlib import Path

from perstream.errors import StoreError
from perstream.web.devices import Devices
from perstream.web.roster import mark_of
from perstream.web.scopes import Scope
from perstream.web.token import read_token, token_file
from perstream.web.tokens import Tokens

log = logging.getLogger(__name__)
DEVICE_SCOPE = Scope.WRITE
"""A paired device does all that the page can, but pairs no other."""


class Keys:
    """Compares tokens in the same time wherever they differ. The files are looked at again when they change."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._devices = Devices(store)
        self._tokens = Tokens(store)
        self._owner: tuple[tuple[int, int, int] | None, bytes] = (None, b"")

    def scope(self, given: bytes) -> Scope | None:
        """What this token may do at this moment; None for one that is not good."""
        owns = self._owns(given)
        others = self._tokens.scope(given)
        device = self._devices.knows(given)
        if owns:
            return Scope.ADMIN
        return others if others is not None else DEVICE_SCOPE if device else None

    def admits(self, given: bytes, least: Scope = Scope.READ) -> bool:
        """Whether it may do at least this."""
        scope = self.scope(given)
        return scope is not None and scope >= least

    def _owns(self, given: bytes) -> bool:
        mark = mark_of(token_file(self._store))
        seen, token = self._owner
        if mark is None:
            return False
        if mark != seen:
            try:
                token = read_token(self._store).encode("ascii")
            except StoreError as error:
                log.warning("%s; until then the owner's token is refused", error)
                token = b""
            self._owner = (mark, token)
        return bool(token) and hmac.compare_digest(given, token)
