"""How many keyframes of live sources are let go when work waits too long. It never touches a file's.

Like a queue's active management: the share that is kept is halved as long as the oldest work waits longer than is
good, and doubled again when the wait has been short for a while, so that it does not swing.
"""

from __future__ import annotations

MOST = 8
"""At least one keyframe in so many is kept."""
FALLING = 0.9
"""Below this share of what it was when the last step was taken the wait falls: that step is enough."""
SHORT = 0.5
"""The wait is short below this share of what is too long."""


class Shedding:
    """Times are seconds of any one clock that never goes back."""

    def __init__(self, after_s: float) -> None:
        """``after_s``: a longer wait is too long."""
        self._after_s = after_s
        self._changed = float("-inf")
        self._short_since: float | None = None
        self._looked: float | None = None
        self._waited_s = 0.0
        self.keep_one_in = 1
        """1 is everything."""
        self.shed_s = 0.0
        """For how long load was shed so far."""

    def look(self, waiting_s: float, now: float) -> int:
        """The oldest live work has been waiting for so long; one keyframe in how many to keep."""
        if self._looked is not None and self.keep_one_in > 1:
            self.shed_s += now - self._looked
        self._looked = now
        if waiting_s >= self._after_s * SHORT:
            self._short_since = None
        elif self._short_since is None:
            self._short_since = now
        rested = now - self._changed >= self._after_s  # what was let go shows only when the queue has moved on
        helps = self.keep_one_in > 1 and waiting_s < FALLING * self._waited_s
        if waiting_s > self._after_s and rested and not helps and self.keep_one_in < MOST:
            self._waited_s = waiting_s
            self._turn(self.keep_one_in * 2, now)
        elif self.keep_one_in > 1 and self._short_since is not None and now - self._short_since >= self._after_s:
            self._turn(self.keep_one_in // 2, now)
            self._short_since = now
        return self.keep_one_in

    def _turn(self, keep_one_in: int, now: float) -> None:
        self.keep_one_in, self._changed = keep_one_in, now
