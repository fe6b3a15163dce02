"""Steps that hang: found, told, freed where that can be, and never more threads left behind than so many."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from daemon_fakes import EchoPerceiver, House, NoSources, PushedSource, ScriptedSource, frame, until

from perstream.config import SourceConfig
from perstream.config_upkeep import WatchdogConfig
from perstream.daemon.doing import Doing, Step, stack_of
from perstream.daemon.pipeline import MOST_LEFT
from perstream.daemon.status import SourceRequest, SourceState
from perstream.daemon.supervisor import Limits, Supervisor
from perstream.daemon.trouble import CALM_S, Trouble
from perstream.daemon.watchdog import GIVE_UP, Patrol, Ward, Watchdog
from perstream.daemon.worker import AssistantWorker, Priority
from perstream.errors import Interrupted, StoreBusy, StoreError
from perstream.types import Keyframe, Percept

FAST = SourceConfig(backoff_min_s=0.01, backoff_max_s=0.02)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Idle:
    def __init__(self, clock: Clock) -> None:
        self.doing, self.given_up = Doing(clock), list[Step]()

    def give_up(self, step: Step) -> None:
        self.given_up.append(step)


def test_a_step_that_takes_too_long_is_told_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock, hook = Clock(), Doing(lambda: clock.now)
    dog = Watchdog(
        WatchdogConfig(stuck_s=10), Idle(clock), NoSources(), lambda: [Ward("deliver", "webhook", hook)], clock=clock
    )
    with hook.at("deliver"), caplog.at_level(logging.ERROR):
        for clock.now in (1.0, 6.0, 11.0, 12.0):
            dog.look()
        (stuck,) = dog.status.stuck
        assert (stuck.kind, stuck.subject, stuck.step, stuck.seconds) == ("deliver", "webhook", "deliver", 12.0)
    assert caplog.text.count("stuck for 11 s: deliver webhook deliver") == 1
    assert "test_a_step_that_takes_too_long" in caplog.text  # its stack
    dog.look()
    assert dog.status.stuck == () and dog.status.found == {"deliver": 1}
    with hook.at("deliver"):
        for clock.now in (16.0, 20.0, 24.0):
            dog.look()
    assert dog.status.found == {"deliver": 2}


def test_a_process_that_was_stopped_finds_nobody_stuck_when_it_goes_on() -> None:
    clock = Clock()
    idle = Idle(clock)
    dog = Watchdog(WatchdogConfig(stuck_s=10, exit_after_s=100), idle, NoSources(), leave=pytest.fail, clock=clock)
    with idle.doing.at("percept"):
        for clock.now in (1.0, 2.0, 5000.0, 5005.0, 5009.0):  # suspended for more than an hour
            dog.look()
        assert dog.status.found == {}
        for second in range(5010, 5012):
            clock.now = float(second)
            dog.look()
    assert dog.status.found == {"assistant": 1}  # it hangs in its own time


def test_a_chore_may_take_longer() -> None:
    clock, chores = Clock(), Doing(lambda: clock.now)
    dog = Watchdog(
        WatchdogConfig(stuck_s=10), Idle(clock), NoSources(), lambda: [Ward("chore", "x", chores, 10)], clock=clock
    )
    with chores.at("backup"):
        clock.now = 99.0
        dog.look()
        assert not dog.status.stuck
        clock.now = 101.0
        dog.look()
        assert dog.status.stuck


def test_an_answer_that_gets_on_is_not_stuck_and_one_that_does_not_is_given_up_once() -> None:
    clock = Clock()
    idle = Idle(clock)
    left: list[float] = []
    dog = Watchdog(
        WatchdogConfig(stuck_s=10, exit_after_s=100),
        idle,
        NoSources(),
        leave=lambda: left.append(clock.now),
        clock=clock,
    )
    with idle.doing.at("question"):
        for _ in range(20):
            clock.now += 9
            idle.doing.progress()
            dog.look()
        assert dog.status.found == {}
        began = clock.now
        while not left:
            clock.now += 1
            dog.look()
            silent = clock.now - began
            assert bool(dog.status.stuck) == (silent > 10)
            assert len(idle.given_up) == (silent > GIVE_UP * 10)
        assert left == [began + 101]
    assert dog.status.given_up == 1 and dog.status.found == {"assistant": 1}


def test_the_daemon_does_not_end_unless_that_is_set() -> None:
    clock = Clock()
    idle = Idle(clock)
    dog = Watchdog(WatchdogConfig(stuck_s=1), idle, NoSources(), leave=lambda: pytest.fail("it left"), clock=clock)
    with idle.doing.at("percept"):
        clock.now = 1e6
        dog.look()
    assert dog.status.given_up == 1


def test_a_model_call_that_hangs_is_cancelled_and_the_next_job_is_done() -> None:
    worker = AssistantWorker(lambda event: None)
    worker.start()

    def hangs() -> None:
        while not worker.given_up():
            threading.Event().wait(0.001)
        raise Interrupted("the model did not answer")

    first = worker.submit(Priority.QUESTION, hangs)
    second = worker.submit(Priority.QUESTION, worker.given_up)
    dog = Watchdog(WatchdogConfig(stuck_s=0.01), worker, NoSources())
    until(lambda: dog.look() or first.done())
    with pytest.raises(Interrupted):
        first.result(0)
    assert second.result(5) is False  # what was given up is that job, not the next
    assert worker.close(timeout=5)


class Hanging(EchoPerceiver):
    """Hangs at given frames until it is let go."""

    def __init__(self, at: set[int], go: threading.Event) -> None:
        super().__init__()
        self.at, self.go = at, go

    def see(self, keyframe: Keyframe) -> Percept:
        if keyframe.index in self.at:
            self.at.discard(keyframe.index)
            self.go.wait(20)
        return super().see(keyframe)


@pytest.fixture
def go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def watch(house: House, open_source: object) -> tuple[Supervisor, Watchdog]:
    limits = Limits(tick_s=0.01, restarts=1000)
    supervisor = Supervisor(house.parts, house.worker, house.bus, open_source, FAST, limits)  # type: ignore[arg-type]
    supervisor.start()
    return supervisor, Watchdog(WatchdogConfig(stuck_s=0.4), house.worker, supervisor)


def test_a_file_whose_perception_hangs_goes_on_without_that_picture(go: threading.Event) -> None:
    at = {3}
    house = House(lambda: Hanging(at, go))
    supervisor, dog = watch(house, lambda request: ScriptedSource([frame(n, "film") for n in range(10)]))
    supervisor.add(SourceRequest("film.mp4"))
    until(lambda: dog.look() or supervisor.wait("film", 0) is not None)
    assert house.sink.seen == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    done = supervisor.wait("film", 0)
    assert done is not None and done.dropped == {"stuck": 1} and done.keyframes == 10
    go.set()  # the thread left behind comes back: nothing of it counts
    until(lambda: not any(t.name == "perstream-perceive-film" for t in threading.enumerate()))
    assert house.sink.seen == [0, 1, 2, 4, 5, 6, 7, 8, 9] and house.sink.order.count("finish film") == 1
    status = supervisor.list()[0]
    assert status.state is SourceState.ENDED and "hung at see" in str(status.last_error)
    assert dog.status.replaced == 1 and dog.status.found == {"perceive": 1}
    supervisor.stop(5)
    house.worker.close(timeout=5)


def test_a_camera_whose_perception_hangs_is_opened_again_with_a_gap(go: threading.Event) -> None:
    at = {1}
    house = House(lambda: Hanging(at, go))
    cameras = [PushedSource(), PushedSource()]
    first, second = cameras
    supervisor, dog = watch(house, lambda request: cameras.pop(0) if cameras else PushedSource())
    supervisor.add(SourceRequest("webcam:0"))
    first.push(frame(0), frame(1))
    until(lambda: dog.look() or dog.status.replaced == 1)
    until(lambda: not cameras)
    second.push(frame(20), frame(21))
    until(lambda: len(house.sink.seen) == 3)
    assert [gap.reason for gap in house.sink.gaps] == ["stuck"]
    go.set()
    until(lambda: not supervisor._watched["cam"].pipeline._left[0].is_alive())
    assert len(house.sink.seen) == 3
    supervisor.stop(5)
    house.worker.close(timeout=5)


def test_perception_that_hangs_again_and_again_is_given_up(go: threading.Event) -> None:
    house = House(lambda: Hanging(set(range(100)), go))
    supervisor, dog = watch(house, lambda request: ScriptedSource([frame(n, "film") for n in range(50)]))
    supervisor.add(SourceRequest("film.mp4"))
    until(lambda: dog.look() or supervisor.wait("film", 0) is not None)
    status = supervisor.list()[0]
    assert status.state is SourceState.FAILED and "again and again" in str(supervisor.failure("film"))
    assert sum(t.name == "perstream-perceive-film" for t in threading.enumerate()) == MOST_LEFT + 1
    assert status.dropped["stuck"] == MOST_LEFT + 1
    go.set()
    assert supervisor.stop(5)
    house.worker.close(timeout=5)


def test_a_step_of_a_thread_left_behind_does_not_end_the_new_ones() -> None:
    doing, inside, go = Doing(), threading.Event(), threading.Event()

    def old() -> None:
        with doing.at("old"):
            inside.set()
            go.wait(10)

    thread = threading.Thread(target=old)
    thread.start()
    inside.wait(5)
    step = doing.step
    assert step is not None and "go.wait" in stack_of(step.thread)
    with doing.at("new"):
        go.set()
        thread.join(5)
        assert doing.step is not None and doing.step.name == "new"
    assert doing.step is None and doing.busy_s == 0 and stack_of(step.thread) == ""


def test_what_fails_while_looking_does_not_end_the_patrol(caplog: pytest.LogCaptureFixture) -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        raise RuntimeError("odd")

    patrol = Patrol(look, 0.001, "perstream-test")
    patrol.start()
    until(lambda: len(looks) > 2)
    patrol.close(5)
    patrol.close(5)
    assert "odd" in caplog.text


def test_trouble_with_the_store_lasts_until_it_was_written_again_for_a_while() -> None:
    clock = Clock()
    trouble = Trouble(clock)
    trouble.met(ValueError("x"))
    trouble.met(StoreBusy("another"))
    trouble.met(StoreError("line 3 of the import cannot be used"))
    assert trouble.now is None and trouble.count == 0
    full = StoreError("cannot write: the disk is full")
    full.__cause__ = OSError()
    trouble.met(full)
    clock.now = CALM_S - 1
    trouble.wrote()
    assert trouble.now == str(full) and trouble.count == 1
    clock.now = CALM_S
    trouble.wrote()
    assert trouble.now is None
