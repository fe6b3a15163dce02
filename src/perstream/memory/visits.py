"""What recall found of use, until it is written."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime


class Visits:
    """Which memories recall returned since the last write. They warm the memories at the next one.

    Heat is no acknowledged data: recall stays a read, and a crash loses at most some warmth.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}
        self._last: dict[int, datetime] = {}

    def note(self, ids: Iterable[int], at: datetime) -> None:
        """These were of use at ``at``."""
        with self._lock:
            for memory in ids:
                self._counts[memory] = self._counts.get(memory, 0) + 1
                self._last[memory] = max(at, self._last.get(memory, at))

    def counts(self) -> dict[int, int]:
        """Visits not yet written, by memory."""
        with self._lock:
            return dict(self._counts)

    def take(self) -> list[tuple[int, int, datetime]]:
        """(memory, visits, last visit) for writing; empties the list."""
        with self._lock:
            taken = [(memory, count, self._last[memory]) for memory, count in self._counts.items()]
            self._counts, self._last = {}, {}
            return taken
