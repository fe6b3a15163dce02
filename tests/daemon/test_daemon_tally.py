from __future__ import annotations

import pytest

from perstream.daemon.tally import Tally, peak_rss_mb


def test_drops_are_counted_by_reason_and_told_once_a_second() -> None:
    tally = Tally()
    tally.drop("behind")
    assert tally.untold(10.0) == {"behind": 1}
    tally.drop("behind", 2)
    tally.drop("paused")
    assert tally.untold(10.9) == {}
    assert tally.untold(11.0) == {"behind": 2, "paused": 1}
    tally.drop("behind", 5)
    assert tally.untold(11.1, last=True) == {"behind": 5}
    tally.drop("behind", 0)
    assert tally.dropped() == {"behind": 8, "paused": 1} and tally.untold(99.0) == {}


def test_errors_are_counted_always_and_told_once_a_second() -> None:
    tally = Tally()
    assert [tally.fail(ValueError(str(n)), now) for n, now in enumerate((0.0, 0.5, 1.0))] == [True, False, True]
    assert (tally.errors, tally.last_error) == (3, "2")


def test_latency_is_by_nearest_rank() -> None:
    tally = Tally()
    assert tally.latency().p95_ms == 0.0
    for n in range(1, 101):
        tally.arrived(captured=0.0, chosen=n / 2000, now=n / 1000)
    latency = tally.latency()
    assert (latency.count, latency.p50_ms, latency.p95_ms) == (100, pytest.approx(50), pytest.approx(95))
    assert latency.chosen_p95_ms == pytest.approx(47.5)


def test_the_process_has_held_some_memory() -> None:
    assert 5 < peak_rss_mb() < 100_000
