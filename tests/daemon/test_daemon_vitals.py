from __future__ import annotations

import threading
from datetime import datetime, timezone

import pytest

from perstream.daemon.asked import Asked
from perstream.daemon.buckets import BOUNDS_S, Buckets
from perstream.daemon.chores import Chore, Chores
from perstream.daemon.counted import Counted
from perstream.daemon.vitals import Readiness, readiness_of, trouble_of
from perstream.daemon.worker import AssistantWorker, Priority
from perstream.errors import Interrupted, StoreError
from perstream.events import GateDecided, ProactiveSaid, Redacted
from perstream.types import Reply

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)


def test_a_duration_falls_in_the_bucket_whose_bound_it_does_not_pass() -> None:
    buckets = Buckets()
    for seconds in (-1.0, 0.005, 0.0051, 60.0, 61.0):
        buckets.add(seconds)
    spread = buckets.spread
    assert (spread.counts[0], spread.counts[1], spread.counts[-2], spread.counts[-1]) == (2, 1, 1, 1)
    assert sum(spread.counts) == 5 and len(spread.counts) == len(BOUNDS_S) + 1
    assert spread.sum_s == pytest.approx(121.0101)


def test_questions_are_counted_by_how_they_end() -> None:
    asked = Asked()

    def failing(error: Exception) -> Reply:
        raise error

    assert asked.count(lambda: Reply("q", "a", False, ())).answer == "a"
    asked.count(lambda: Reply("q", "a", True, ()))
    for error in (Interrupted("gone"), StoreError("broken")):
        with pytest.raises(type(error)):
            asked.count(lambda: failing(error))  # noqa: B023 - called at once
    questions = asked.questions
    assert questions.ended == {"answered": 1, "abstained": 1, "withdrawn": 1, "failed": 1}
    assert sum(questions.took.counts) == 2


def test_what_the_bus_tells_is_counted() -> None:
    counted = Counted()
    for event in (
        GateDecided(NOON, "cam", 1.0, "food", 0.9, True),
        GateDecided(NOON, "cam", 2.0, "food", 0.1, False),
        ProactiveSaid(NOON, "cam", 1.0, "Mind the nuts.", (), "why", "hazard:nut", priority=3),
        Redacted(NOON, "cam", 1.0, "card", 2),
    ):
        counted.hear(event)
    counts = counted.counts
    assert counts.gate == {"kept": 1, "let_go": 1} and counts.said == {"3": 1} and counts.redacted == {"card": 2}


def test_a_house_is_ready_while_its_threads_live_and_move() -> None:
    worker = AssistantWorker(lambda _: None)
    assert readiness_of(worker, None, 60, False).reason == "worker-dead"
    worker.start()
    hold, inside = threading.Event(), threading.Event()
    worker.submit(Priority.QUESTION, lambda: (inside.set(), hold.wait(10)))
    assert inside.wait(5)
    assert readiness_of(worker, None, 60, True) == readiness_of(worker, Chores([]), 60, True)
    assert readiness_of(worker, None, 60, True).warming
    stuck = readiness_of(worker, None, 1e-9, False)
    assert (stuck.ready, stuck.reason, stuck.hopeless) == (False, "worker-stuck", True)
    assert not readiness_of(worker, None, worker.busy_s + 0.0, False).hopeless
    hold.set()
    worker.close()
    assert readiness_of(worker, None, 60, False).reason == "stopping"


def test_chores_that_died_are_seen() -> None:
    worker = AssistantWorker(lambda _: None)
    worker.start()
    chores = Chores([Chore("rare", 60, lambda: None, first_s=60)])
    assert readiness_of(worker, chores, 60, False).ready  # not started yet
    chores.start()
    assert readiness_of(worker, chores, 60, False).ready
    assert chores.close(5)
    assert readiness_of(worker, chores, 60, False).reason == "chores-dead"
    worker.close()


def test_a_sign_of_life_is_given_unless_only_a_restart_helps() -> None:
    assert trouble_of(Readiness(True), lambda: True) == ""
    assert trouble_of(Readiness(False, "worker-stuck"), lambda: True) == ""  # it may go on
    assert trouble_of(Readiness(False, "worker-stuck", hopeless=True), lambda: True) == "worker-stuck"
    assert trouble_of(Readiness(True), lambda: False) == "no answer over HTTP"


def test_a_chore_that_failed_still_says_when_it_was_done_last() -> None:
    went = [threading.Event(), threading.Event()]

    def run() -> None:
        first, second = went
        if first.is_set():
            second.set()
            raise StoreError("no room")
        first.set()

    chores = Chores([Chore("copy", 0.001, run)])
    chores.start()
    assert went[1].wait(5)
    assert chores.close(5)
    (status,) = chores.status
    assert status.done == 1 and status.failed >= 1 and status.last_error == "no room"
    assert status.done_at is not None and status.done_at <= datetime.now(timezone.utc)
