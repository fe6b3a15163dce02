"""What a thread is at and since when, for whoever watches over it."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of one thread. Compared by identity: the same step is the same object."""

    name: str
    began: float
    """By the clock of its Doing."""
    thread: int
    """Its identifier, as in ``threading.get_ident``."""


class Awake:
    """Since when a process that looks at itself regularly has been running without a stop (a suspend, SIGSTOP)."""

    def __init__(self, every_s: float) -> None:
        """``every_s``: how often it looks when nothing stops it."""
        self._longest_s = 5 * max(1.0, every_s)
        self._looked: float | None = None
        self._since = float("-inf")

    def look(self, now: float) -> float:
        """Seconds that it has been awake by ``now``: no silence of others is longer than this."""
        if self._looked is not None and now - self._looked > self._longest_s:
            self._since = now
        self._looked = now
        return now - self._since


class Doing:
    """Written by one thread at a time, read by any."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds; it never goes back."""
        self._clock = clock
        self._step: Step | None = None
        self._got_on = 0.0

    @property
    def step(self) -> Step | None:
        """What is being done, None when nothing is."""
        return self._step

    @property
    def busy_s(self) -> float:
        """For how long; 0 when nothing is done."""
        step = self._step
        return 0.0 if step is None else self._clock() - step.began

    @property
    def silent_s(self) -> float:
        """For how long without any progress; 0 when nothing is done."""
        step = self._step
        return 0.0 if step is None else self._clock() - max(step.began, self._got_on)

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Be at this step inside the block."""
        mine = self._step = Step(name, self._clock(), threading.get_ident())
        try:
            yield
        finally:
            # A thread that was left behind must not end the step of the one in its place.
            if self._step is not None and self._step.thread == mine.thread:
                self._step = None

    def forget(self) -> None:
        """Whoever was at it has been left behind."""
        self._step = None

    def progress(self) -> None:
        """It gets on."""
        self._got_on = self._clock()


def stack_of(thread: int) -> str:
    """Where a thread is in the code, without any values; empty when it has ended."""
    frame = sys._current_frames().get(thread)
    return "" if frame is None else "".join(traceback.format_stack(frame))
