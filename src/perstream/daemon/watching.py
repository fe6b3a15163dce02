"""The side of the house that watches: sources, their live views and their events."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from perstream.daemon.bus import EventBus, Subscription
from perstream.daemon.fed import Fed
from perstream.daemon.pauses import Pauses, unrecorded
from perstream.daemon.status import SourceRequest, SourceStatus
from perstream.daemon.supervisor import Supervisor
from perstream.daemon.unasked import Unasked
from perstream.daemon.veil import checked_masks
from perstream.errors import ConfigError, NotFound, PerStreamError
from perstream.events import Done
from perstream.keyframes.thumbnail import thumbnail
from perstream.sources import PushSource
from perstream.types import ByteArray

WORTH_A_GAP = timedelta(seconds=1)
VIEW_SIDE_PX = 800
"""Longer side of the picture that shows what is seen now."""


class Watching(Unasked):
    """Every method may be called from any thread."""

    bus: EventBus
    _supervisor: Supervisor
    _fed: Fed
    _views: dict[str, ByteArray]
    """Of each source its latest keyframe."""
    _pauses: Pauses

    def watch(
        self,
        uri: str,
        *,
        start_time: datetime | None = None,
        realtime: bool = False,
        name: str | None = None,
        keep: bool = False,
        masks: Sequence[str] = (),
        trusted: bool = True,
    ) -> str:
        """Start watching; returns the source's name. A source that the owner paused begins paused.

        SourceError when it cannot be opened; with ``keep`` it is tried again for ever instead. ``masks``, each
        ``X Y W H`` in shares of the picture, are regions that nobody sees. ConfigError. ``trusted``:
        the owner named it, so that it may be this machine itself.
        """
        request = SourceRequest(uri, start_time, realtime, name, keep, checked_masks(masks), trusted)
        return self._add(request)

    def remove(self, name: str) -> None:
        """Stop watching; what was perceived is remembered. NotFound for an unknown name."""
        self._supervisor.remove(name)
        self._views.pop(name, None)
        self._pauses.removed(name)

    def pause(self, name: str | None = None) -> None:
        """Perceive nothing of this source, or of all and those to come, also after a restart.

        NotFound, StoreError, ConfigError for one that has ended: the pause would hold the next one of that name.
        """
        self._supervisor.pause(name)
        if name is not None and self._supervisor.over(name):
            raise ConfigError(f"{name} has ended: there is nothing to pause")
        self._pauses.pause(name)
        if name is None:
            self._supervisor.pause()  # what came in between

    def resume(self, name: str | None = None) -> None:
        """Perceive again. NotFound, StoreError."""
        if name is not None and not self._pauses.names(name):
            self._supervisor.paused(name)  # NotFound, before anything is noted
        self._pauses.resume(name)
        with contextlib.suppress(NotFound):  # paused by name, and watched no longer
            self._supervisor.resume(name)

    @property
    def paused(self) -> bool:
        """Whether everything is paused, sources to come included."""
        return self._pauses.everything

    def wait(self, name: str, timeout: float | None = None) -> Done | None:
        """The source's Done, or None when it still runs after ``timeout`` seconds."""
        return self._supervisor.wait(name, timeout)

    def failure(self, name: str) -> PerStreamError | None:
        """Why a source could not be read to its end, or None."""
        return self._supervisor.failure(name)

    def sources(self) -> list[SourceStatus]:
        """All sources and how they are doing."""
        return [
            replace(one, masks=tuple(map(str, self._veil.regions(one.name))), faceless=self._veil.hides_faces)
            for one in self._supervisor.list()
        ]

    def view(self, name: str) -> bytes | None:
        """JPEG of the latest keyframe of a source, None before the first and while it is paused. NotFound."""
        latest = None if self._supervisor.paused(name) else self._views.get(name)
        return None if latest is None else thumbnail(latest, VIEW_SIDE_PX)

    def recording(self, memory_id: int) -> Path | None:
        """The file a memory was seen in: only of those that this house watches or watched. NotFound.

        None where anything was taken out of the pictures: the file still holds it.
        """
        record = self.memory(memory_id)
        shown = (
            one for one in self._supervisor.list() if one.shows(record) and not self._veil.covers(one.name, one.uri)
        )
        files = (Path(one.uri).expanduser() for one in shown)
        return next((file.resolve() for file in files if file.is_file()), None)

    def live(self, name: str, after: int = 0, wait_s: float = 0.0) -> tuple[int, bytes] | None:
        """Number and JPEG of a source's newest frame, when it is another than ``after`` or one comes in time.

        NotFound for an unknown name. Nothing is made of frames while nobody asks.
        """
        seen = self._supervisor.glance(name).look(after, wait_s)
        return None if seen is None else (seen.number, thumbnail(seen.rgb, VIEW_SIDE_PX))

    def feed(self, name: str) -> PushSource:
        """A source that the caller feeds with pictures; one of this name that still runs goes on.

        ConfigError when something else of this name is being watched.
        """
        return self._fed.feed(name, self._add)

    def _add(self, request: SourceRequest) -> str:
        """A camera that was paused when the house last ended was paused all the time: its gap says so."""
        now = datetime.now(timezone.utc)
        name = self._supervisor.add(request)
        since = self._pauses.since(name)
        if since is not None and self._supervisor.is_live(name):
            gap = unrecorded(name, since, now, self.gaps(since))
            if gap is not None and gap.ended_at - gap.started_at > WORTH_A_GAP:
                self._write(lambda: self._memory.record_gap(gap))
        return name

    def subscribe(self, capacity: int | None = None) -> Subscription:
        """Events from now on; a subscriber more than ``capacity`` events behind loses the oldest."""
        return self.bus.subscribe(capacity)
