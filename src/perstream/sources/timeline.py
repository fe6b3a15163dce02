"""From the timestamps a file claims to seconds that never run backwards."""

from __future__ import annotations

from dataclasses import dataclass

REWIND_S = 1.0
"""A step back by more than this is a break in the file's clock, not disorder."""
PAUSE_S = 6 * 3600.0
"""A step forward by more than this is a damaged timestamp; variable-rate recordings pause for less."""


@dataclass(slots=True)
class Timeline:
    """Places timestamps on a clock that starts at 0 and never decreases.

    A missing timestamp is one frame after the one before. After a break (joined recordings, damage) the
    clock goes on where it was.
    """

    step_s: float
    """Nominal distance of two frames, for timestamps that are missing."""
    origin_s: float | None = None
    """What the file calls the time of the first frame."""
    last_s: float = 0.0
    rewind_s: float = REWIND_S

    def place(self, claimed_s: float | None) -> float:
        """Seconds since the first frame for a timestamp as the file claims it."""
        if self.origin_s is None:
            self.origin_s = 0.0 if claimed_s is None else claimed_s
            return self.last_s
        placed = self.last_s + self.step_s if claimed_s is None else claimed_s - self.origin_s
        if claimed_s is not None and not self.last_s - self.rewind_s <= placed <= self.last_s + PAUSE_S:
            self.origin_s = claimed_s - self.last_s - self.step_s
            placed = self.last_s + self.step_s
        self.last_s = max(self.last_s, placed)
        return self.last_s
