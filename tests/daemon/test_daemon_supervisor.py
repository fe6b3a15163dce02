from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from daemon_fakes import NOON, EchoPerceiver, House, PushedSource, ScriptedSource, frame, until

from perstream.config import SourceConfig
from perstream.daemon.parts import Source
from perstream.daemon.status import SourceRequest, SourceState
from perstream.daemon.supervisor import Limits, OpenSource, Supervisor
from perstream.errors import ConfigError, NotFound, SourceError
from perstream.events import ErrorRaised, MemoryStored
from perstream.types import Keyframe, Percept, SourceItem

FAST = SourceConfig(backoff_min_s=0.01, backoff_max_s=0.02)


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[Supervisor, House]]]:
    running: list[tuple[Supervisor, House]] = []

    def make(open_source: OpenSource, house: House | None = None, **limits: float) -> tuple[Supervisor, House]:
        house = house or House()
        patience = Limits(**{"tick_s": 0.01, **limits})  # type: ignore[arg-type]
        supervisor = Supervisor(house.parts, house.worker, house.bus, open_source, FAST, patience)
        supervisor.start()
        running.append((supervisor, house))
        return supervisor, house

    yield make
    for supervisor, house in running:
        supervisor.stop(5)
        house.worker.close(timeout=5)


def test_a_file_is_watched_to_its_end(start) -> None:  # type: ignore[no-untyped-def]
    supervisor, _house = start(lambda request: ScriptedSource([frame(n, "film") for n in range(10)]))
    name = supervisor.add(SourceRequest("film.mp4"))
    done = supervisor.wait(name, 5)
    assert (name, done.frames, done.memories) == ("film", 10, 1)
    (status,) = supervisor.list()
    assert (status.state, status.frames, status.memories, status.live) == (SourceState.ENDED, 10, 1, False)
    assert status.last_frame_at == NOON + timedelta(seconds=0.9)
    assert supervisor.failure(name) is None
    assert supervisor.add(SourceRequest("film.mp4")) == "film"  # once ended it can be watched again


def test_what_cannot_be_opened_is_refused_at_once(start) -> None:  # type: ignore[no-untyped-def]
    def refuse(request: SourceRequest) -> Source:
        raise SourceError("there is no film.mp4")

    supervisor, _ = start(refuse)
    with pytest.raises(SourceError, match=r"no film\.mp4"):
        supervisor.add(SourceRequest("film.mp4"))
    assert supervisor.list() == []


def test_two_sources_of_one_name_are_refused(start) -> None:  # type: ignore[no-untyped-def]
    sources = [PushedSource(), PushedSource()]
    supervisor, _ = start(lambda request: sources.pop())
    supervisor.add(SourceRequest("webcam:0"))
    with pytest.raises(ConfigError, match="watched already"):
        supervisor.add(SourceRequest("webcam:0"))


def test_unknown_names_are_not_found(start) -> None:  # type: ignore[no-untyped-def]
    supervisor, _ = start(lambda request: PushedSource())
    for call in (supervisor.remove, supervisor.pause, supervisor.resume, supervisor.wait, supervisor.failure):
        with pytest.raises(NotFound):
            call("nobody")


def test_a_file_that_breaks_off_keeps_what_was_seen_and_says_why(start) -> None:  # type: ignore[no-untyped-def]
    broken = SourceError("film.mp4 is cut off after 0.5 s")
    supervisor, house = start(lambda request: ScriptedSource([frame(n, "film") for n in range(5)], error=broken))
    name = supervisor.add(SourceRequest("film.mp4"))
    assert supervisor.wait(name, 5).memories == 1
    assert supervisor.failure(name) is broken
    assert supervisor.list()[0].state is SourceState.FAILED
    assert [e.message for e in house.of(ErrorRaised)] == [str(broken)]


def test_an_error_that_is_nobodys_plan_becomes_a_source_error(start) -> None:  # type: ignore[no-untyped-def]
    supervisor, _ = start(lambda request: ScriptedSource([frame(0)], error=RuntimeError("segment")))
    name = supervisor.add(SourceRequest("film.mp4"))
    supervisor.wait(name, 5)
    assert isinstance(supervisor.failure(name), SourceError)


