from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
from daemon_fakes import until

from perstream.daemon.worker import AssistantWorker, Closing, Priority
from perstream.errors import StoreError
from perstream.events import ErrorRaised, Event


def test_a_question_overtakes_told_facts_and_percepts() -> None:
    order: list[str] = []
    worker = AssistantWorker(lambda event: None)
    for priority in (Priority.PERCEPT, Priority.TOLD, Priority.PERCEPT, Priority.QUESTION):
        worker.submit(priority, lambda priority=priority: order.append(priority.name))
    assert worker.urgent()
    worker.start()
    assert worker.close(timeout=5)
    assert order == ["QUESTION", "TOLD", "PERCEPT", "PERCEPT"]
    assert not worker.urgent()


def test_what_has_waited_long_gets_its_turn_between_two_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perstream.daemon.worker.PATIENCE_S", -1.0)
    order: list[str] = []
    worker = AssistantWorker(lambda event: None, tick=lambda: order.append("tick") or 3600.0)
    worker.submit(Priority.PERCEPT, lambda: order.append("seen"))
    worker.submit(Priority.TOLD, lambda: order.append("told"))
    for number in range(5):
        worker.submit(Priority.QUESTION, lambda number=number: order.append(f"asked {number}"))
    worker.start()
    until(lambda: len(order) == 9)
    assert worker.close(timeout=5)
    # The oldest first, never two in a row; what was told may change what is due, so that the clock is looked at again.
    between = ["tick", "seen", "told", "tick"]
    assert order[1::2] == between
    assert order[::2] == [f"asked {number}" for number in range(5)]


def test_one_who_has_just_come_waits_for_all_questions() -> None:
    order: list[str] = []
    worker = AssistantWorker(lambda event: None)
    worker.submit(Priority.PERCEPT, lambda: order.append("seen"))
    for number in range(3):
        worker.submit(Priority.QUESTION, lambda number=number: order.append(f"asked {number}"))
    worker.start()
    assert worker.close(timeout=5)
    assert order == ["asked 0", "asked 1", "asked 2", "seen"]


def test_percepts_wait_while_the_queue_is_full_and_questions_do_not() -> None:
    worker = AssistantWorker(lambda event: None, percepts=2)
    worker.submit(Priority.PERCEPT, lambda: 1)
    worker.submit(Priority.PERCEPT, lambda: 2)
    handed_in = threading.Event()

    def third() -> None:
        worker.submit(Priority.PERCEPT, lambda: 3)
        handed_in.set()

    thread = threading.Thread(target=third)
    thread.start()
    answer = worker.submit(Priority.QUESTION, lambda: "yes")
    assert not handed_in.wait(0.05)
    assert worker.waiting == 3
    worker.start()
    assert handed_in.wait(5) and answer.result(5) == "yes"
    thread.join(5)
    assert worker.close(timeout=5)


def test_any_number_of_questions_may_wait_without_holding_their_askers() -> None:
    worker = AssistantWorker(lambda event: None, percepts=2)
    handed_in: list[Future[int]] = []
    asker = threading.Thread(
        target=lambda: handed_in.extend(worker.submit(Priority.QUESTION, lambda n=n: n) for n in range(20)), daemon=True
    )
    asker.start()
    asker.join(5)
    assert len(handed_in) == 20
    worker.start()
    assert worker.close(timeout=5)
    assert [future.result(0) for future in handed_in] == list(range(20))


def test_a_failed_percept_is_told_and_counted_and_the_thread_goes_on() -> None:
    told: list[Event] = []
    worker = AssistantWorker(told.append)
    worker.start()

    def fail() -> None:
        raise StoreError("the disk is full")

    broken = worker.submit(Priority.PERCEPT, fail, source="cam")
    assert worker.submit(Priority.PERCEPT, lambda: "next").result(5) == "next"
    assert isinstance(broken.exception(5), StoreError)
    assert worker.errors == 1
    assert [(e.source, e.kind, e.message) for e in told if isinstance(e, ErrorRaised)] == [
        ("cam", "StoreError", "the disk is full")
    ]
    worker.close(timeout=5)


