"""One clock over all connections of a live source."""

from __future__ import annotations

MAX_LAG_S = 5.0
"""A sender's clock that falls behind arrival by more than this is anchored anew."""
WINDOW_S = 5.0
"""What even the fastest picture of such a stretch lags behind is drift of the sender's clock, not the network."""


class LiveClock:
    """Places a sender's timestamps on the time of their arrival.

    Within a connection the sender's clock gives the distances, so network jitter does not show. It is
    anchored at the arrival of the fastest picture (nothing can come before it was taken): of all so far
    when it runs ahead, of the last WINDOW_S when it falls behind. A reconnection anchors it anew, so that
    time goes on over gaps. Times never decrease.
    """

    def __init__(self) -> None:
        self.last_s = 0.0
        """Where the clock has come to."""
        self._zero: float | None = None
        self._anchor_s: float | None = None
        self._window_s = 0.0
        self._least_lag_s = MAX_LAG_S

    def reconnected(self) -> None:
        """The next timestamps come from a new connection, whose clock may begin anywhere."""
        self._anchor_s = None

    def picture(self, claimed_s: float | None, arrived_at: float) -> float:
        """Seconds since the first picture; ``arrived_at`` is of the monotonic clock."""
        if self._zero is None:
            self._zero = arrived_at
        arrival_s = arrived_at - self._zero
        lag_s = 0.0 if claimed_s is None else self._lag(claimed_s, arrival_s)
        self.last_s = max(self.last_s, arrival_s - lag_s)
        return self.last_s

    def _lag(self, claimed_s: float, arrival_s: float) -> float:
        """How long before its arrival a picture was taken; moves the anchor where it proved wrong."""
        lag_s = -1.0 if self._anchor_s is None else arrival_s - (claimed_s + self._anchor_s)
        if not 0.0 <= lag_s <= MAX_LAG_S:
            self._anchor_s = arrival_s - claimed_s
            lag_s = 0.0
        self._least_lag_s = min(self._least_lag_s, lag_s)
        if arrival_s - self._window_s >= WINDOW_S:
            self._anchor_s = (self._anchor_s or 0.0) + self._least_lag_s
            lag_s -= self._least_lag_s
            self._window_s, self._least_lag_s = arrival_s, MAX_LAG_S
        return lag_s

    def sound(self, claimed_s: float, length_s: float, arrived_at: float) -> float | None:
        """The same for the first sample of a chunk; None before the first picture."""
        if self._zero is None:
            return None
        latest_s = arrived_at - self._zero - length_s
        if self._anchor_s is None:
            return max(0.0, latest_s)
        placed_s = claimed_s + self._anchor_s
        return max(0.0, placed_s if latest_s - MAX_LAG_S <= placed_s <= latest_s + length_s else latest_s)
