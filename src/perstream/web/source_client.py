"""What is watched, from another process."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from perstream.daemon.status import SourceState, SourceStatus
from perstream.errors import PerStreamError, SourceError
from perstream.events import Done
from perstream.web.transport import Transport, given
from perstream.web.wire import error_from_json, value_of

WAIT_S = 5.0
"""Longest single wait for the end of a source."""


class RemoteSources:
    """The sources' methods of the house over HTTP."""

    _wire: Transport
    _far: bool

    def watch(
        self, uri: str, *, start_time: datetime | None = None, realtime: bool = False, name: str | None = None
    ) -> str:
        """Let the daemon watch a source; its name."""
        path = Path(uri).expanduser()
        if not self._far and "://" not in uri and path.exists():
            uri = str(path.resolve())  # the daemon was started in another folder
        body = given(uri=uri, start_time=start_time, realtime=realtime, name=name)
        return str(self._wire.call("POST", "/v1/sources", body)["name"])

    def sources(self) -> list[SourceStatus]:
        """All sources."""
        return [value_of(source, SourceStatus) for source in self._wire.call("GET", "/v1/sources")["sources"]]

    def remove(self, name: str) -> None:
        """Stop watching. NotFound."""
        self._wire.call("DELETE", _source(name))

    def pause(self, name: str | None = None) -> None:
        """Perceive nothing of this source, or of any."""
        for one in self._named(name):
            self._wire.call("POST", _source(one) + "/pause")

    def resume(self, name: str | None = None) -> None:
        """Perceive again."""
        for one in self._named(name):
            self._wire.call("POST", _source(one) + "/resume")

    def view(self, name: str) -> bytes | None:
        """JPEG of the latest keyframe, None before the first. NotFound."""
        answer = self._wire.send("GET", _source(name) + "/view")
        if answer.is_error:
            raise error_from_json(answer.status_code, answer.json())
        return answer.content or None

    def wait(self, name: str, timeout: float | None = None) -> Done | None:
        """The source's Done, or None when it still runs after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = WAIT_S if deadline is None else min(WAIT_S, max(0.0, deadline - time.monotonic()))
            done = self._wire.call("GET", _source(name) + "/done", query={"timeout": left})
            if done is not None:
                return value_of(done, Done)
            if deadline is not None and time.monotonic() >= deadline:
                return None

    def failure(self, name: str) -> PerStreamError | None:
        """Why a source could not be read to its end, or None. NotFound."""
        status = value_of(self._wire.call("GET", _source(name)), SourceStatus)
        return SourceError(status.last_error or "it failed") if status.state is SourceState.FAILED else None

    def _named(self, name: str | None) -> list[str]:
        return [name] if name is not None else [source.name for source in self.sources()]


def _source(name: str) -> str:
    return "/v1/sources/" + quote(name, safe="")
