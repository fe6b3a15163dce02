"""The latest frame of each source, small, for who looks on; nothing is done while nobody does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from perstream.types import ByteArray, Frame

SIDE_PX = 640
LOOKING_S = 3.0
"""So long after a look somebody counts as looking."""
APART_S = 1 / 20
"""Frames nearer to each other than this are not shown: 20 a second at most."""
SHARE = 0.2
"""Of the capture thread's time for these pictures, at most."""
COVERED_S = 2.0
"""A view that is older than this is no longer live."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One small picture."""

    number: int
    """Counts up; two looks that get the same number saw the same frame."""
    rgb: ByteArray
    """[h, w, 3], the longer side at most SIDE_PX."""


class Glance:
    """One source's view. ``offer`` is the capture thread's, ``look`` anybody's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._looked_at = float("-inf")
        self._made_at = float("-inf")
        self._seen: Seen | None = None
        self._number = 0
        self._hidden = False
        self._next_at = float("-inf")

    def offer(self, frame: Frame) -> None:
        """Keep this frame when somebody looks. On the capture thread: a decoder's picture is for one at a time."""
        now = time.monotonic()
        if now - self._looked_at > LOOKING_S or now < self._next_at:
            return
        rgb = frame.picture.rgb(SIDE_PX)
        # Where faces are hidden first a picture takes long: looking on must not keep the watching from its work.
        self._next_at = now + max(APART_S, (time.monotonic() - now) / SHARE)
        with self._changed:
            self._made_at = now
            self._number += 1
            self._seen = None if self._hidden else Seen(self._number, rgb)
            self._changed.notify_all()

    def hide(self, hidden: bool) -> None:
        """From now on show nothing, not even what was seen before; or show again what comes."""
        with self._changed:
            self._hidden = hidden
            self._seen = None

    def look(self, after: int = 0, wait_s: float = 0.0) -> Seen | None:
        """The newest frame; None when no other than ``after`` comes within ``wait_s`` seconds."""

        def newer() -> bool:
            fresh = time.monotonic() - self._made_at < COVERED_S
            return self._seen is not None and fresh and self._seen.number != after

        with self._changed:
            self._looked_at = time.monotonic()
            return self._seen if self._changed.wait_for(newer, wait_s) else None
