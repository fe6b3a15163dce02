"""The distance of readings, and what counts as noise."""

from __future__ import annotations

import pytest

from perstream.spelling import cut_from, digits_of, distance, letters_in, same_line


@pytest.mark.parametrize(
    ("left", "right", "limit", "result"),
    [
        ("", "", 3, 0),
        ("abc", "abc", 0, 0),
        ("abc", "abd", 3, 1),
        ("kitten", "sitting", 3, 3),
        ("kitten", "sitting", 2, 3),
        ("a", "abcdef", 2, 3),
    ],
)
def test_distance_up_to_a_limit(left, right, limit, result):
    assert distance(left, right, limit) == result


@pytest.mark.parametrize(
    ("text", "digits"),
    [("Platform 4", "4"), ("14:30", "1430"), ("4O0 mg", "400"), ("B12", "812"), ("iPhone", ""), ("Room2", "2")],
)
def test_digits_with_what_is_taken_for_them(text, digits):
    assert digits_of(text) == digits


def test_wide_letters_count_twice():
    assert (letters_in("出口"), letters_in("B2!"), letters_in("...")) == (4, 2, 0)


@pytest.mark.parametrize(
    ("part", "whole", "missing"),
    [
        ("CENTRAL STA", "CENTRAL STATION", "right"),
        ("AL STATION", "CENTRAL STATION", "left"),
        ("STA", "CENTRAL STATION", None),
        ("CENTRAL STATION", "CENTRAL STATION", None),
        ("Platform", "Platform 4", "right"),
        ("Gate 1", "Gate 14", "right"),
        ("other words", "CENTRAL STATION", None),
    ],
)
def test_pieces(part, whole, missing):
    assert cut_from(part, whole) == missing


def test_empty_readings_are_never_alike():
    assert not same_line("...", "!!")