def test_a_failed_question_goes_to_its_asker_only() -> None:
    told: list[Event] = []
    worker = AssistantWorker(told.append)
    worker.start()
    with pytest.raises(ZeroDivisionError):
        worker.submit(Priority.QUESTION, lambda: 1 // 0).result(5)
    assert told == [] and worker.errors == 0
    worker.close(timeout=5)


def test_close_finishes_what_was_accepted_and_refuses_the_rest() -> None:
    worker = AssistantWorker(lambda event: None, percepts=100)
    futures = [worker.submit(Priority.PERCEPT, lambda n=n: n) for n in range(50)]
    worker.start()
    assert worker.close(timeout=5)
    assert [future.result(0) for future in futures] == list(range(50))
    with pytest.raises(Closing):
        worker.submit(Priority.QUESTION, lambda: None)


def test_close_wakes_whoever_waits_to_hand_in() -> None:
    worker = AssistantWorker(lambda event: None, percepts=1)
    worker.submit(Priority.PERCEPT, lambda: None)
    refused: list[Exception] = []

    def second() -> None:
        try:
            worker.submit(Priority.PERCEPT, lambda: None)
        except Closing as error:
            refused.append(error)

    thread = threading.Thread(target=second)
    thread.start()
    worker.close(drain=False)
    thread.join(5)
    assert len(refused) == 1


def test_close_without_draining_cancels_what_waits() -> None:
    worker = AssistantWorker(lambda event: None)
    gate = threading.Event()
    worker.start()
    worker.submit(Priority.PERCEPT, lambda: gate.wait(5))
    until(lambda: worker.waiting == 0)
    late = worker.submit(Priority.PERCEPT, lambda: "never")
    assert worker.busy_s >= 0
    closer = threading.Thread(target=lambda: worker.close(drain=False))
    closer.start()
    until(late.cancelled)
    gate.set()
    closer.join(5)
    assert not closer.is_alive()


def test_a_job_whose_asker_has_gone_is_not_run() -> None:
    ran: list[int] = []
    worker = AssistantWorker(lambda event: None)
    future = worker.submit(Priority.QUESTION, lambda: ran.append(1))
    future.cancel()
    worker.start()
    worker.close(timeout=5)
    assert ran == []


def test_a_stuck_job_does_not_hold_close_for_ever() -> None:
    worker = AssistantWorker(lambda event: None)
    gate = threading.Event()
    worker.start()
    worker.submit(Priority.PERCEPT, lambda: gate.wait(10))
    until(lambda: worker.waiting == 0)
    assert not worker.close(timeout=0.05)
    gate.set()
    assert worker.close(timeout=5)


def test_it_ticks_while_idle_and_after_what_was_told() -> None:
    ticked: list[int] = []

    def tick() -> float:
        ticked.append(1)
        return 600.0

    worker = AssistantWorker(lambda event: None, tick=tick)
    worker.start()
    try:
        until(lambda: len(ticked) == 1)  # at the start, and then not for ten minutes
        worker.submit(Priority.PERCEPT, lambda: None).result(5)
        assert len(ticked) == 1
        worker.submit(Priority.TOLD, lambda: None).result(5)
        until(lambda: len(ticked) == 2)
    finally:
        assert worker.close(timeout=5)


def test_a_tick_that_fails_is_reported_and_the_worker_goes_on() -> None:
    events: list[Event] = []

    def tick() -> float:
        raise StoreError("no")

    worker = AssistantWorker(events.append, tick=tick)
    worker.start()
    try:
        assert worker.submit(Priority.TOLD, lambda: 3).result(5) == 3
        assert worker.submit(Priority.TOLD, lambda: 4).result(5) == 4
        until(lambda: bool(events))
        assert isinstance(events[0], ErrorRaised)
    finally:
        assert worker.close(timeout=5)
