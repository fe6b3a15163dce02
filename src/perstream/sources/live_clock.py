"""One clock over all connections of a live source."""

from __future__ import annotations

MAX_LAG_S = 5.0
"""A sender's clock that falls behind arrival by more than this is anchored anew."""


class LiveClock:
    """Places a sender's timestamps on the time of their arrival.

    Within a connection the sender's clock gives the distances, so network jitter does not show; it is
    anchored at the arrival of the fastest picture so far (nothing can come before it was taken), and
    anew after every reconnection, so that time goes on over gaps. Times never decrease.
    """

    def __init__(self) -> None:
        self.last_s = 0.0
        """Where the clock has come to."""
        self._zero: float | None = None
        self._anchor_s: float | None = None

    def reconnected(self) -> None:
        """The next timestamps come from a new connection, whose clock may begin anywhere."""
        self._anchor_s = None

    def picture(self, claimed_s: float | None, arrived_at: float) -> float:
        """Seconds since the first picture; ``arrived_at`` is of the monotonic clock."""
        if self._zero is None:
            self._zero = arrived_at
        arrival_s = arrived_at - self._zero
        placed_s = arrival_s
        if claimed_s is not None:
            ahead = self._anchor_s is None or claimed_s + self._anchor_s > arrival_s
            if ahead or claimed_s + (self._anchor_s or 0.0) < arrival_s - MAX_LAG_S:
                self._anchor_s = arrival_s - claimed_s
            placed_s = claimed_s + (self._anchor_s or 0.0)
        self.last_s = max(self.last_s, placed_s)
        return self.last_s

    def sound(self, claimed_s: float, length_s: float, arrived_at: float) -> float | None:
        """The same for the first sample of a chunk; None before the first picture."""
        if self._zero is None:
            return None
        latest_s = arrived_at - self._zero - length_s
        if self._anchor_s is None:
            return max(0.0, latest_s)
        placed_s = claimed_s + self._anchor_s
        return max(0.0, placed_s if latest_s - MAX_LAG_S <= placed_s <= latest_s + length_s else latest_s)
