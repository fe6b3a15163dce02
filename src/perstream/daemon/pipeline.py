"""The way of a source: capture thread -> sampler -> hopper -> perceive thread -> assistant thread."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial

from perstream.daemon.bus import EventBus
from perstream.daemon.capture import Capture
from perstream.daemon.glance import Glance
from perstream.daemon.hopper import Hopper, Waiting
from perstream.daemon.intake import Intake
from perstream.daemon.parts import Parts, Perceiver, Source
from perstream.daemon.reporter import Reporter
from perstream.daemon.tally import Tally
from perstream.daemon.timeline import Timeline
from perstream.daemon.worker import AssistantWorker, Closing, Priority
from perstream.errors import PerStreamError
from perstream.events import Done, Event, MemoryStored
from perstream.types import AudioChunk, Cue, Gap, Keyframe, Percept

log = logging.getLogger(__name__)


class SourcePipeline:
    """Everything that belongs to one source, over all its restarts, until ``Done`` is published."""

    def __init__(
        self, name: str, parts: Parts, worker: AssistantWorker, bus: EventBus, *, live: bool, paced: bool
    ) -> None:
        """``live``: the newest frame wins instead of the source waiting. ``paced``: its time goes on
        during a pause (a live source always is); see Intake."""
        self.name = name
        self.tally = Tally()
        self.timeline = Timeline(name)
        self.done: Done | None = None
        """Set when everything perceived is remembered."""
        self.failure: PerStreamError | None = None
        """Why perception could not work at all."""
        self._parts = parts
        self._worker = worker
        self._bus = bus
        self._reporter = Reporter(name, bus, parts.clock, self.tally, self.timeline)
        keyframes = parts.live_keyframes if live else parts.file_keyframes
        self._hopper = Hopper(keyframes, parts.sounds, newest_wins=live)
        self._intake = Intake(parts, self._hopper, self.timeline, self.tally, self._reporter, paced or live)
        self._finished = threading.Event()
        self._stop_counting = bus.listen(self._count_memory)
        self._thread = threading.Thread(target=self._run, name=f"perstream-perceive-{name}", daemon=True)

    # --- for whoever looks after it ---------------------------------------------------------

    def start(self) -> None:
        """Begin to perceive what will be captured."""
        self._thread.start()

    def read(self, open_source: Callable[[], Source], ended: Callable[[Capture], None]) -> Capture:
        """A capture that feeds this pipeline; one at a time. The caller starts it."""
        self._intake.begin_run()
        return Capture(self.name, open_source, self._intake.take, ended)

    @property
    def glance(self) -> Glance:
        """What its camera shows at this moment."""
        return self._intake.glance

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self._intake.paused

    def pause(self, paused: bool = True) -> None:
        """From now on nothing is perceived (what was perceived is remembered first), or it is again."""
        self._intake.pause(paused)

    def complain(self, error: Exception) -> None:
        """Count and tell an error of this source."""
        self._reporter.complain(error)

    def ended(self, capture: Capture) -> None:
        """A capture is over: count what its source dropped last."""
        self._intake.notice_drops(capture.dropped)

    def interrupt(self, reason: str) -> None:
        """No capture for now; the next frame closes a gap of this reason."""
        self._intake.interrupt(reason)

    def finish(self) -> None:
        """No capture any more: perceive what is queued, remember it, publish Done. Does not wait for it."""
        self._intake.finish()

    def stop(self) -> None:
        """Take nothing more in and let go of a capture that waits; ``finish`` is still to come."""
        self._intake.stop()

    def abandon(self) -> None:
        """The capture does not let go: perceive what is queued without it."""
        self._hopper.close()

    def discard(self) -> None:
        """Time is up: drop what is queued and not yet perceived."""
        for waiting in self._hopper.clear():
            self._intake.lost(waiting)

    def flush(self) -> None:
        """Remember what is buffered although perception does not come to its end. Does not wait."""
        with contextlib.suppress(Closing):
            flush = partial(self._parts.sink.finish, self.name)
            self._worker.submit(Priority.PERCEPT, flush, source=self.name, wait=False)

    def wait(self, timeout: float | None = None) -> Done | None:
        """The Done of this source, or None when it is not done within ``timeout`` seconds."""
        self._finished.wait(timeout)
        return self.done

    # --- perceive thread --------------------------------------------------------------------

    def _run(self) -> None:
        try:
            perceiver = self._parts.make_perceiver()
        except Exception as error:  # noqa: BLE001 - the daemon loop: without a perceiver this source cannot be watched
            self.failure = error if isinstance(error, PerStreamError) else PerStreamError(f"cannot perceive: {error}")
            self.complain(error)
            self.stop()
            self.abandon()
            self.discard()
        else:
            self._perceive_all(perceiver)
        self._conclude()

    def _perceive_all(self, perceiver: Perceiver) -> None:
        while (waiting := self._hopper.take()) is not None:
            try:
                self._perceive(perceiver, waiting)
            except Closing:
                self._intake.lost(waiting)
            except Exception as error:  # noqa: BLE001 - the daemon loop: log, count, go on
                self.complain(error)
            self._reporter.drops()
        try:
            self._remember(perceiver.finish())
        except Exception as error:  # noqa: BLE001 - the daemon loop
            self.complain(error)

    def _perceive(self, perceiver: Perceiver, waiting: Waiting) -> None:
        item = waiting.item
        if isinstance(item, Keyframe):
            together = [waiting, *self._hopper.take_more(self._parts.batch - 1)]
            keyframes = [one.item for one in together if isinstance(one.item, Keyframe)]
            for percept, one in zip(perceiver.see_all(keyframes), together, strict=True):
                self._reporter.kept(percept)
                self._remember(percept, one)
        elif isinstance(item, (AudioChunk, Cue)):
            self._remember(perceiver.hear(item))
        elif isinstance(item, Gap):
            self._reporter.gap(item)
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
        last = partial(self._parts.sink.finish, self.name)
        try:
            self._worker.submit(Priority.PERCEPT, last, source=self.name).exception()
        except (Closing, CancelledError):
            log.warning("%s: the assistant stopped before the last moment was remembered", self.name)
        self._reporter.drops(last=True)
        self._stop_counting()
        self.done = self._reporter.done()
        self._bus.publish(self.done)
        self._finished.set()

    def _count_memory(self, event: Event) -> None:
        if isinstance(event, MemoryStored) and event.source == self.name:
            self.tally.memories += 1
