"""What the alerts read of the house: disks, clocks, live sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_fakes import House, PushedSource, ScriptedSource, frame, until

from perstream.config import SourceConfig
from perstream.daemon.readings import JUMP_S, JUMP_TOLD, ClockWatch, Readings, free_mb
from perstream.daemon.status import SourceRequest, SourceState, without_query
from perstream.daemon.supervisor import Limits, Supervisor
from perstream.daemon.upkeep_state import BackupStatus
from perstream.errors import SourceError


class Clocks:
    def __init__(self) -> None:
        self.steady, self.wall = 1000.0, 1.7e9
        self.watch = ClockWatch(lambda: self.steady, lambda: self.wall)

    def go(self, seconds: float, set_by: float = 0.0) -> float:
        self.steady += seconds
        self.wall += seconds + set_by
        return self.watch.jump_s()


def test_a_clock_that_is_set_is_told_for_an_hour_and_one_that_drifts_is_not() -> None:
    clocks = Clocks()
    assert [clocks.go(5, 0.5) for _ in range(500)] == [0.0] * 500  # slewed, four minutes in all
    assert clocks.go(8 * 3600) == 0  # asleep
    assert clocks.go(5, -3600) == pytest.approx(-3600)
    assert clocks.go(5, 60) == pytest.approx(-3600)
    assert clocks.go(5, 2 * JUMP_S) == pytest.approx(2 * JUMP_S)
    assert clocks.go(JUMP_TOLD.total_seconds() - 10) == pytest.approx(2 * JUMP_S)
    assert clocks.go(20) == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rtsp://camera/1?token=geheim", "rtsp://camera/1?…"),
        ("rtsp://camera/1", "rtsp://camera/1"),
        ("what is this?", "what is this?"),
    ],
)
def test_an_address_is_brought_to_others_without_what_may_be_secret(name: str, shown: str) -> None:
    assert without_query(name) == shown


def test_the_real_clocks_agree() -> None:
    assert ClockWatch().jump_s() == 0


def test_each_disk_is_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    found = free_mb((tmp_path, tmp_path / "backups", tmp_path / "nowhere"))
    assert list(found) == [str(tmp_path)] and found[str(tmp_path)] > 0


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.worker.close(timeout=5)


def test_live_sources_are_read_and_files_are_not(house: House, tmp_path: Path) -> None:
    sources = {
        "webcam:0": PushedSource("desk"),
        "film": ScriptedSource([frame(0, "film")]),
        "webcam:9": ScriptedSource([], "nine", True, SourceError("no camera 9")),
    }
    supervisor = Supervisor(
        house.parts, house.worker, house.bus, lambda r: sources[r.uri], SourceConfig(), Limits(tick_s=0.01)
    )
    supervisor.start()
    names = [supervisor.add(SourceRequest(uri)) for uri in sources]
    camera = sources["webcam:0"]
    assert isinstance(camera, PushedSource)
    camera.push(frame(0), frame(1))
    until(lambda: supervisor.wait("nine", 0) is not None and supervisor.wait("film", 0) is not None)
    until(lambda: supervisor.list()[0].latency.count == 2)
    readings = Readings((tmp_path,), supervisor, lambda: 0.5, BackupStatus, tuple, lambda: None)
    reading = readings.take()
    live = {one.name: one for one in reading.live}
    assert set(live) == {"desk", "nine"} and set(names) == {"desk", "nine", "film"}
    assert (live["desk"].state, live["desk"].frames) == (SourceState.RUNNING, 2) and live["desk"].silent_s < 5
    assert live["nine"].state is SourceState.FAILED and live["nine"].error == "no camera 9"
    assert reading.server_spent == 0.5 and reading.disk_mb == 0 and str(tmp_path) in reading.free_mb
    supervisor.stop(5)
