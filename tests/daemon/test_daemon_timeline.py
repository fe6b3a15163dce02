from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from daemon_fakes import NOON, frame

from perstream.daemon.timeline import Mark, Timeline
from perstream.types import AudioChunk, Cue, Frame, Gap


def run_of(timeline: Timeline, count: int, start_s: float = 0.0) -> list[Frame]:
    timeline.begin_run()
    at = NOON + timedelta(seconds=start_s)
    placed = [timeline.place(frame(n, "raw", at), at) for n in range(count)]
    return [one for one in placed if isinstance(one, Frame)]


def test_the_first_run_is_where_it_says() -> None:
    timeline = Timeline("cam")
    frames = run_of(timeline, 3)
    assert [(one.source, one.index, one.pts_s) for one in frames] == [("cam", 0, 0.0), ("cam", 1, 0.1), ("cam", 2, 0.2)]


def test_a_second_run_goes_on_by_the_wall_clock() -> None:
    timeline = Timeline("cam")
    run_of(timeline, 3)
    again = run_of(timeline, 2, start_s=30.0)
    assert [one.index for one in again] == [3, 4]
    assert [one.pts_s for one in again] == pytest.approx([30.0, 30.1])


def test_a_wall_clock_set_back_never_takes_the_timeline_back() -> None:
    timeline = Timeline("cam")
    run_of(timeline, 3)
    again = run_of(timeline, 2, start_s=-3600.0)
    assert [one.pts_s for one in again] == pytest.approx([0.2, 0.3])


def test_sound_words_and_gaps_move_with_their_run() -> None:
    timeline = Timeline("cam")
    run_of(timeline, 3)
    timeline.begin_run()
    at = NOON + timedelta(seconds=30)
    heard = timeline.place(AudioChunk("raw", 1.0, np.zeros(4, np.int16)), at)
    assert isinstance(heard, AudioChunk) and heard.pts_s == pytest.approx(30.0)
    cue = timeline.place(Cue("raw", 2.0, 3.0, "hello"), at)
    assert isinstance(cue, Cue) and (cue.start_s, cue.end_s) == pytest.approx((31.0, 32.0))
    gap = timeline.place(Gap("raw", 3.0, 4.0, at, at, "lost"), at)
    assert isinstance(gap, Gap) and gap.source == "cam"
    assert (gap.start_s, gap.end_s) == pytest.approx((32.0, 33.0))


def test_an_interruption_becomes_a_gap_with_its_first_reason() -> None:
    timeline = Timeline("cam")
    run_of(timeline, 3)
    timeline.interrupt("lost", timeline.last)
    timeline.interrupt("stalled", timeline.last)
    assert timeline.interrupted == "lost"
    gap = timeline.resume(Mark(9.0, NOON + timedelta(seconds=9)))
    assert gap is not None and (gap.start_s, gap.end_s, gap.reason) == (0.2, 9.0, "lost")
    assert timeline.interrupted is None and timeline.resume(Mark(10.0, NOON)) is None


def test_a_pause_in_which_nothing_went_by_leaves_no_gap() -> None:
    timeline = Timeline("cam")
    run_of(timeline, 3)
    timeline.interrupt("paused", timeline.last)
    assert timeline.resume(Mark(0.3, NOON)) is None


def test_a_pause_before_the_first_frame_begins_with_the_first_it_skips() -> None:
    timeline = Timeline("cam")
    timeline.interrupt("paused", None)
    timeline.skip(frame(4))
    gap = timeline.resume(Mark(2.0, NOON + timedelta(seconds=2)))
    assert gap is not None and (gap.start_s, gap.end_s) == (0.4, 2.0)
