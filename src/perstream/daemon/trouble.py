"""Whether the store can be written: what failed, since when, and that it works again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from perstream.errors import StoreBusy, StoreError

CALM_S = 60.0
"""Writing works again when nothing has failed for so long and something was written since."""


class Trouble:
    """Any thread may tell it and ask it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed_at: float | None = None
        self._told = ""
        self.count = 0
        """Writes or reads of the store that failed since the start."""

    def met(self, error: BaseException) -> None:
        """An error of a job; those that the database or the disk is the cause of count."""
        if not isinstance(error, StoreError) or isinstance(error, StoreBusy) or error.__cause__ is None:
            return
        with self._lock:
            self.count += 1
            self._failed_at, self._told = self._clock(), str(error)

    def wrote(self) -> None:
        """Something was written: after a while without failures the trouble is over."""
        with self._lock:
            if self._failed_at is not None and self._clock() - self._failed_at >= CALM_S:
                self._failed_at = None

    @property
    def now(self) -> str | None:
        """What is wrong, or None."""
        with self._lock:
            return None if self._failed_at is None else self._told
