"""Chance, so that nothing of one day is drawn twice: every sign has its own number and name."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Seeded choices without replacement. The same seed gives the same day."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._taken: set[object] = set()

    def pick(self, pool: Sequence[T]) -> T:
        """One entry of ``pool`` that this day has not had yet. Raises ValueError when none is left."""
        left = [item for item in pool if item not in self._taken]
        if not left:
            raise ValueError(f"nothing left to draw from a pool of {len(pool)}")
        item = self.rng.choice(left)
        self._taken.add(item)
        return item

    def any(self, pool: Sequence[T]) -> T:
        """One entry of ``pool``, taken before or not: colours, layouts, paraphrases."""
        return self.rng.choice(pool)

    def number(self, low: int, high: int) -> int:
        """A whole number in [low, high] that this day has not had yet."""
        return self.pick(range(low, high + 1))

    def clock(self, first_hour: int = 8, last_hour: int = 20) -> str:
        """A time of day such as ``14:30`` that this day has not had yet."""
        return self.pick([f"{h}:{m:02d}" for h in range(first_hour, last_hour + 1) for m in range(0, 60, 5)])

    def between(self, low: float, high: float) -> float:
        """A float in [low, high]."""
        return self.rng.uniform(low, high)

    def chance(self, share: float) -> bool:
        """True in this share of the draws."""
        return self.rng.random() < share

    def taken(self, item: object) -> bool:
        """Whether this day has had ``item``."""
        return item in self._taken

    def take(self, item: object) -> None:
        """Keep ``item`` from being drawn later."""
        self._taken.add(item)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """``items`` in another order."""
        return self.rng.sample(items, len(items))
