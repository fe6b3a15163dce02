"""A source fed by code."""

import threading

import numpy as np
import pytest

from perstream.errors import SourceError
from perstream.sources import PushSource
from perstream.types import AudioChunk, Frame, Gap

PICTURE = np.full((48, 64, 3), 90, np.uint8)


def test_what_was_pushed_comes_out_in_order() -> None:
    source = PushSource("browser", capacity=10)
    source.hear(np.zeros(8000, np.int16))  # before the first picture: no place for it
    for index in range(3):
        source.push(PICTURE + index, pts_s=index / 10)
    source.hear(np.ones(8000, np.int16), pts_s=0.25)
    source.end()
    items = list(source.stream())
    frames = [item for item in items if isinstance(item, Frame)]
    assert [(frame.index, frame.pts_s) for frame in frames] == [(0, 0.0), (1, 0.1), (2, 0.2)]
    assert frames[2].picture.rgb(64)[0, 0, 0] == 92
    assert isinstance(items[-1], AudioChunk)
    assert source.dropped == {}
    assert source.live


def test_the_newest_wins() -> None:
    source = PushSource("browser")
    for index in range(10):
        source.push(PICTURE, pts_s=float(index))
    source.end()
    assert [item.pts_s for item in source.stream() if isinstance(item, Frame)] == [8.0, 9.0]
    assert source.dropped == {"behind": 8}


def test_silence_is_a_gap_and_time_never_runs_back() -> None:
    source = PushSource("browser", capacity=10, stall_s=5.0)
    for time_s in (0.0, 1.0, 0.5, 20.0):
        source.push(PICTURE, pts_s=time_s)
    source.end()
    items = list(source.stream())
    assert [item.pts_s for item in items if isinstance(item, Frame)] == [0.0, 1.0, 1.0, 20.0]
    gap = next(item for item in items if isinstance(item, Gap))
    assert (gap.start_s, gap.end_s, gap.reason) == (1.0, 20.0, "stalled")
    assert items.index(gap) == len(items) - 2


def test_a_rest_is_a_gap_of_its_reason_that_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("perstream.sources.push.time.monotonic", lambda: now)
    source = PushSource("browser", capacity=10)
    source.rest("paused")  # before anything was seen: no gap
    source.push(PICTURE)
    now = 101.0
    source.rest("paused")
    now = 107.0
    source.rest("paused")
    now = 108.0
    source.push(PICTURE)
    now = 108.5
    source.push(PICTURE)
    source.end()
    items = list(source.stream())
    assert [type(item) for item in items] == [Frame, Gap, Gap, Frame, Frame]
    told = [(item.start_s, item.end_s, item.reason) for item in items if isinstance(item, Gap)]
    assert told == [(0.0, 7.0, "paused"), (7.0, 8.0, "paused")]


def test_it_ends_when_nobody_sends() -> None:
    source = PushSource("browser", end_after_s=0.05)
    source.push(PICTURE)
    assert [type(item) for item in source.stream()] == [Frame]
    assert source.over


def test_pushes_without_a_time_use_the_clock() -> None:
    source = PushSource("browser", capacity=10)
    source.push(PICTURE)
    source.push(PICTURE)
    source.end()
    first, second = list(source.stream())
    assert isinstance(first, Frame) and isinstance(second, Frame)
    assert first.pts_s == 0.0 <= second.pts_s < 10
    assert first.captured_at <= second.captured_at


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(SourceError, match="uint8"):
        PushSource("browser").push(bad)


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(SourceError, match="int16"):
        PushSource("browser").hear(np.zeros(10, np.float32))  # type: ignore[arg-type]


def test_close_from_another_thread_ends_the_stream() -> None:
    source = PushSource("browser")
    threading.Timer(0.1, source.close).start()
    assert list(source.stream()) == []
    source.push(PICTURE)
    with pytest.raises(SourceError):
        next(source.stream())
