"""When a source that failed may be opened again: exponential back-off, so many times a minute."""

from __future__ import annotations

from collections import deque

HEALTHY_S = 30.0
"""A source that delivered for this long starts again with the shortest wait."""


class RestartPolicy:
    """One per source; times are seconds of any one clock that never goes back."""

    def __init__(self, shortest_s: float, longest_s: float, per_window: int = 5, window_s: float = 60.0) -> None:
        """At most ``per_window`` restarts in any ``window_s``; the wait doubles from shortest to longest."""
        self._shortest_s = shortest_s
        self._longest_s = max(shortest_s, longest_s)
        self._window_s = window_s
        self._due: deque[float] = deque(maxlen=per_window)
        self._doublings = 0
        self.restarts = 0
        """How many restarts were granted."""

    def failed(self, now: float, ran_s: float) -> float:
        """It failed ``now`` after delivering for ``ran_s`` seconds: when to open it again."""
        if ran_s >= HEALTHY_S:
            self._doublings = 0
        due = now + min(self._longest_s, self._shortest_s * 2.0**self._doublings)
        if len(self._due) == self._due.maxlen:
            due = max(due, self._due[0] + self._window_s)
        self._doublings = min(self._doublings + 1, 32)
        self._due.append(due)
        self.restarts += 1
        return due