def test_a_lost_camera_is_opened_again_on_the_same_timeline(start) -> None:  # type: ignore[no-untyped-def]
    later = NOON + timedelta(seconds=60)
    runs: list[Source] = [
        ScriptedSource([frame(n) for n in range(3)], "cam", True, SourceError("unplugged")),
        (second := PushedSource()),
    ]
    supervisor, house = start(lambda request: runs.pop(0))
    second.push(frame(0, start=later), frame(1, start=later))
    supervisor.add(SourceRequest("webcam:0"))
    until(lambda: len(house.sink.seen) == 5)
    assert house.sink.seen == [0, 1, 2, 3, 4]
    (gap,) = house.sink.gaps
    assert (gap.reason, gap.start_s, gap.end_s) == ("lost", 0.2, 60.0)
    assert (gap.started_at, gap.ended_at) == (NOON + timedelta(seconds=0.2), later)
    (status,) = supervisor.list()
    assert (status.state, status.restarts, status.last_error) == (SourceState.RUNNING, 1, "unplugged")
    assert status.pts_s == pytest.approx(60.1)


def test_a_camera_that_keeps_failing_is_opened_so_many_times_and_no_more(start) -> None:  # type: ignore[no-untyped-def]
    opened: list[str] = []

    def flap(request: SourceRequest) -> Source:
        opened.append(request.uri)
        return ScriptedSource([frame(0)], "cam", True, SourceError("flapping"))

    supervisor, house = start(flap, restarts=3, window_s=30.0)
    supervisor.add(SourceRequest("webcam:0"))
    until(lambda: len(opened) == 4)
    until(lambda: supervisor.list()[0].state is SourceState.RESTARTING)
    assert not threading.Event().wait(0.1) and len(opened) == 4
    assert house.worker.submit(0, lambda: "alive").result(5) == "alive"


def test_a_camera_that_never_gave_a_picture_fails_instead_of_retrying(start) -> None:  # type: ignore[no-untyped-def]
    supervisor, _ = start(lambda request: ScriptedSource([], "cam", True, SourceError("no camera 9")))
    name = supervisor.add(SourceRequest("webcam:9"))
    assert supervisor.wait(name, 5).frames == 0
    assert supervisor.list()[0].state is SourceState.FAILED


def test_a_camera_of_the_daemon_is_waited_for(start) -> None:  # type: ignore[no-untyped-def]
    attempts: list[int] = []
    camera = PushedSource("webcam:0")
    camera.push(frame(0))

    def open_late(request: SourceRequest) -> Source:
        attempts.append(1)
        if len(attempts) < 3:
            raise SourceError("no such camera")
        return camera

    supervisor, house = start(open_late)
    assert supervisor.add(SourceRequest("webcam:0", keep=True)) == "webcam:0"
    until(lambda: house.sink.seen == [0])
    assert len(attempts) == 3


def test_a_stuck_camera_is_left_behind_and_opened_again(start) -> None:  # type: ignore[no-untyped-def]
    never = threading.Event()

    class Stuck(ScriptedSource):
        def stream(self) -> Iterator[SourceItem]:
            yield frame(0)
            never.wait(20)  # does not react to close()

    fresh = PushedSource()
    fresh.push(frame(0, start=NOON + timedelta(seconds=9)))
    runs: list[Source] = [Stuck([], "cam", True), fresh]
    supervisor, house = start(lambda request: runs.pop(0) if runs else PushedSource(), stall_s=0.05)
    supervisor.add(SourceRequest("webcam:0"))
    until(lambda: len(house.sink.seen) == 2)
    assert [gap.reason for gap in house.sink.gaps] == ["stalled"]
    assert supervisor.list()[0].restarts >= 1  # silence makes the fresh one stuck in its turn
    never.set()


def test_stop_remembers_what_was_perceived(start) -> None:  # type: ignore[no-untyped-def]
    camera = PushedSource()
    supervisor, house = start(lambda request: camera)
    supervisor.add(SourceRequest("webcam:0"))
    camera.push(frame(0), frame(1))
    until(lambda: house.sink.seen == [0, 1])
    assert supervisor.stop(5)
    assert house.sink.order[-1] == "finish cam"
    assert supervisor.wait("cam", 0).memories == 1
    with pytest.raises(SourceError, match="shutting down"):
        supervisor.add(SourceRequest("webcam:1"))


def test_stop_ends_a_file_that_waits_for_perception(start) -> None:  # type: ignore[no-untyped-def]
    gate = threading.Event()
    house = House(lambda: EchoPerceiver(gate))
    supervisor, _ = start(lambda request: ScriptedSource([frame(n, "film") for n in range(1000)]), house)
    supervisor.add(SourceRequest("film.mp4"))
    until(lambda: supervisor.list()[0].keyframes >= 8)
    stopper = threading.Thread(target=lambda: supervisor.stop(5))
    stopper.start()
    gate.set()
    stopper.join(10)
    assert not stopper.is_alive()
    done = supervisor.wait("film", 0)
    assert done is not None and done.frames < 1000
    assert len(house.sink.seen) + done.dropped.get("stopped", 0) == done.keyframes


