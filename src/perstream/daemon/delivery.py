"""Takes words said unasked to where the owner wants them, each way on a thread of its own.

The assistant's thread only puts a word into a short queue: a way that hangs or fails costs words of its own, counted,
and nothing else.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from perstream.daemon.doing import Doing
from perstream.errors import PerStreamError
from perstream.events import AlertRaised, Event, ProactiveSaid

log = logging.getLogger(__name__)
WAITING = 16
"""Words that may wait for one way; more are dropped, for a word is of use now or never."""


Word: TypeAlias = ProactiveSaid | AlertRaised
"""What is brought to the owner: a word said unasked, or an alert about the house itself."""
ENDS_BY = frozenset({"webhook"})
"""Ways that also bring the end of an alert: a program reads them, not a person."""


class Channel(Protocol):
    """One way to the owner."""

    @property
    def name(self) -> str:
        """For status, for example ``webhook``."""

    def deliver(self, word: Word) -> None:
        """Bring one word, within bounded time. Raises DeliveryFailed."""


class DeliveryFailed(PerStreamError):
    """A word did not arrive. The message holds no secret: it is logged."""


class Courier:
    """One channel's queue and thread."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.counts: Counter[str] = Counter()
        """``sent``, ``failed``, ``dropped``."""
        self._queue: queue.Queue[Word | None] = queue.Queue(WAITING)
        self.doing = Doing()
        self._thread = threading.Thread(target=self._run, name=f"perstream-{channel.name}", daemon=True)
        self._thread.start()

    def take(self, word: Word) -> None:
        """Never blocks."""
        try:
            self._queue.put_nowait(word)
        except queue.Full:
            self.counts["dropped"] += 1

    def close(self, timeout: float) -> None:
        """Deliver what waits, within ``timeout`` seconds."""
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _run(self) -> None:
        while (word := self._queue.get()) is not None:
            try:
                with self.doing.at("deliver"):
                    self.channel.deliver(word)
            except DeliveryFailed as error:
                self.counts["failed"] += 1
                log.warning("%s: a word was not delivered: %s", self.channel.name, error)
            except Exception as error:  # noqa: BLE001 - the daemon loop: count, go on; its text may hold an address
                self.counts["failed"] += 1
                log.warning("%s: a word was not delivered: %s", self.channel.name, type(error).__name__)
            else:
                self.counts["sent"] += 1


class Delivery:
    """All channels. Listens on the bus until it is closed."""

    def __init__(
        self, channels: Sequence[Channel], listen: Callable[[Callable[[Event], None]], Callable[[], None]]
    ) -> None:
        self._couriers = tuple(Courier(channel) for channel in channels)
        self._stop = listen(self._hear) if self._couriers else None

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Of each channel how many words were sent, failed and were dropped."""
        return {one.channel.name: dict(one.counts) for one in self._couriers}

    @property
    def couriers(self) -> tuple[Courier, ...]:
        """Those who bring it."""
        return self._couriers

    def alert(self, alert: AlertRaised) -> None:
        """Bring an alert, or its end. Never blocks."""
        for courier in self._couriers:
            if alert.active or courier.channel.name in ENDS_BY:
                courier.take(alert)

    @property
    def bytes_sent(self) -> int:
        """What left this process by any channel that counts it."""
        return sum(int(getattr(one.channel, "bytes_sent", 0)) for one in self._couriers)

    def close(self, timeout: float = 2.0) -> None:
        """Deliver what waits, for so many seconds at most. Safe to call twice."""
        if self._stop is not None:
            self._stop()
            self._stop = None
            for courier in self._couriers:
                courier.close(timeout)

    def _hear(self, event: Event) -> None:
        if isinstance(event, ProactiveSaid):
            for courier in self._couriers:
                courier.take(event)
