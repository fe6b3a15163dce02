from __future__ import annotations

import threading

from daemon_fakes import NOON, until

from perstream.daemon.bus import EventBus
from perstream.events import Event, Paused


def paused(source: str) -> Event:
    return Paused(NOON, source, None, True)


def test_every_subscriber_gets_every_event_in_order() -> None:
    bus = EventBus()
    first, second = bus.subscribe(), bus.subscribe()
    for name in "abc":
        bus.publish(paused(name))
    bus.close()
    assert [event.source for event in first] == ["a", "b", "c"]
    assert [event.source for event in second] == ["a", "b", "c"]


def test_a_slow_subscriber_loses_its_oldest_and_knows_how_many() -> None:
    bus = EventBus()
    slow = bus.subscribe(capacity=2)
    for name in "abcde":
        bus.publish(paused(name))
    assert slow.dropped == 3
    assert [slow.get(0).source, slow.get(0).source] == ["d", "e"]  # type: ignore[union-attr]
    assert slow.get(0) is None and not slow.closed


def test_closing_wakes_who_waits_and_ends_the_iteration() -> None:
    bus = EventBus()
    subscription = bus.subscribe()
    got: list[str | None] = []
    reader = threading.Thread(target=lambda: got.extend(event.source for event in subscription))
    reader.start()
    bus.publish(paused("a"))
    until(lambda: got == ["a"])
    subscription.close()
    reader.join(5)
    assert not reader.is_alive()
    bus.publish(paused("b"))
    assert subscription.get(0) is None


def test_after_close_a_new_subscription_is_closed_from_the_start() -> None:
    bus = EventBus()
    bus.close()
    assert list(bus.subscribe()) == []


def test_a_listener_hears_until_it_stops() -> None:
    bus = EventBus()
    heard: list[Event] = []
    stop = bus.listen(heard.append)
    bus.publish(paused("a"))
    stop()
    bus.publish(paused("b"))
    assert [event.source for event in heard] == ["a"]
