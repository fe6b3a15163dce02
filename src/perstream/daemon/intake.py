"""The capture thread's part of a pipeline: place on the timeline, pause, sample, queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from perstream.daemon.glance import Glance
from perstream.daemon.hopper import Flush, Hopper, Waiting
from perstream.daemon.parts import Parts, Source
from perstream.daemon.reporter import Reporter
from perstream.daemon.shedding import MOST
from perstream.daemon.tally import Tally
from perstream.daemon.timeline import Mark, Timeline
from perstream.types import AudioChunk, Frame, Gap, Keyframe, SourceItem

TELLING = ("first", "cut")
"""Reasons of keyframes that are let go last."""
WAITED_S = 5.0
"""No frame waits longer than this in a live source; a clock that is set meanwhile costs no more than this either."""
FRAMES_TIMED = 2048
"""Frames whose capture time is kept while the sampler makes up its mind."""


class Intake:
    """Takes what one source delivers; fills the hopper."""

    def __init__(
        self, parts: Parts, hopper: Hopper, timeline: Timeline, tally: Tally, reporter: Reporter, paced: bool
    ) -> None:
        """``paced``: time goes on during a pause, its frames are dropped and leave a gap; otherwise a
        pause holds the reading and nothing is lost."""
        self._parts = parts
        self._hopper = hopper
        self._timeline = timeline
        self._tally = tally
        self._reporter = reporter
        self._paced = paced
        self.glance = Glance()
        self.heard_at = time.monotonic()
        """When the source last gave something."""
        self.keep_one_in = 1
        """Of the keyframes one in so many is perceived: more than 1 sheds load. Cuts stay unless it is the utmost."""
        self._passed = 0
        self._sampler = parts.make_sampler()
        self._scenes = 0
        self._scene = 0
        self._captured: dict[int, float] = {}
        self._source_dropped: dict[str, int] = {}
        self._changed = threading.Condition()
        self._paused = False
        self._resumed: tuple[datetime, float] | None = None
        """When by both clocks; what a live source gives now may be from before."""
        self._resumed_s = float("-inf")
        """Where on the source's clock the first frame after a pause lies."""
        self._stopping = False
        self._ending = False

    # --- any thread -------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self._paused

    def pause(self, paused: bool) -> None:
        """From now on take nothing in, or take in again."""
        with self._changed:
            if self._paused == paused:
                return
            self._paused = paused
            self._resumed = None if paused else (self._parts.clock(), time.monotonic())
            self._changed.notify_all()
        self.glance.hide(paused)
        self._reporter.paused(paused)

    def stop(self) -> None:
        """Take nothing more in, and never wait again."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._hopper.hurry()

    def lost(self, waiting: Waiting) -> None:
        """Count what went by without being perceived."""
        reason = "stopped" if self._stopping else "behind"
        if isinstance(waiting.item, Keyframe):
            self._tally.drop(reason)
        elif isinstance(waiting.item, AudioChunk):
            self._tally.drop(f"sound_{reason}")

    # --- the capture thread, or whoever acts for it when it is over -------------------------

    def begin_run(self) -> None:
        """The source was opened (again)."""
        self._timeline.begin_run()
        self._source_dropped = {}

    def take(self, item: SourceItem, source: Source) -> bool:
        """One item of the source; False when no more is wanted."""
        captured = self.heard_at = time.monotonic()
        self.notice_drops(source.dropped)
        if self._stopping:
            return False
        before = self._timeline.last
        placed = self._timeline.place(item, self._parts.clock())
        if isinstance(placed, Frame):
            self._tally.frames += 1
        if self._paused and (self._skip(placed, before) if self._paced else self._hold()):
            return not self._stopping
        if self._is_of_the_pause(placed, source):
            self._skip(placed, before)
            return not self._stopping
        if isinstance(placed, Frame):
            self._resume_at(placed)
            self.glance.offer(placed)
            self._sample(placed, captured)
        elif isinstance(placed, Gap):
            self._end_stretch()
            self._put(placed)
        else:
            self._put(placed)
        return not self._stopping

    def notice_drops(self, dropped: Mapping[str, int]) -> None:
        """Count what the source itself dropped since the last look."""
        for reason, count in dropped.items():
            self._tally.drop(reason, count - self._source_dropped.get(reason, 0))
            self._source_dropped[reason] = count
        self._reporter.drops()

    def interrupt(self, reason: str) -> None:
        """The source is lost for a while: remember what was seen; a gap follows with its next frame."""
        self._end_stretch()
        self._timeline.interrupt(reason, self._timeline.last)
        self._put(Flush())

    def finish(self) -> None:
        """The source has ended; the hopper takes nothing more. Safe to call twice."""
        with self._changed:
            if self._ending:
                return
            self._ending = True
        self._end_stretch()
        last = self._timeline.last
        if last is not None and self._timeline.interrupted == "paused":
            self._record(self._timeline.resume(last))
        self._hopper.close()

    # --- inside -----------------------------------------------------------------------------

    def _skip(self, item: SourceItem, since: Mark | None) -> bool:
        """An item of a pause that goes by: nobody looks at it."""
        if isinstance(item, Frame) and self._timeline.interrupted not in (None, "paused"):
            self._resume_at(item)  # it was lost before: that gap ends here, another begins
        if self._timeline.interrupted is None:
            self._end_stretch()
            self._timeline.interrupt("paused", since)
            self._put(Flush())
        if isinstance(item, Frame):
            self._timeline.skip(item)
            self._tally.drop("paused")
        elif isinstance(item, Gap):
            self._put(item)
        return True

    def _is_of_the_pause(self, item: SourceItem, source: Source) -> bool:
        """Whether what comes after a pause was captured in it: it waited in the source, or is sound that began in it."""
        if isinstance(item, Frame):
            resumed = self._resumed if source.live else None
            return resumed is not None and item.captured_at < resumed[0] and time.monotonic() - resumed[1] < WAITED_S
        if isinstance(item, AudioChunk):
            return self._timeline.interrupted == "paused" or item.pts_s < self._resumed_s
        return False

    def _hold(self) -> bool:
        """Wait for the end of the pause; True when the source was stopped instead."""
        self._put(Flush())
        with self._changed:
            while self._paused and not self._stopping:
                self._changed.wait()
        return self._stopping

    def _resume_at(self, frame: Frame) -> None:
        if self._timeline.interrupted is not None:
            if self._timeline.interrupted == "paused":
                self._resumed_s = frame.pts_s
            self._record(self._timeline.resume(Mark(frame.pts_s, frame.captured_at)))

    def _sample(self, frame: Frame, captured: float) -> None:
        self._captured[frame.index] = captured
        if len(self._captured) > FRAMES_TIMED:
            del self._captured[next(iter(self._captured))]
        try:
            keyframes = self._sampler.offer(frame)
        except Exception as error:  # noqa: BLE001 - the daemon loop: one bad frame must not end the day
            self._reporter.complain(error)
            self._tally.drop("undecodable")
            return
        for keyframe in keyframes:
            self._keep(keyframe)

    def _keep(self, keyframe: Keyframe) -> None:
        self._scene = self._scenes + keyframe.scene
        self._tally.keyframes += 1
        if self._is_shed(keyframe):
            self._tally.drop("shed")
            return
        now = time.monotonic()
        self._queue(Waiting(replace(keyframe, scene=self._scene), self._captured.get(keyframe.index, now), now))

    def _is_shed(self, keyframe: Keyframe) -> bool:
        """Let it go under load: all but one in so many."""
        self._passed += 1
        if self._passed >= self.keep_one_in or (keyframe.reason in TELLING and self.keep_one_in < MOST):
            self._passed = 0
            return False
        return True

    def _end_stretch(self) -> None:
        """Before a gap: what the sampler still considers comes out, and it starts afresh."""
        try:
            keyframes = self._sampler.finish()
        except Exception as error:  # noqa: BLE001 - the daemon loop
            self._reporter.complain(error)
            keyframes = ()
        for keyframe in keyframes:
            self._keep(keyframe)
        self._sampler = self._parts.make_sampler()
        self._scenes = self._scene + 1

    def _record(self, gap: Gap | None) -> None:
        if gap is not None:
            self._put(gap)

    def _put(self, item: SourceItem | Flush) -> None:
        if not isinstance(item, Frame):
            self._queue(Waiting(item))

    def _queue(self, waiting: Waiting) -> None:
        for lost in self._hopper.put(waiting):
            self.lost(lost)
