"""What the house does for itself: when it is due, and what happens when it fails or hangs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from daemon_fakes import until

from perstream.daemon.chores import RETRY_S, Chore, Chores
from perstream.errors import StoreError


class Clock:
    """Seconds that pass when a chore is done or the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def run_for(clock: Clock, seconds: float, *chores: Chore) -> tuple[Chores, list[float]]:
    """Let so much time pass: each time nothing is due the clock goes on to what is due next."""
    house = Chores(chores, clock)
    end = clock.now + seconds
    waits: list[float] = []

    class Waiting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waits.append(timeout)
            clock.now += timeout
            return clock.now > end

    house._stopping = Waiting()
    house.start()
    house._thread.join(10)
    assert not house._thread.is_alive()
    return house, waits


def noted(clock: Clock, times: list[float], took: float = 0.0, fail: int = 0) -> Callable[[], None]:
    def run() -> None:
        times.append(clock.now - 1000)
        clock.now += took
        if len(times) <= fail:
            raise StoreError("the disk is full")

    return run


def test_each_is_done_when_it_is_due() -> None:
    clock, often, rarely = Clock(), list[float](), list[float]()
    house, waits = run_for(
        clock, 100, Chore("often", 10, noted(clock, often)), Chore("rarely", 40, noted(clock, rarely), first_s=5)
    )
    assert often == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert rarely == [5, 45, 85]
    assert [(one.name, one.done, one.failed, one.running_s) for one in house.status] == [
        ("often", 11, 0, 0.0),
        ("rarely", 3, 0, 0.0),
    ]
    assert min(waits) >= 0


def test_one_that_takes_long_puts_the_others_off_and_loses_none() -> None:
    clock, slow, quick = Clock(), list[float](), list[float]()
    run_for(clock, 100, Chore("slow", 30, noted(clock, slow, took=25)), Chore("quick", 10, noted(clock, quick)))
    assert slow == [0, 55]  # thirty seconds after its end
    assert quick == [25, 35, 45, 80, 90, 100]


def test_one_that_fails_is_tried_again_sooner_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    clock, times = Clock(), list[float]()
    with caplog.at_level(logging.WARNING):
        house, _ = run_for(clock, 86400, Chore("backup", 80000, noted(clock, times, fail=2)))
    assert times == [0, RETRY_S, 2 * RETRY_S, 80000 + 2 * RETRY_S]
    (status,) = house.status
    assert (status.done, status.failed, status.last_error) == (2, 2, None)
    assert caplog.text.count("the disk is full") == 2


def test_an_error_that_is_nobodys_plan_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()

    def broken() -> None:
        raise ZeroDivisionError("oh")

    house, _ = run_for(clock, 5, Chore("odd", 10, broken))
    (status,) = house.status
    assert (status.failed, status.last_error) == (1, "ZeroDivisionError: oh")
    assert "Traceback" in caplog.text


def test_one_that_hangs_is_seen_and_does_not_hold_up_the_end() -> None:
    go, clock = threading.Event(), Clock()
    house = Chores([Chore("hang", 10, lambda: go.wait(20) and None)], clock)
    house.start()
    until(lambda: house.status[0].done == 0 and house.doing.step is not None)
    clock.now += 50
    assert house.status[0].running_s == 50
    assert not house.close(0.05)
    go.set()
    assert house.close(5)
    assert house.status[0].running_s == 0


def test_none_is_started_after_the_end_and_closing_twice_or_before_the_start_is_fine() -> None:
    times: list[float] = []
    house = Chores([Chore("later", 10, noted(Clock(), times), first_s=30)])
    assert house.close(1)
    house = Chores([Chore("later", 10, noted(Clock(), times), first_s=30)])
    house.start()
    assert house.close(5) and house.close(5)
    assert times == []
    nothing = Chores([])
    nothing.start()
    assert nothing.close(5) and nothing.status == ()
