"""When text is looked for: twice per view at rest, not again while nothing changes, and within budget."""

from __future__ import annotations

import numpy as np
import pytest
from perception_world import noisy, plain, texture, view, write

from perstream.config import PerceptionConfig
from perstream.observations import believed
from perstream.perception.reader import Region
from perstream.perception.text import TextObserver, clean


class ScriptedReader:
    """Says what it is told to; counts how often and how closely it was asked."""

    def __init__(self, *lines):
        self.lines = list(lines)
        self.sides = []
        self.recognised = 0

    def regions(self, picture, side, min_score):
        self.sides.append(side)
        return [_region(10, 20 + 40 * i, 30 if i else 34) for i in range(len(self.lines))]

    def words(self, picture, region, *, upside_down=False):
        self.recognised += 1
        return self.lines[round((region.bounds[1] - 20) / 40)]


def _region(left, top, height):
    return Region(np.float32([[left, top], [left + 90, top], [left + 90, top + height], [left, top + height]]), 0.8)


@pytest.fixture
def wall():
    return texture(1)


def observer(*lines, **settings):
    reader = ScriptedReader(*lines)
    return TextObserver(PerceptionConfig(**settings), reader), reader


def test_two_looks_at_a_view_at_rest_make_a_line_believed(wall):
    text, _ = observer(("PEANUT BUTTER", 0.97))
    (first,) = text.see(view(noisy(wall, 1), 1.0))
    (second,) = text.see(view(noisy(wall, 2), 2.0, "dwell"))
    assert not believed(first)
    assert believed(second)
    assert (second.text, second.votes, second.start_s, second.end_s) == ("PEANUT BUTTER", 2, 1.0, 2.0)


def test_an_unchanged_view_is_not_read_a_third_time(wall):
    text, reader = observer(("PEANUT BUTTER", 0.97))
    seen = [text.see(view(noisy(wall, at), float(at))) for at in range(6)]
    assert len(reader.sides) == 2
    assert [(one.votes, one.end_s) for (one,) in seen] == [(1, 0.0), (2, 1.0), (2, 2.0), (2, 3.0), (2, 4.0), (2, 5.0)]


def test_nothing_found_twice_is_enough(wall):
    text, reader = observer()
    for at in range(5):
        assert text.see(view(wall, float(at))) == ()
    assert len(reader.sides) == 2


def test_a_doubtful_line_gets_a_third_look(wall):
    text, reader = observer(("PEANUT BUTTER", 0.72))
    for at in range(6):
        text.see(view(wall, float(at)))
    assert len(reader.sides) == 3


def test_a_changed_view_is_read_again(wall):
    text, reader = observer(("PEANUT BUTTER", 0.97))
    for at in range(3):
        text.see(view(wall, float(at)))
    text.see(view(write(wall.copy(), "NEW", (300, 200), 1.5), 3.0))
    assert len(reader.sides) == 3


def test_brighter_is_not_changed(wall):
    text, reader = observer(("PEANUT BUTTER", 0.97))
    for at in range(4):
        text.see(view((wall * 0.7 + 10 * at).astype(np.uint8), float(at)))
    assert len(reader.sides) == 2


def test_while_moving_the_interval_holds_and_looks_are_coarse():
    text, reader = observer(("EXIT", 0.9), text_interval_s=0.5)
    for step in range(10):
        text.see(view(texture(step), 0.1 * step, "motion"))
    assert reader.sides == [320, 320]


def test_many_lines_are_capped_largest_first_and_paid_for():
    lines = [(f"line {name}", 0.9) for name in "abcdefghijkl"]
    text, reader = observer(*lines, text_max_lines=4)
    seen = text.see(view(texture(0, 720, 640), 0.0, "motion"))
    assert (len(seen), reader.recognised) == (4, 4)
    assert seen[0].text == "line a"  # the tallest region
    text.see(view(texture(1, 720, 640), 0.39, "motion"))
    assert reader.recognised == 4


def test_close_looks_have_a_budget():
    text, reader = observer()
    for step in range(10):
        text.see(view(texture(step), 0.5 * step))
    assert reader.sides.count(640) == 2 + 1  # two saved up, one earned in 4.5 s
    assert reader.sides.count(320) == 7


def test_a_cut_forgets_the_votes():
    text, _ = observer(("EXIT", 0.9))
    text.see(view(texture(1), 0.0))
    (after,) = text.see(view(texture(2), 0.5, "cut"))
    assert after.votes == 1


def test_votes_expire():
    text, _ = observer(("EXIT", 0.9))
    text.see(view(texture(1), 0.0))
    (late,) = text.see(view(texture(2), 10.0))
    assert (late.votes, late.start_s) == (1, 10.0)


@pytest.mark.parametrize("line", [("PEANUT", 0.6), ("...", 0.99), ("", 0.0)])
def test_junk_is_dropped(line):
    text, _ = observer(line)
    assert text.see(view(plain())) == ()


def test_what_was_read_is_one_clean_bounded_line():
    assert clean("a\x1b[31m\tb\n\u202ec ") == "a [31m b c"
    assert len(clean("x" * 1000)) == 200
