"""The bounded queue between the thread that captures and the thread that perceives.

A file waits when it is full, so nothing is lost. For a live source the newest wins: the oldest
waiting keyframe (or sound chunk) makes room and is handed back to be counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from perstream.types import AudioChunk, Cue, Gap, Keyframe


@dataclass(frozen=True, slots=True)
class Flush:
    """Remember what is buffered: a pause begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """An item on its way to perception, and since when it is on the way (``time.monotonic``)."""

    item: Keyframe | AudioChunk | Cue | Gap | Flush
    captured: float = 0.0
    """When the frame came out of the source."""
    chosen: float = 0.0
    """When the sampler had decided to keep it."""


class Hopper:
    """First in, first out; keyframes and everything else are bounded separately."""

    def __init__(self, keyframes: int, sounds: int, newest_wins: bool) -> None:
        self._limits = {True: keyframes, False: sounds}
        self._counts = {True: 0, False: 0}
        self._newest_wins = newest_wins
        self._items: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._hurried = False
        self._closed = False

    def put(self, waiting: Waiting) -> tuple[Waiting, ...]:
        """Queue an item; waits while full unless the newest wins. Returns what had to go for it.

        After ``close``, or when full after ``hurry``, that is the item itself.
        """
        picture = isinstance(waiting.item, Keyframe)
        lost: tuple[Waiting, ...] = ()
        with self._changed:
            while not self._closed and self._counts[picture] >= self._limits[picture]:
                if self._newest_wins:
                    lost += self._give_way(picture)
                elif self._hurried:
                    return (waiting,)
                else:
                    self._changed.wait()
            if self._closed:
                return (*lost, waiting)
            self._items.append(waiting)
            self._counts[picture] += 1
            self._changed.notify_all()
        return lost

    def take(self) -> Waiting | None:
        """The oldest item; waits for one. None when closed and empty."""
        with self._changed:
            while not self._items:
                if self._closed:
                    return None
                self._changed.wait()
            waiting = self._items.popleft()
            self._counts[isinstance(waiting.item, Keyframe)] -= 1
            self._changed.notify_all()
            return waiting

    def take_more(self, most: int) -> list[Waiting]:
        """At most ``most`` further keyframes that already wait, as far as nothing else stands between them."""
        taken: list[Waiting] = []
        with self._changed:
            while len(taken) < most and self._items and isinstance(self._items[0].item, Keyframe):
                taken.append(self._items.popleft())
                self._counts[True] -= 1
            if taken:
                self._changed.notify_all()
        return taken

    def oldest_s(self) -> float:
        """How long ago the oldest waiting keyframe came out of its source; 0 when none waits."""
        with self._changed:
            oldest = next((waiting.captured for waiting in self._items if isinstance(waiting.item, Keyframe)), None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def hurry(self) -> None:
        """Never wait again to put something in."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more goes in; what is in can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def clear(self) -> tuple[Waiting, ...]:
        """Throw away what waits, gaps excepted; returns it."""
        with self._changed:
            kept = [waiting for waiting in self._items if isinstance(waiting.item, Gap)]
            lost = tuple(waiting for waiting in self._items if not isinstance(waiting.item, Gap))
            self._items = deque(kept)
            self._counts = {True: 0, False: len(kept)}
            self._changed.notify_all()
            return lost

    def _give_way(self, picture: bool) -> tuple[Waiting, ...]:
        """Remove the oldest item that may go: of pictures the oldest, of sounds the oldest chunk."""
        kinds: tuple[Callable[[object], bool], ...] = (
            (lambda item: isinstance(item, Keyframe),)
            if picture
            else (lambda item: isinstance(item, AudioChunk), lambda item: not isinstance(item, Keyframe))
        )
        for may_go in kinds:
            for position, waiting in enumerate(self._items):
                if may_go(waiting.item):
                    del self._items[position]
                    self._counts[picture] -= 1
                    return (waiting,)
        return ()