def test_stop_is_bounded_and_remembers_even_when_perception_hangs(start) -> None:  # type: ignore[no-untyped-def]
    gate, first = threading.Event(), threading.Event()

    class HangsLater(EchoPerceiver):
        def see(self, keyframe: Keyframe) -> Percept:
            if first.is_set():
                gate.wait(20)
            first.set()
            return super().see(keyframe)

    house = House(HangsLater)
    supervisor, _ = start(lambda request: ScriptedSource([frame(n, "film") for n in range(100)]), house)
    supervisor.add(SourceRequest("film.mp4"))
    until(lambda: supervisor.list()[0].keyframes >= 8)
    assert not supervisor.stop(0.2)
    assert house.worker.close(timeout=5)
    assert house.sink.order == ["see 0", "finish film"]
    assert len(house.of(MemoryStored)) == 1
    gate.set()


def test_remove_ends_a_source_and_forgets_it(start) -> None:  # type: ignore[no-untyped-def]
    camera = PushedSource()
    supervisor, house = start(lambda request: camera)
    supervisor.add(SourceRequest("webcam:0"))
    camera.push(frame(0))
    until(lambda: house.sink.seen == [0])
    supervisor.remove("cam")
    assert supervisor.list() == [] and house.sink.order[-1] == "finish cam"


def test_pause_is_shown_and_reaches_all(start) -> None:  # type: ignore[no-untyped-def]
    sources = [PushedSource("a"), PushedSource("b")]
    supervisor, _ = start(lambda request: sources.pop())
    supervisor.add(SourceRequest("one"))
    supervisor.add(SourceRequest("two"))
    supervisor.pause()
    assert {status.state for status in supervisor.list()} == {SourceState.PAUSED}
    supervisor.resume("a")
    assert [status.state for status in supervisor.list()] == [SourceState.PAUSED, SourceState.RUNNING]


def test_passwords_of_cameras_are_not_shown(start) -> None:  # type: ignore[no-untyped-def]
    supervisor, _ = start(lambda request: PushedSource())
    supervisor.add(SourceRequest("rtsp://anna:secret@10.0.0.7/live"))
    assert supervisor.list()[0].uri == "rtsp://10.0.0.7/live"


def test_the_clock_of_a_file_is_where_it_is(start) -> None:  # type: ignore[no-untyped-def]
    gate = threading.Event()
    film = ScriptedSource([frame(n, "film") for n in range(10)], gate=gate, hold_at=5)
    supervisor, _ = start(lambda request: film)
    assert supervisor.file_clock() is None
    supervisor.add(SourceRequest("film.mp4"))
    until(lambda: supervisor.file_clock() == NOON + timedelta(seconds=0.4))
    gate.set()
    supervisor.wait("film", 5)
    assert supervisor.file_clock() is None


def test_a_camera_that_flaps_a_thousand_times_stays_bounded_and_recovers(start) -> None:  # type: ignore[no-untyped-def]
    opened: list[int] = []
    steady = PushedSource()

    def flap(request: SourceRequest) -> Source:
        opened.append(1)
        if len(opened) > 1000:
            return steady
        kind = len(opened) % 3
        if kind == 1 and len(opened) > 1:
            raise SourceError("no route to the camera")
        at = NOON + timedelta(seconds=len(opened))
        return ScriptedSource([frame(0, start=at)] if kind else [], "cam", True, SourceError("lost"))

    quick = SourceConfig(backoff_min_s=1e-6, backoff_max_s=1e-6)
    house = House()
    supervisor = Supervisor(
        house.parts, house.worker, house.bus, flap, quick, Limits(tick_s=0.0001, restarts=10**6, window_s=1e-9)
    )
    supervisor.start()
    before = threading.active_count()
    try:
        supervisor.add(SourceRequest("webcam:0", keep=True))
        until(lambda: len(opened) > 1000, 60)
        assert threading.active_count() <= before + 4  # perceive, capture, and one that is just ending
        steady.push(frame(0, start=NOON + timedelta(hours=1)), frame(1, start=NOON + timedelta(hours=1)))
        frames = 2 + sum(1 for n in range(2, 1001) if n % 3 == 2) + 1
        until(lambda: supervisor.list()[0].frames >= frames)
        (status,) = supervisor.list()
        assert status.state is SourceState.RUNNING and status.restarts == 1000 and status.errors >= 1000
        until(lambda: len(house.sink.gaps) > 300)
        assert all(gap.reason == "lost" and gap.end_s > gap.start_s for gap in house.sink.gaps)
        starts = [gap.start_s for gap in house.sink.gaps]
        assert starts == sorted(starts)
    finally:
        assert supervisor.stop(5)
        house.worker.close(timeout=5)
