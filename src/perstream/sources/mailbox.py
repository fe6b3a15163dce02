"""Where a live source leaves what came in until the consumer takes it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A bounded exchange between one producer and one consumer.

    What ``may_drop`` names is kept up to ``capacity``; over it the oldest is dropped and counted, so that
    the newest wins. Everything else is kept up to ``MAX_OTHERS``. A ``lossless`` one makes the producer
    wait instead.
    """

    MAX_OTHERS = 240

    def __init__(self, may_drop: Callable[[T], bool], capacity: int = 2, *, lossless: bool = False) -> None:
        self.dropped = 0
        """How many were replaced by newer ones."""
        self._may_drop = may_drop
        self._capacity = capacity
        self._lossless = lossless
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item: T) -> None:
        """Leave an item. After ``close`` it is thrown away."""
        with self._changed:
            if self._lossless:
                self._changed.wait_for(lambda: self._closed or len(self._alike(item)) < self._room_for(item))
            if self._closed:
                return
            self._items.append(item)
            if not self._lossless:
                self._make_room(item)
            self._changed.notify_all()

    def take(self, timeout_s: float) -> T | None:
        """The oldest item; None when none came in time or the mailbox was closed."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while not self._items and not self._closed:
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
            if self._closed:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Wake everybody; nothing is handed out any more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def _make_room(self, item: T) -> None:
        alike = self._alike(item)
        if len(alike) > self._room_for(item):
            self._items.remove(alike[0])
            self.dropped += self._may_drop(item)

    def _alike(self, item: T) -> list[T]:
        droppable = self._may_drop(item)
        return [held for held in self._items if self._may_drop(held) == droppable]

    def _room_for(self, item: T) -> int:
        return self._capacity if self._may_drop(item) else self.MAX_OTHERS
