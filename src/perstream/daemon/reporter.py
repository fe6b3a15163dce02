"""Tells the bus how one source is doing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from perstream.daemon.bus import EventBus
from perstream.daemon.tally import Tally, peak_rss_mb
from perstream.daemon.timeline import Timeline
from perstream.errors import PerStreamError
from perstream.events import Done, ErrorRaised, FrameDropped, GapRecorded, KeyframeKept, Paused
from perstream.privacy.redact import redact
from perstream.types import Gap, Percept

log = logging.getLogger(__name__)


class Reporter:
    """Publishes the events of one source; any thread may call it.

    What belongs to a picture or a gap carries the source's time as ``at``, everything else the
    wall clock.
    """

    def __init__(
        self, name: str, bus: EventBus, clock: Callable[[], datetime], tally: Tally, timeline: Timeline
    ) -> None:
        self._name = name
        self._bus = bus
        self._clock = clock
        self._tally = tally
        self._timeline = timeline

    def complain(self, error: Exception) -> None:
        """Count an error and tell it, at most once a second."""
        if self._tally.fail(error, time.monotonic()):
            kind = type(error).__name__
            # The message may hold words read from the world: it goes to the bus, not to the log.
            told = None if isinstance(error, PerStreamError) else error
            log.warning("%s: %s", self._name, kind, exc_info=told, extra={"source": self._name})
            self._bus.publish(ErrorRaised(self._clock(), self._name, self._here(), kind, redact(str(error)).text))

    def drops(self, last: bool = False) -> None:
        """Tell what was dropped since the last time, at most once a second (or now, at the end)."""
        for reason, count in self._tally.untold(time.monotonic(), last).items():
            self._bus.publish(FrameDropped(self._clock(), self._name, self._here(), reason, count))

    def paused(self, paused: bool) -> None:
        """Tell a pause or its end."""
        self._bus.publish(Paused(self._clock(), self._name, self._here(), paused))

    def gap(self, gap: Gap) -> None:
        """Tell a stretch without pictures."""
        self._bus.publish(GapRecorded(gap.ended_at, self._name, gap.end_s, gap.reason, gap.start_s, gap.end_s))

    def kept(self, percept: Percept) -> None:
        """Tell a keyframe and, in words, what was perceived in it."""
        keyframe = percept.keyframe
        seen = tuple(f"{seen.kind.value}: {seen.text}".rstrip(": ") for seen in percept.observations)
        self._bus.publish(
            KeyframeKept(
                keyframe.captured_at,
                self._name,
                keyframe.pts_s,
                reason=keyframe.reason,
                motion=keyframe.motion,
                scene=keyframe.scene,
                seen=seen,
            )
        )

    def done(self) -> Done:
        """The sum of it all; the caller publishes it last."""
        tally = self._tally
        return Done(
            self._clock(),
            self._name,
            self._here(),
            frames=tally.frames,
            keyframes=tally.keyframes,
            memories=tally.memories,
            dropped=tally.dropped(),
            wall_s=tally.wall_s,
            cpu_s=tally.cpu_s,
            peak_rss_mb=peak_rss_mb(),
            video_s=self._here() or 0.0,
        )

    def _here(self) -> float | None:
        last = self._timeline.last
        return None if last is None else last.pts_s
