"""Scripted parts for the daemon's tests: sources, a sampler, a perceiver and a sink.

Nothing here looks at pixels: a frame is kept when its index is a multiple of the sampler's step,
and a percept is the keyframe itself.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone

import numpy as np

from perstream.daemon.bus import EventBus
from perstream.daemon.doing import Doing, Step
from perstream.daemon.parts import Parts
from perstream.daemon.worker import AssistantWorker
from perstream.events import Event, MemoryStored
from perstream.types import (
    ArrayPicture,
    AudioChunk,
    Cue,
    Frame,
    Gap,
    Keyframe,
    Observation,
    ObservationKind,
    Percept,
    SourceItem,
)

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
FPS = 10.0
PICTURE = ArrayPicture(np.zeros((4, 4, 3), np.uint8))
PATCHES = np.zeros((4, 2), np.float16)


def frame(index: int, source: str = "cam", start: datetime = NOON) -> Frame:
    pts_s = index / FPS
    return Frame(source, index, pts_s, start + timedelta(seconds=pts_s), PICTURE)


class ScriptedSource:
    """Yields given items, then ends or raises. ``gate`` (if set) holds it before item ``hold_at``."""

    def __init__(
        self,
        items: list[SourceItem],
        name: str = "film",
        live: bool = False,
        error: Exception | None = None,
        gate: threading.Event | None = None,
        hold_at: int = 0,
    ) -> None:
        self.name, self.live, self.error = name, live, error
        self.items, self.gate, self.hold_at = items, gate, hold_at
        self.dropped: dict[str, int] = {}
        self.closed = threading.Event()

    def stream(self) -> Iterator[SourceItem]:
        for position, item in enumerate(self.items):
            if self.gate is not None and position == self.hold_at:
                while not self.gate.wait(0.01):
                    if self.closed.is_set():
                        return
            if self.closed.is_set():
                return
            yield item
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed.set()


class PushedSource:
    """A live source that yields what the test pushes; None ends it."""

    def __init__(self, name: str = "cam") -> None:
        self.name, self.live = name, True
        self.dropped: dict[str, int] = {}
        self._items: queue.Queue[SourceItem | Exception | None] = queue.Queue()

    def push(self, *items: SourceItem | Exception | None) -> None:
        for item in items:
            self._items.put(item)

    def stream(self) -> Iterator[SourceItem]:
        while (item := self._items.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        self._items.put(None)


class EverySampler:
    def __init__(self, step: int = 1, log: list[str] | None = None) -> None:
        self.step = step

    def offer(self, frame: Frame) -> tuple[Keyframe, ...]:
        if frame.index % self.step:
            return ()
        return (
            Keyframe(frame.source, frame.index, frame.pts_s, frame.captured_at, PICTURE.pixels, "motion", 0.1, 1.0, 0),
        )

    def finish(self) -> tuple[Keyframe, ...]:
        return ()


class EchoPerceiver:
    """Sees one line of text per keyframe; waits for ``gate`` before each."""

    def __init__(self, gate: threading.Event | None = None, fail_on: frozenset[int] = frozenset()) -> None:
        self.gate, self.fail_on = gate, fail_on

    def see_all(self, keyframes: Sequence[Keyframe]) -> list[Percept]:
        return [self.see(keyframe) for keyframe in keyframes]

    def see(self, keyframe: Keyframe) -> Percept:
        if self.gate is not None:
            self.gate.wait(10)
        if keyframe.index in self.fail_on:
            raise ValueError(f"frame {keyframe.index} is odd")
        seen = Observation(ObservationKind.TEXT, f"LINE {keyframe.index}", 0.9, keyframe.pts_s, keyframe.pts_s)
        return Percept(keyframe, (seen,), PATCHES)

    def hear(self, item: AudioChunk | Cue) -> Percept | None:
        return None

    def finish(self) -> Percept | None:
        return None


class ListingSink:
    """Notes what reaches the assistant; every ``finish`` with something new is one memory."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.emit = emit
        self.seen: list[int] = []
        self.gaps: list[Gap] = []
        self.order: list[str] = []
        self.fresh = 0

    def see(self, percept: Percept) -> None:
        self.seen.append(percept.keyframe.index)
        self.order.append(f"see {percept.keyframe.index}")
        self.fresh += 1

    def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)
        self.order.append(f"gap {gap.reason}")

    def finish(self, source: str) -> None:
        self.order.append(f"finish {source}")
        if self.fresh:
            self.emit(MemoryStored(NOON, source, 0.0, len(self.order), "a caption", "notes", (), 0.0, 1.0))
            self.fresh = 0


class House:
    """Bus, worker, sink and parts, wired as the app wires them."""

    def __init__(
        self, make_perceiver: Callable[[], EchoPerceiver] = EchoPerceiver, step: int = 1, start: bool = True
    ) -> None:
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.listen(self.events.append)
        self.worker = AssistantWorker(self.bus.publish, percepts=4)
        self.sink = ListingSink(self.bus.publish)
        self.parts = Parts(lambda: EverySampler(step), make_perceiver, self.sink, lambda: NOON, live_keyframes=3)
        if start:
            self.worker.start()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class NoSources:
    def __init__(self) -> None:
        self.waits, self.kept = 0.0, list[int]()

    def perceiving(self) -> Iterable[tuple[str, Doing]]:
        return ()

    def unstick(self, name: str, step: Step) -> bool:
        raise AssertionError(name)

    def waiting_s(self) -> float:
        return self.waits

    def thin(self, keep_one_in: int) -> None:
        self.kept.append(keep_one_in)


def until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    """Wait for another thread to get somewhere; fails the test when it does not."""
    tick = threading.Event()
    for _ in range(int(timeout / 0.005)):
        if condition():
            return
        tick.wait(0.005)
    raise AssertionError("it did not happen in time")
