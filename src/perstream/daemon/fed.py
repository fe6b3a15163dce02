"""Sources that are fed from outside, by a browser: made when somebody begins to send, gone when nobody does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from perstream.daemon.status import SourceRequest
from perstream.errors import SourceError
from perstream.sources import PushSource

SCHEME = "push:"
STALL_S = 2.0
END_AFTER_S = 30.0
"""Who was cut off for no longer than this goes on where it was; the time between is a gap."""


class Fed:
    """All of them, by name; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: dict[str, PushSource] = {}
        self._coming: dict[str, PushSource] = {}

    def feed(self, name: str, watch: Callable[[SourceRequest], str]) -> PushSource:
        """The running source of this name, or a new one that ``watch`` is told of. ConfigError as ``watch`` raises it."""
        with self._lock:
            source = self._sources.get(name)
            if source is not None and not source.over:
                return source
            made = PushSource(name, stall_s=STALL_S, end_after_s=END_AFTER_S)
            request = SourceRequest(SCHEME + name, name=name)
            self._coming[request.uri] = made
            try:
                watch(request)
            finally:
                self._coming.pop(request.uri, None)
            self._sources = {n: s for n, s in self._sources.items() if not s.over} | {name: made}
            return made

    def opened(self, request: SourceRequest) -> PushSource | None:
        """The source that was made for this request; None for a request of another kind. SourceError."""
        if not request.uri.startswith(SCHEME):
            return None
        source = self._coming.get(request.uri)
        if source is None:
            raise SourceError(f"{request.name or request.uri} is fed by a browser; it has to connect again")
        return source
