"""Real time for sources that could go faster."""

from __future__ import annotations

import threading
import time

RESTART_LATE_S = 2.0
"""A consumer that is later than this does not make the source rush: the pace starts anew."""


class Pacer:
    """Waits until a timestamp is due on the monotonic clock."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._zero: float | None = None

    def wait(self, pts_s: float) -> bool:
        """Sleep until ``pts_s`` is due; False at once when the source is closed meanwhile."""
        now = time.monotonic()
        if self._zero is None or now - (self._zero + pts_s) > RESTART_LATE_S:
            self._zero = now - pts_s
        return not self._stop.wait(max(0.0, self._zero + pts_s - now))
