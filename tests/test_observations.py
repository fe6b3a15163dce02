"""Votes over looks: noise is merged, what differs stays apart, one look is only possible."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perstream.observations import believed, merge_observations
from perstream.types import Observation, ObservationKind

TEXT = ObservationKind.TEXT


def line(text, at=0.0, score=0.9, box=(0.3, 0.4, 0.6, 0.5), votes=1, end=None):
    return Observation(TEXT, text, score, at, at if end is None else end, votes, box)


def of(kind, text, start, end=None, score=0.8, speaker=None):
    return Observation(kind, text, score, start, start if end is None else end, speaker=speaker)


@pytest.mark.parametrize(
    ("readings", "merged", "votes"),
    [
        (["PEANUT BUTTER", "PEANUT BUTTER"], "PEANUT BUTTER", 2),
        (["PEANUT BUTTER", "PEANUTBUTTER"], "PEANUT BUTTER", 2),
        (["PEANUT BUTTER", "Peanut butter", "PEANUT BUTTER"], "PEANUT BUTTER", 3),
        (["PLATFORM9", "PLATFORM 9", "PLATFORM9"], "PLATFORM 9", 3),
        (["Take two tablets daily", "Take twe tablets daily", "Take two tablets daily"], "Take two tablets daily", 3),
        (["Platform 4.", "Platform 4"], "Platform 4.", 2),
    ],
)
def test_reading_noise_is_one_line(readings, merged, votes):
    (one,) = merge_observations([line(text, at) for at, text in enumerate(readings)])
    assert (one.text, one.votes, one.start_s, one.end_s) == (merged, votes, 0.0, len(readings) - 1.0)
    assert believed(one)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Platform 4", "Platform 5"),
        ("Dentist 14:30", "Dentist 14:50"),
        ("400 mg", "40 mg"),
        ("EXIT", "EDIT"),
        ("Anna", "Milk"),
    ],
)
def test_different_meaning_stays_apart(first, second):
    merged = merge_observations([line(first, 0.0), line(second, 1.0)])
    assert [one.text for one in merged] == [first, second]
    assert not any(believed(one) for one in merged)


def test_lines_of_one_list_stay_apart_however_alike():
    rows = [
        line("Task number one", 0.0, box=(0.1, 0.1, 0.4, 0.2)),
        line("Task number two", 0.0, box=(0.1, 0.3, 0.4, 0.4)),
    ]
    later = [line(one.text, 1.0, box=one.box) for one in rows]
    assert [(one.text, one.votes) for one in merge_observations(rows + later)] == [
        ("Task number one", 2),
        ("Task number two", 2),
    ]


def test_a_piece_at_the_edge_joins_the_whole_line():
    merged = merge_observations(
        [line("CENTRAL STA", 0.0, box=(0.7, 0.4, 1.0, 0.5)), line("CENTRAL STATION", 1.0), line("CENTRAL STATION", 2.0)]
    )
    assert [(one.text, one.votes) for one in merged] == [("CENTRAL STATION", 3)]


def test_a_shorter_line_in_the_middle_is_its_own_line():
    merged = merge_observations([line("STATION", 0.0), line("CENTRAL STATION", 1.0)])
    assert len(merged) == 2


@pytest.mark.parametrize(
    ("one", "held"),
    [
        (line("PEANUT BUTTER", votes=2, score=0.8), True),
        (line("PEANUT BUTTER", votes=1, score=0.99), False),
        (line("PEANUT BUTTER", votes=5, score=0.74), False),
        (line("Dentist 14:3", votes=3, score=0.99, box=(0.7, 0.4, 0.995, 0.5)), False),
        (line("B2", votes=2, score=0.99), False),
        (line("B2", votes=3, score=0.99), True),
        (line("出口", votes=2, score=0.9), True),
        (of(ObservationKind.CODE, "https://example.org", 0.0), True),
        (of(ObservationKind.PEOPLE, "1", 0.0), True),
    ],
)
def test_believed(one, held):
    assert believed(one) is held


def test_the_same_line_twice_in_one_picture_is_one_vote():
    (one,) = merge_observations([line("EXIT"), line("EXIT", box=(0.8, 0.1, 0.9, 0.2))])
    assert one.votes == 1


def test_running_votes_are_not_counted_twice():
    looks = [line("EXIT", 1.0), line("EXIT", 1.0, votes=2, end=2.0), line("EXIT", 1.0, votes=3, end=3.0)]
    (one,) = merge_observations(looks)
    assert (one.votes, one.start_s, one.end_s) == (3, 1.0, 3.0)


def test_spelling_with_most_support_and_the_latest_box():
    looks = [
        line("Room 2l7", 0.0, 0.97),
        line("Room 217", 1.0, 0.9),
        line("Room 217", 2.0, 0.9, box=(0.1, 0.0, 0.2, 0.1)),
    ]
    (one,) = merge_observations(looks)
    assert (one.text, one.score, one.box) == ("Room 217", 0.97, (0.1, 0.0, 0.2, 0.1))


@pytest.mark.parametrize(
    ("kind", "texts", "merged"),
    [
        (ObservationKind.PEOPLE, ["1", "3", "2"], ["3"]),
        (ObservationKind.COLOR, ["white, blue", "white, gray", "white, blue, red"], ["white, blue, gray"]),
        (ObservationKind.LIGHT, ["dim", "dark", "dim", "brighter"], ["dim", "brighter"]),
        (ObservationKind.MOTION, ["turning left"] * 3 + ["tilting"] * 2 + ["looking up"], ["turning left", "tilting"]),
        (ObservationKind.CODE, ["a", "b", "a"], ["a", "b"]),
    ],
)
def test_other_kinds(kind, texts, merged):
    found = merge_observations([of(kind, text, float(at)) for at, text in enumerate(texts)])
    assert [one.text for one in found] == merged


def test_speech_spans_are_joined_and_transcripts_kept():
    speech, said = ObservationKind.SPEECH, ObservationKind.TRANSCRIPT
    merged = merge_observations(
        [
            of(speech, "voice", 5.0, 6.0),
            of(speech, "voice", 0.0, 2.0),
            of(speech, "voice", 2.3, 3.0),
            of(said, "Hello.", 1.0, 2.0, speaker="Anna"),
            of(said, "Hello.", 1.0, 2.0, speaker="Anna"),
            of(said, "Hello.", 1.5, 2.0, speaker="Ben"),
            of(said, "Hello.", 9.0, 9.5, speaker="Anna"),
        ]
    )
    assert [(o.kind, o.start_s, o.end_s, o.speaker) for o in merged] == [
        (speech, 0.0, 3.0, None),
        (said, 1.0, 2.0, "Anna"),
        (said, 1.5, 2.0, "Ben"),
        (speech, 5.0, 6.0, None),
        (said, 9.0, 9.5, "Anna"),
    ]


def test_nothing_merges_to_nothing():
    assert merge_observations([]) == ()
    assert merge_observations([line("..."), line("—")]) == ()


WORDS = st.sampled_from(
    ["PEANUT BUTTER", "PEANUTBUTTER", "Platform 4", "Platform 5", "Platfom 4", "EXIT", "x", "14:30", "牛奶"]
)
READINGS = st.lists(st.builds(line, WORDS, st.integers(0, 9).map(float), st.floats(0.5, 1.0), st.none()), max_size=12)


def test_a_line_once_seen_whole_is_believed_at_the_edge_too():
    looks = [line("Dentist 14:30", 0.0), line("Dentist 14:30", 1.0, box=(0.0, 0.4, 0.3, 0.5))]
    assert believed(merge_observations(looks)[0])


@settings(max_examples=200)
@given(READINGS)
def test_merging_again_changes_nothing(readings):
    once = merge_observations(readings)
    assert merge_observations(once) == once


@settings(max_examples=60)
@given(READINGS)
def test_votes_never_exceed_the_looks(readings):
    looks = len({one.end_s for one in readings})
    assert all(1 <= one.votes <= looks for one in merge_observations(readings))
