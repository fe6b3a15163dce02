"""How long to wait before the next try."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Doubles from ``first_s`` to ``most_s``; each wait is a random 50 to 100 % of that.

    The randomness keeps many readers from knocking at a server that comes back all at the same moment.
    """

    def __init__(self, first_s: float, most_s: float, random_share: Callable[[], float] = random.random) -> None:
        self._first_s = min(first_s, most_s)
        self._most_s = most_s
        self._share = random_share
        self._next_s = self._first_s

    def wait_s(self) -> float:
        """Seconds to wait now."""
        wait_s = self._next_s * (0.5 + 0.5 * self._share())
        self._next_s = min(self._most_s, self._next_s * 2)
        return wait_s

    def reset(self) -> None:
        """It works again."""
        self._next_s = self._first_s
