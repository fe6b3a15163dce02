"""Junk: memories that nothing of the day supports, and statements that are false."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from perstream.lab.day.truth import Heard, Shown, Truth
from perstream.lab.eval_sample import SampleScore, add_up, report
from perstream.lab.sample_junk import Junk, judge
from perstream.types import Granularity, MemoryRecord, Observation, ObservationKind, Provenance, Triplet

START = datetime(2026, 5, 4, 9, 30, tzinfo=timezone.utc)
DAY = Truth(
    1, START.isoformat(), 60.0, 960, 540, 15, ("station",),
    shown=(
        Shown("platform sign", "PLATFORM 13 | 16:15  Lisbon", 3.0, 6.0, 20.0, ((2.0, 7.0),)),
        Shown("QR code", "Scan for events", 20.0, 23.0, 20.0, ((20.0, 23.0),)),
    ),
    said=(Heard("Clara", "The keys are under the pot.", 10.0, 12.0),),
    told=("I take aspirin.",), questions=(), unanswerable=(), due=(),
)  # fmt: skip


def line(text: str, at: float = 4.0, votes: int = 2, kind: ObservationKind = ObservationKind.TEXT) -> Observation:
    return Observation(kind, text, 0.9, at, at, votes)


def record(*observations: Observation, triplets: tuple[Triplet, ...] = (), told: bool = False) -> MemoryRecord:
    at = min((o.start_s for o in observations), default=4.0)
    when = START + timedelta(seconds=at)
    stated = "; ".join(o.text for o in observations)
    return MemoryRecord(
        1, stated, "places", Provenance.TOLD if told else Provenance.READ, when, when, "day.mp4", at, at, None, 1.0,
        triplets, observations, False, (Granularity.M,),
    )  # fmt: skip


def judged(*observations: Observation, triplets: tuple[Triplet, ...] = ()) -> Junk:
    return judge([record(*observations, triplets=triplets)], DAY)


@pytest.mark.parametrize(
    "text", ["PLATFORM 13", "platform13", "PLATFQRM 13", "PLATFORM", "16:15 Lisbon", "13 16:15 Lisbon"]
)
def test_lines_that_a_thing_bears(text: str) -> None:
    found = judged(line(text))
    assert (found.memories, found.junk, found.lines, found.false_lines, found.elsewhen) == (1, 0, 1, 0, 0)


@pytest.mark.parametrize("text", ["PLATFORM 18", "PLATF0RM 13", "16:16 Lisbon", "PLA", "Lisbon 13", "OPENING"])
def test_lines_that_none_bears(text: str) -> None:
    found = judged(line(text))
    assert (found.junk, found.false_lines) == (1, 1)
    assert len(found.examples) == 2


def test_a_wrong_possible_line_is_no_false_statement() -> None:
    found = judged(line("PLATFORM 18", votes=1))
    assert (found.junk, found.lines, found.false_lines) == (1, 0, 0)


def test_one_right_line_saves_the_memory_but_not_the_false_line() -> None:
    found = judged(line("PLATFORM 13"), line("EXIT 4"))
    assert (found.junk, found.lines, found.false_lines) == (0, 2, 1)


def test_right_words_at_the_wrong_time() -> None:
    assert judged(line("PLATFORM 13", at=40.0)).elsewhen == 1


def test_what_was_said_and_by_whom() -> None:
    said = replace(line("The keys are under the pot.", 10.5, kind=ObservationKind.TRANSCRIPT), speaker="Clara")
    assert judged(said).junk == 0
    assert judged(replace(said, speaker="Ben")).junk == 1
    assert judged(replace(said, start_s=30.0, end_s=31.0)).junk == 1


def test_codes() -> None:
    assert judged(line("https://a.example/events", 21.0, kind=ObservationKind.CODE)).junk == 0
    assert judged(line("https://a.example/menu", 21.0, kind=ObservationKind.CODE)).junk == 1


def test_only_what_the_memory_states_counts() -> None:
    unsaid = replace(record(line("OPENING"), line("gray", kind=ObservationKind.COLOR)), text="Colours: gray.")
    assert judge([unsaid], DAY).junk == 0
    assert judge([unsaid], DAY).scenery == 1


def test_scenery_is_neither() -> None:
    found = judged(line("gray, white", kind=ObservationKind.COLOR))
    assert (found.memories, found.scenery, found.junk) == (1, 1, 0)


def test_told_facts_are_not_counted() -> None:
    assert judge([record(line("anything"), told=True)], DAY) == Junk()


def test_triplets_need_their_words_in_one_place() -> None:
    right = (
        Triplet("I", "read", "PLATFORM 13 / 16:15 Lisbon"),
        Triplet("lisbon", "at", "16:15"),
        Triplet("Clara", "said", "The keys are under the pot."),
        Triplet("keys", "where", "under pot"),
        Triplet("QR code", "contains", "https://a.example/events"),
    )
    wrong = (Triplet("lisbon", "at", "16:16"), Triplet("keys", "on", "platform 13"))
    found = judged(line("PLATFORM 13"), triplets=right + wrong)
    assert (found.triplets, found.junk_triplets) == (7, 2)


def test_days_add_up_in_the_report() -> None:
    day = SampleScore(*[0] * 8, 0, 60.0, 10.0, 0, junk=judged(line("OPENING")))  # type: ignore[arg-type]
    junk = report(add_up([day, replace(day, junk=judged(line("PLATFORM 13")))]))["junk"]
    assert isinstance(junk, dict)
    assert (junk["rate"], junk["memories"], junk["junk"]) == (0.5, 2, 1)
