"""One clock per source, kept over pauses, losses and restarts.

A source counts seconds from its own first frame; when it is opened again it starts at zero. The
timeline moves such a new run to where it belongs, so that a name and a time mean one place only,
and it knows which stretch had no pictures and why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from perstream.types import AudioChunk, Frame, Gap, SourceItem


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the source's clock and in the world."""

    pts_s: float
    at: datetime
    """UTC."""


class Timeline:
    """Used by the one thread that captures the source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.frames = 0
        """Frames placed so far, over all runs."""
        self.last: Mark | None = None
        """The latest frame."""
        self._origin: datetime | None = None
        self._offset_s = 0.0
        self._settled = True
        self._first_index = 0
        self._reason: str | None = None
        self._since: Mark | None = None
        self._skipped = 0

    def begin_run(self) -> None:
        """The source was opened again: its next item tells where on the clock we are."""
        self._settled = self._origin is None
        self._first_index = self.frames

    def place(self, item: SourceItem, now: datetime) -> SourceItem:
        """The item on this timeline. ``now`` (UTC) is when it arrived."""
        if isinstance(item, Frame):
            self._settle(item.pts_s, item.captured_at)
            if self._origin is None:
                self._origin = item.captured_at - timedelta(seconds=item.pts_s)
            self.frames += 1
            placed = replace(
                item, source=self._source, index=self._first_index + item.index, pts_s=item.pts_s + self._offset_s
            )
            self.last = Mark(placed.pts_s, placed.captured_at)
            return placed
        if isinstance(item, AudioChunk):
            self._settle(item.pts_s, now)
            return replace(item, source=self._source, pts_s=item.pts_s + self._offset_s)
        self._settle(item.end_s, item.ended_at if isinstance(item, Gap) else now)
        return replace(
            item, source=self._source, start_s=item.start_s + self._offset_s, end_s=item.end_s + self._offset_s
        )

    def interrupt(self, reason: str, since: Mark | None) -> None:
        """Nothing is seen from ``since`` on (None: from the first frame that is skipped).

        An interruption that is already open goes on.
        """
        if self._reason is None:
            self._reason, self._since, self._skipped = reason, since, 0

    @property
    def interrupted(self) -> str | None:
        """Why nothing is seen at present, or None."""
        return self._reason

    def skip(self, frame: Frame) -> None:
        """A frame of the interruption: nobody looks at it."""
        self._skipped += 1
        if self._since is None:
            self._since = Mark(frame.pts_s, frame.captured_at)

    def resume(self, until: Mark) -> Gap | None:
        """The interruption is over: its gap, or None when there was none worth a record."""
        reason, since = self._reason, self._since
        self._reason = self._since = None
        if reason is None or since is None or (reason == "paused" and not self._skipped):
            return None
        if until.pts_s <= since.pts_s:
            return None
        return Gap(self._source, since.pts_s, until.pts_s, since.at, until.at, reason)

    def _settle(self, pts_s: float, at: datetime) -> None:
        """Fix where a new run lies: by the wall clock, but never before what was already seen."""
        if self._settled or self._origin is None or self.last is None:
            return
        here = max((at - self._origin).total_seconds(), self.last.pts_s)
        self._offset_s = here - pts_s
        self._settled = True
