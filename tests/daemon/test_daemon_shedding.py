"""Load that is shed: counted, told, from live sources alone, and no longer than it has to be."""

from __future__ import annotations

import threading

from daemon_fakes import House, PushedSource, ScriptedSource, frame, until

from perstream.config import SourceConfig
from perstream.config_upkeep import WatchdogConfig
from perstream.daemon.shedding import MOST, Shedding
from perstream.daemon.status import SourceRequest
from perstream.daemon.supervisor import Limits, Supervisor
from perstream.daemon.watchdog import Watchdog
from perstream.daemon.worker import Priority
from perstream.events import FrameDropped


def test_the_share_is_halved_while_the_wait_is_long_and_doubled_when_it_has_been_short() -> None:
    shed = Shedding(after_s=10)
    kept = [shed.look(12, float(t)) for t in range(30)]
    assert kept[0] == 2 and kept[10] == 4 and kept[20] == MOST and set(kept[20:]) == {MOST}
    assert [shed.look(7, float(t)) for t in range(30, 60)] == [MOST] * 30  # neither long nor short
    kept = [shed.look(1, float(t)) for t in range(60, 120)]
    assert (kept[0], kept[9], kept[10], kept[20], kept[30]) == (MOST, MOST, 4, 2, 1)
    assert set(kept[30:]) == {1} and 85 <= shed.shed_s <= 95


def test_a_short_moment_of_waiting_sheds_little_and_a_quiet_one_does_not_end_it() -> None:
    shed = Shedding(after_s=10)
    assert shed.look(11, 0) == 2
    for t in range(1, 40):
        assert shed.look(2 if t % 9 else 6, float(t)) == 2  # it is never short for long enough
    for t in range(40, 52):
        shed.look(0, float(t))
    assert shed.keep_one_in == 1


def test_a_step_that_helps_is_not_followed_by_another() -> None:
    shed = Shedding(after_s=10)
    assert [shed.look(30 - t, float(t)) for t in range(20)] == [2] * 20
    assert shed.look(13, 21.0) == 2 and shed.look(29, 22.0) == 4


def test_a_slow_assistant_sheds_a_camera_and_never_a_file_and_questions_come_first() -> None:
    go, slow = threading.Event(), threading.Event()
    house = House()
    see = house.sink.see

    def slowly(percept):  # type: ignore[no-untyped-def]
        slow.set()
        go.wait(20)
        return see(percept)

    house.sink.see = slowly  # type: ignore[method-assign]
    camera = PushedSource()
    opened = {"webcam:0": camera, "film": ScriptedSource([frame(n, "film") for n in range(30)])}
    supervisor = Supervisor(
        house.parts, house.worker, house.bus, lambda r: opened[r.uri], SourceConfig(), Limits(tick_s=0.01)
    )
    supervisor.start()
    dog = Watchdog(WatchdogConfig(shed_after_s=0.02), house.worker, supervisor)
    supervisor.add(SourceRequest("webcam:0"))
    for n in range(20):
        camera.push(frame(n))
    slow.wait(5)
    question = house.worker.submit(Priority.QUESTION, lambda: len(house.sink.seen))
    until(lambda: dog.look() or dog.status.keep_one_in == MOST)
    until(lambda: supervisor.list()[0].keyframes == 20)
    supervisor.add(SourceRequest("film"))
    for n in range(20, 36):
        camera.push(frame(n))
    until(lambda: supervisor.list()[0].keyframes == 36)
    dog.look()
    assert supervisor.list()[0].dropped["shed"] == 14  # two of sixteen are let through
    assert dog.status.waiting_s > 0.02
    go.set()
    assert question.result(5) == 1  # right after the job in hand
    until(lambda: supervisor.wait("film", 0) is not None)
    film = supervisor.wait("film", 0)
    assert film is not None and film.dropped == {} and film.keyframes == 30
    until(lambda: dog.look() or dog.status.keep_one_in == 1)
    camera.push(*[frame(n) for n in range(36, 40)])
    until(lambda: supervisor.list()[0].keyframes == 40 and 39 in house.sink.seen)
    assert supervisor.list()[0].dropped["shed"] == 14
    supervisor.stop(5)
    told = [event for event in house.of(FrameDropped) if event.reason == "shed"]
    assert sum(event.count for event in told) == 14  # type: ignore[attr-defined]
    house.worker.close(timeout=5)
