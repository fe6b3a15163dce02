"""What is watched, from another process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from perstream.daemon.privacy_status import AgeReport, Network
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
    far: bool

    def watch(
        self,
        uri: str,
        *,
        start_time: datetime | None = None,
        realtime: bool = False,
        name: str | None = None,
        masks: Sequence[str] = (),
    ) -> str:
        """Let the daemon watch a source; its name."""
        path = Path(uri).expanduser()
        if not self.far and "://" not in uri and path.exists():
            uri = str(path.resolve())  # the daemon was started in another folder
        body = given(uri=uri, start_time=start_time, realtime=realtime, name=name, masks=list(masks) or None)
        return str(self._wire.call("POST", "/v1/sources", body)["name"])

    def sources(self) -> list[SourceStatus]:
        """All sources."""
        return [value_of(source, SourceStatus) for source in self._wire.call("GET", "/v1/sources")["sources"]]

    def remove(self, name: str) -> None:
        """Stop watching. NotFound."""
        self._wire.call("DELETE", _source(name))

    def pause(self, name: str | None = None) -> None:
        """Perceive nothing of this source, or of any now and to come. NotFound."""
        self._wire.call("POST", "/v1/pause" if name is None else _source(name) + "/pause")

    def resume(self, name: str | None = None) -> None:
        """Perceive again. NotFound."""
        self._wire.call("POST", "/v1/resume" if name is None else _source(name) + "/resume")

    @property
    def paused(self) -> bool:
        """Whether everything is paused, sources to come included."""
        return bool(self._wire.call("GET", "/v1/pause")["paused"])

    def network(self) -> Network:
        """What may leave the daemon's machine, and what did."""
        return value_of(self._wire.call("GET", "/v1/network"), Network)

    def retention(self, dry_run: bool = True) -> AgeReport:
        """What the retention rules would remove now, or removed."""
        if dry_run:
            return value_of(self._wire.call("GET", "/v1/retention"), AgeReport)
        return value_of(self._wire.call("POST", "/v1/retention", {"dry_run": False}), AgeReport)

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


def _source(name: str) -> str:
    return "/v1/sources/" + quote(name, safe="")
