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
from perstream.daemon.doing import Doing, Step
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
MOST_LEFT = 3
"""Perceiving threads that hang at once: with another one the source is given up."""


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
        self.doing = Doing()
        """What the perceiving thread is at; handing on what it found is not counted, for that may rightly wait."""
        self._turn = 0
        """Counts up when the perceiving thread is replaced: one of an older turn is left behind."""
        self._in_hand: tuple[Waiting, ...] = ()
        self._left: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._thread = self._new_thread()

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

    def waiting_s(self) -> float:
        """How long ago the oldest keyframe that waits to be perceived came out of its source."""
        return self._hopper.oldest_s()

    def thin(self, keep_one_in: int) -> None:
        """Perceive one keyframe in so many."""
        self._intake.keep_one_in = keep_one_in

    @property
    def silent_s(self) -> float:
        """Seconds since the source last gave something, whatever became of it."""
        return time.monotonic() - self._intake.heard_at

    def renew(self, step: Step) -> bool | None:
        """The perceiving thread hangs at ``step``: leave it behind and let another go on with what waits.

        None when it does not hang any more; False when too many hang already: then what waits is given up.
        """
        with self._lock:
            if self.doing.step is not step:
                return None
            self._left = [thread for thread in self._left if thread.is_alive()]
            fits = len(self._left) < MOST_LEFT
            self._left.append(self._thread)
            self._turn += 1
            self.tally.drop("stuck", sum(isinstance(waiting.item, Keyframe) for waiting in self._in_hand))
            self.doing.forget()
            if not fits:
                self.failure = PerStreamError(f"perceiving {self.name} hangs again and again; see the log")
            self._thread = self._new_thread()
        self._thread.start()
        return fits

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

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(
            target=self._run, args=(self._turn,), name=f"perstream-perceive-{self.name}", daemon=True
        )

    def _run(self, turn: int) -> None:
        if self.failure is not None:
            self._give_up(self.failure)
        else:
            self._perceive_with(turn)
        if self._turn == turn:
            self._conclude()

    def _perceive_with(self, turn: int) -> None:
        try:
            with self.doing.at("load"):
                perceiver = self._parts.make_perceiver()
        except Exception as error:  # noqa: BLE001 - the daemon loop: without a perceiver this source cannot be watched
            self.failure = error if isinstance(error, PerStreamError) else PerStreamError(f"cannot perceive: {error}")
            self._give_up(error)
        else:
            self._perceive_all(perceiver, turn)

    def _give_up(self, error: Exception) -> None:
        """Nothing can be perceived: take nothing more in."""
        self.complain(error)
        self.stop()
        self.abandon()
        self.discard()

    def _perceive_all(self, perceiver: Perceiver, turn: int) -> None:
        while self._turn == turn and (waiting := self._hopper.take()) is not None:
            try:
                self._perceive(perceiver, waiting, turn)
            except Closing:
                self._intake.lost(waiting)
            except Exception as error:  # noqa: BLE001 - the daemon loop: log, count, go on
                self.complain(error)
            self._reporter.drops()
        if self._turn != turn:
            return
        try:
            with self.doing.at("finish"):
                last = perceiver.finish()
            if self._turn == turn:
                self._remember(last)
        except Exception as error:  # noqa: BLE001 - the daemon loop
            self.complain(error)

    def _perceive(self, perceiver: Perceiver, waiting: Waiting, turn: int) -> None:
        """One item, or some keyframes; what comes of it after this thread was left behind is let go."""
        item = waiting.item
        if isinstance(item, Keyframe):
            together = [waiting, *self._hopper.take_more(self._parts.batch - 1)]
            self._in_hand = tuple(together)
            keyframes = [one.item for one in together if isinstance(one.item, Keyframe)]
            with self.doing.at("see"):
                percepts = perceiver.see_all(keyframes)
            if self._turn == turn:
                self._in_hand = ()
            for percept, one in zip(percepts, together, strict=True):
                if self._turn == turn:
                    self._reporter.kept(percept)
                    self._remember(percept, one)
        elif isinstance(item, (AudioChunk, Cue)):
            self._in_hand = ()
            with self.doing.at("hear"):
                heard = perceiver.hear(item)
            if self._turn == turn:
                self._remember(heard)
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
