"""How long something takes, as counts in fixed steps: cheap to add to, exact to sum over time and over machines."""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds, each included; a last bucket takes what is longer."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A snapshot of :class:`Buckets`."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    """How many fell in each bucket (not summed up)."""
    sum_s: float = 0.0


class Buckets:
    """Any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one; below zero is zero, for clocks may be set."""
        seconds = max(0.0, seconds)
        with self._lock:
            self._counts[bisect_left(BOUNDS_S, seconds)] += 1
            self._sum_s += seconds

    @property
    def spread(self) -> Spread:
        """All so far."""
        with self._lock:
            return Spread(tuple(self._counts), self._sum_s)
