"""The event bus: whatever happens is published once and reaches every subscriber.

A subscriber that does not keep up loses its oldest events, never slows the publisher, and can see
how many it lost. Listeners are called in the publisher's thread and lose nothing; they must be
quick and must not raise.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from perstream.events import Event

Listener = Callable[[Event], None]


class Subscription:
    """One subscriber's bounded queue of events. Iterating ends when it is closed and read out."""

    def __init__(self, capacity: int, forget: Callable[[Subscription], None]) -> None:
        self._events: deque[Event] = deque()
        self._capacity = capacity
        self._forget = forget
        self._changed = threading.Condition()
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many events this subscriber lost because it was too slow."""
        return self._dropped

    @property
    def closed(self) -> bool:
        """True when no further event will come; those already queued can still be read."""
        return self._closed

    def get(self, timeout: float | None = None) -> Event | None:
        """The next event; None after ``timeout`` seconds or when closed and read out."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._events:
                left = None if deadline is None else deadline - time.monotonic()
                if self._closed or (left is not None and left <= 0):
                    return None
                self._changed.wait(left)
            return self._events.popleft()

    def __iter__(self) -> Iterator[Event]:
        while (event := self.get()) is not None:
            yield event

    def close(self) -> None:
        """No more events; wakes whoever waits. May be called from any thread, and twice."""
        self._forget(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _offer(self, event: Event) -> None:
        with self._changed:
            if self._closed:
                return
            if len(self._events) >= self._capacity:
                self._events.popleft()
                self._dropped += 1
            self._events.append(event)
            self._changed.notify()


class EventBus:
    """Publish from any thread; subscribe from any thread."""

    def __init__(self, capacity: int = 2048) -> None:
        """``capacity`` is the default number of events a subscriber may lag behind."""
        self._capacity = capacity
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._listeners: tuple[Listener, ...] = ()
        self._closed = False

    def publish(self, event: Event) -> None:
        """Hand ``event`` to all listeners and subscribers. Never blocks."""
        for listener in self._listeners:
            listener(event)
        for subscription in self._subscriptions:
            subscription._offer(event)

    def subscribe(self, capacity: int | None = None) -> Subscription:
        """A new subscriber; it sees what is published from now on. Close it after use."""
        subscription = Subscription(capacity or self._capacity, self._remove)
        with self._lock:
            if not self._closed:
                self._subscriptions += (subscription,)
                return subscription
        subscription.close()
        return subscription

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with every event, in the publisher's thread; returns how to stop that."""
        with self._lock:
            self._listeners += (listener,)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return stop

    def close(self) -> None:
        """Close every subscription; later ones are closed from the start."""
        with self._lock:
            self._closed = True
            subscriptions = self._subscriptions
        for subscription in subscriptions:
            subscription.close()

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)
