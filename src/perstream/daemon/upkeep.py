"""The house's care for itself: what is done now and then, and what is watched all the time."""

from __future__ import annotations

from collections.abc import Sequence

from perstream.daemon.chores import Chore, Chores


class Upkeep:
    """Started with the house and closed before its store is."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        """``chores`` are done one after another on a thread of their own, each when it is due."""
        self.chores = Chores(chores)

    def start(self) -> None:
        """Begin."""
        self.chores.start()

    def close(self, timeout: float) -> None:
        """No further chore; one in hand is waited for ``timeout`` seconds at most. Safe to call twice."""
        self.chores.close(timeout)
