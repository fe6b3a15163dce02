from __future__ import annotations

import pytest

from perstream.daemon.restart import RestartPolicy


def test_the_wait_doubles_up_to_the_longest() -> None:
    policy = RestartPolicy(0.5, 4.0, per_window=100)
    now, waits = 0.0, []
    for _ in range(6):
        due = policy.failed(now, 0.0)
        waits.append(due - now)
        now = due
    assert waits == pytest.approx([0.5, 1, 2, 4, 4, 4])


def test_no_window_holds_more_than_so_many() -> None:
    policy = RestartPolicy(0.01, 0.01, per_window=5, window_s=60)
    now, dues = 0.0, []
    for _ in range(23):
        now = policy.failed(now, 0.0)
        dues.append(now)
    for position, due in enumerate(dues):
        assert sum(due <= other < due + 59.999 for other in dues[position:]) <= 5
    assert policy.restarts == 23


def test_a_source_that_ran_well_starts_with_the_shortest_wait_again() -> None:
    policy = RestartPolicy(0.5, 30.0)
    policy.failed(0.0, 0.0)
    policy.failed(10.0, 0.0)
    assert policy.failed(100.0, 80.0) == pytest.approx(100.5)


def test_a_thousand_failures_never_make_it_wait_longer_than_it_may_and_it_recovers() -> None:
    policy = RestartPolicy(0.5, 30.0, per_window=5, window_s=60)
    now = 0.0
    for _ in range(1000):
        due = policy.failed(now, 0.1)
        assert 0.5 <= due - now <= 60.0
        now = due + 0.1
    assert policy.restarts == 1000
    assert policy.failed(now + 600, 600.0) == pytest.approx(now + 600.5)
