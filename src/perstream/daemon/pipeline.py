"""The way of a source: capture thread -> sampler -> hopper -> perceive thread -> assistant thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import partial

from perstream.daemon.bus import EventBus
from perstream.daemon.capture import Capture
from perstream.daemon.hopper import Flush, Hopper, Waiting
from perstream.daemon.parts import Parts, Perceiver, Source
from perstream.daemon.tally import Tally, peak_rss_mb
from perstream.daemon.timeline import Mark, Timeline
from perstream.daemon.worker import AssistantWorker, Closing, Priority
from perstream.errors import PerStreamError
from perstream.events import Done, ErrorRaised, Event, FrameDropped, GapRecorded, KeyframeKept, MemoryStored, Paused
from perstream.types import AudioChunk, Cue, Frame, Gap, Keyframe, Percept, SourceItem

log = logging.getLogger(__name__)
FRAMES_TIMED = 2048
"""Frames whose capture time is kept while the sampler makes up its mind."""


class SourcePipeline:
    """Everything that belongs to one source; its threads live until ``Done`` is published."""

    def __init__(
        self, name: str, parts: Parts, worker: AssistantWorker, bus: EventBus, *, live: bool, paced: bool
    ) -> None:
        """``live``: the newest frame wins instead of the source waiting. ``paced``: time goes on during
        a pause, its frames are dropped and leave a gap; otherwise (a file read at full speed) a pause
        holds the reading and nothing is lost.
        """
        self.name = name
        self.live = live
        self.tally = Tally()
        self.timeline = Timeline(name)
        self._parts = parts
        self._worker = worker
        self._bus = bus
        self._paced = paced or live
        keyframes = parts.live_keyframes if live else parts.file_keyframes
        self._hopper = Hopper(keyframes, parts.sounds, newest_wins=live)
        self._sampler = parts.make_sampler()
        self._scenes = 0
        self._scene = 0
        self._captured: dict[int, float] = {}
        self._source_dropped: dict[str, int] = {}
        self._stopping = False
        self._ending = False
        self._paused = False
        self._pause_changed = threading.Condition()
        self._finished = threading.Event()
        self.done: Done | None = None
        """Set when everything perceived is remembered."""
        self.failure: PerStreamError | None = None
        """Why perception could not work at all."""
        self._stop_counting = bus.listen(self._count_memory)
        self._thread = threading.Thread(target=self._perceive_all, name=f"perstream-perceive-{name}", daemon=True)

    # --- for the supervisor -----------------------------------------------------------------

    def start(self) -> None:
        """Begin to perceive what will be captured."""
        self._thread.start()

    def read(self, open_source: Callable[[], Source], ended: Callable[[Capture], None]) -> Capture:
        """A capture that feeds this pipeline; one at a time. The caller starts it."""
        self.timeline.begin_run()
        self._source_dropped = {}
        return Capture(self.name, open_source, self._take, ended)

    def pause(self) -> None:
        """From now on nothing is perceived; what was perceived is remembered first."""
        with self._pause_changed:
            if self._paused:
                return
            self._paused = True
        self._publish(Paused(self._parts.clock(), self.name, self._here(), True))

    def resume(self) -> None:
        """Perceive again."""
        with self._pause_changed:
            if not self._paused:
                return
            self._paused = False
            self._pause_changed.notify_all()
        self._publish(Paused(self._parts.clock(), self.name, self._here(), False))

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self._paused

    def interrupt(self, reason: str) -> None:
        """The source was lost for a while: remember what was seen; a gap follows with its next frame."""
        self._end_stretch()
        self.timeline.interrupt(reason, self.timeline.last)
        self._put(Waiting(Flush()))

    def finish(self) -> None:
        """The source has ended: perceive what is queued, remember it, publish Done."""
        with self._pause_changed:
            if self._ending:
                return
            self._ending = True
        self._end_stretch()
        last = self.timeline.last
        if last is not None and self.timeline.interrupted == "paused":
            self._record(self.timeline.resume(last))
        self._hopper.close()

    def stop(self) -> None:
        """Take nothing more in and let go of a capture that waits; ``finish`` is still to come."""
        with self._pause_changed:
            self._stopping = True
            self._pause_changed.notify_all()
        self._hopper.hurry()

    def abandon(self) -> None:
        """The capture does not let go: perceive what is queued without it."""
        self._hopper.close()

    def discard(self) -> None:
        """Time is up: drop what is queued and not yet perceived."""
        for waiting in self._hopper.clear():
            self._count_lost(waiting, "stopped")

    def wait(self, timeout: float | None = None) -> Done | None:
        """The Done of this source, or None when it is not done within ``timeout`` seconds."""
        self._finished.wait(timeout)
        return self.done

    # --- capture thread ---------------------------------------------------------------------

    def _take(self, item: SourceItem, source: Source) -> bool:
        captured = time.monotonic()
        self.notice_drops(source.dropped)
        if self._stopping:
            return False
        before = self.timeline.last
        placed = self.timeline.place(item, self._parts.clock())
        if isinstance(placed, Frame):
            self.tally.frames += 1
        if self._paused and not self._hold_or_skip(placed, before):
            return not self._stopping
        if isinstance(placed, Frame):
            if self.timeline.interrupted is not None:
                self._record(self.timeline.resume(Mark(placed.pts_s, placed.captured_at)))
            self._sample(placed, captured)
        elif isinstance(placed, Gap):
            self._end_stretch()
            self._record(placed)
        else:
            self._put(Waiting(placed))
        return not self._stopping

    def _hold_or_skip(self, item: SourceItem, since: Mark | None) -> bool:
        """During a pause: False when the item was dropped, True when it is to be used after all."""
        if self._paced:
            if self.timeline.interrupted not in (None, "paused") and isinstance(item, Frame):
                self._record(self.timeline.resume(Mark(item.pts_s, item.captured_at)))
            if self.timeline.interrupted is None:
                self._end_stretch()
                self.timeline.interrupt("paused", since)
                self._put(Waiting(Flush()))
            if isinstance(item, Frame):
                self.timeline.skip(item)
                self.tally.drop("paused")
            elif isinstance(item, Gap):
                self._record(item)
            return False
        self._put(Waiting(Flush()))
        with self._pause_changed:
            while self._paused and not self._stopping:
                self._pause_changed.wait()
        return not self._stopping

    def _sample(self, frame: Frame, captured: float) -> None:
        self._captured[frame.index] = captured
        if len(self._captured) > FRAMES_TIMED:
            del self._captured[next(iter(self._captured))]
        try:
            keyframes = self._sampler.offer(frame)
        except Exception as error:  # noqa: BLE001 - the daemon loop: one bad frame must not end the day
            self.complain(error)
            self.tally.drop("undecodable")
            return
        for keyframe in keyframes:
            self._keep(keyframe)

    def _keep(self, keyframe: Keyframe) -> None:
        self._scene = self._scenes + keyframe.scene
        now = time.monotonic()
        waiting = Waiting(replace(keyframe, scene=self._scene), self._captured.get(keyframe.index, now), now)
        self.tally.keyframes += 1
        self._put(waiting)

    def _end_stretch(self) -> None:
        """Before a gap: what the sampler still considers comes out, and it starts afresh."""
        try:
            keyframes = self._sampler.finish()
        except Exception as error:  # noqa: BLE001 - the daemon loop
            self.complain(error)
            keyframes = ()
        for keyframe in keyframes:
            self._keep(keyframe)
        self._sampler = self._parts.make_sampler()
        self._scenes = self._scene + 1

    def _record(self, gap: Gap | None) -> None:
        if gap is not None:
            self._put(Waiting(gap))

    def _put(self, waiting: Waiting) -> None:
        for lost in self._hopper.put(waiting):
            self._count_lost(lost, "stopped" if self._stopping else "behind")

    def _count_lost(self, waiting: Waiting, reason: str) -> None:
        if isinstance(waiting.item, Keyframe):
            self.tally.drop(reason)
        elif isinstance(waiting.item, AudioChunk):
            self.tally.drop(f"sound_{reason}")

    def notice_drops(self, dropped: Mapping[str, int]) -> None:
        """Count what the source itself dropped since the last look."""
        for reason, count in dropped.items():
            self.tally.drop(reason, count - self._source_dropped.get(reason, 0))
            self._source_dropped[reason] = count
        self._tell_drops(time.monotonic())

    # --- perceive thread --------------------------------------------------------------------

    def _perceive_all(self) -> None:
        try:
            perceiver = self._parts.make_perceiver()
            while (waiting := self._hopper.take()) is not None:
                try:
                    self._perceive(perceiver, waiting)
                except Closing:
                    self._count_lost(waiting, "stopped")
                except Exception as error:  # noqa: BLE001 - the daemon loop: log, count, go on
                    self.complain(error)
                self._tell_drops(time.monotonic())
            try:
                self._remember(perceiver.finish())
            except Exception as error:  # noqa: BLE001 - the daemon loop
                self.complain(error)
        except Exception as error:  # noqa: BLE001 - without a perceiver this source cannot be watched
            self.failure = error if isinstance(error, PerStreamError) else PerStreamError(f"cannot perceive: {error}")
            self.complain(error)
            self.stop()
            self.abandon()
            self.discard()
        finally:
            self._conclude()

    def _perceive(self, perceiver: Perceiver, waiting: Waiting) -> None:
        item = waiting.item
        if isinstance(item, Keyframe):
            percept = perceiver.see(item)
            self._publish(_kept(percept))
            self._remember(percept, waiting)
        elif isinstance(item, (AudioChunk, Cue)):
            self._remember(perceiver.hear(item))
        elif isinstance(item, Gap):
            self._publish(GapRecorded(item.ended_at, self.name, item.end_s, item.reason, item.start_s, item.end_s))
            self._submit(partial(self._parts.sink.gap, item))
        else:
            self._submit(partial(self._parts.sink.finish, self.name))

    def _remember(self, percept: Percept | None, waiting: Waiting | None = None) -> None:
        if percept is None:
            return

        def see() -> None:
            self._parts.sink.see(percept)
            if waiting is not None:
                self.tally.arrived(waiting.captured, waiting.chosen, time.monotonic())

        self._submit(see)

    def _submit(self, job: Callable[[], object]) -> None:
        self._worker.submit(Priority.PERCEPT, job, source=self.name)

    def _conclude(self) -> None:
        """Wait until the assistant has remembered everything, then say so."""
        try:
            self._worker.submit(
                Priority.PERCEPT, partial(self._parts.sink.finish, self.name), source=self.name
            ).exception()
        except (Closing, CancelledError):
            log.warning("%s: the assistant stopped before the last moment was remembered", self.name)
        self._tell_drops(time.monotonic(), last=True)
        self._stop_counting()
        last, tally = self.timeline.last, self.tally
        self.done = Done(
            self._parts.clock(),
            self.name,
            self._here(),
            frames=tally.frames,
            keyframes=tally.keyframes,
            memories=tally.memories,
            dropped=tally.dropped(),
            wall_s=tally.wall_s,
            cpu_s=tally.cpu_s,
            peak_rss_mb=peak_rss_mb(),
            video_s=last.pts_s if last is not None else 0.0,
        )
        self._publish(self.done)
        self._finished.set()

    # --- any thread -------------------------------------------------------------------------

    def complain(self, error: Exception) -> None:
        """Count an error of this source and tell it, at most once a second."""
        if self.tally.fail(error, time.monotonic()):
            kind = type(error).__name__
            log.warning("%s: %s", self.name, kind, exc_info=error if not isinstance(error, PerStreamError) else None)
            self._publish(ErrorRaised(self._parts.clock(), self.name, self._here(), kind, str(error)))

    def _tell_drops(self, now: float, last: bool = False) -> None:
        for reason, count in self.tally.untold(now, last).items():
            self._publish(FrameDropped(self._parts.clock(), self.name, self._here(), reason, count))

    def _count_memory(self, event: Event) -> None:
        if isinstance(event, MemoryStored) and event.source == self.name:
            self.tally.memories += 1

    def _here(self) -> float | None:
        last = self.timeline.last
        return None if last is None else last.pts_s

    def _publish(self, event: Event) -> None:
        self._bus.publish(event)


def _kept(percept: Percept) -> KeyframeKept:
    keyframe = percept.keyframe
    return KeyframeKept(
        keyframe.captured_at,
        keyframe.source,
        keyframe.pts_s,
        reason=keyframe.reason,
        motion=keyframe.motion,
        scene=keyframe.scene,
        seen=tuple(
            f"{observation.kind.value}: {observation.text}".rstrip(": ") for observation in percept.observations
        ),
    )
