"""Scoring of a watched day: matching answers, evidence, words in time, intervals, the lines printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from perstream.errors import ConfigError
from perstream.events import ProactiveSaid
from perstream.lab import eval_sample
from perstream.lab.day.truth import Due, Question
from perstream.lab.eval_sample import SampleScore, add_up, evaluate_sample, report, run
from perstream.lab.sample_score import answered, answered_directly, has_evidence, mentions, score_words, wilson
from perstream.types import Evidence, Provenance, Reply

START = datetime(2026, 5, 4, 9, 30, tzinfo=timezone.utc)


def reply(answer: str, *evidence: Evidence, abstained: bool = False) -> Reply:
    return Reply("?", answer, abstained, evidence)


def evidence(
    start: float | None, end: float | None, provenance: Provenance = Provenance.READ, caption: str = ""
) -> Evidence:
    source = None if provenance is Provenance.TOLD else "day.mp4"
    return Evidence(1, caption, provenance, source, start, end, START, 0.9)


def word(text: str, pts_s: float) -> ProactiveSaid:
    return ProactiveSaid(START + timedelta(seconds=pts_s), "day.mp4", pts_s, text, (), "why", "topic")


@pytest.mark.parametrize(
    ("text", "groups", "expected"),
    [
        ("It is on Platform 4.", (("4",),), True),
        ("It is on platform 14.", (("4",),), False),
        ("You are allergic to peanuts", (("peanut",),), True),
        ("CASTLEGARDEN at 9:50", (("CASTLE GARDEN",), ("9:50",)), True),
        ("at 09:50", (("9:50",),), True),
        ("at 4:25 pm", (("16:25",),), True),
        ("at 4:25 am", (("16:25",),), False),
        ("at 19:50", (("9:50",),), False),
        ("500mg", (("500 mg",),), True),
        ("1500 mg", (("500 mg",),), False),
        ("Tuesday", (("Monday", "Tuesday"),), True),
        ("plumber", (("plumber",), ("toner",)), False),
    ],
)
def test_mentions(text: str, groups: tuple[tuple[str, ...], ...], expected: bool) -> None:
    assert mentions(text, groups) is expected


def test_answer_needs_the_words_and_no_heap_of_words() -> None:
    question = Question("Which gate?", "what", (("B12",),), 3.0, 6.0, ((3.0, 6.0),))
    assert answered(question, reply("Gate B12."), START)
    assert not answered(question, reply("Gate B12.", abstained=True), START)
    assert not answered(question, reply("word " * 61 + "B12"), START)


def test_a_quotation_is_no_answer_of_ones_own() -> None:
    question = Question("Which gate?", "what", (("B12",),), 3.0, 6.0, ((3.0, 6.0),))
    assert answered_directly(question, reply('Gate B12: I read "GATE B12 / Oslo".'), START)
    quoted = reply('I read "GATE B12 / Oslo" at 9:31.')
    assert answered(question, quoted, START) and not answered_directly(question, quoted, START)


def test_a_wrong_claim_is_not_saved_by_its_quotation() -> None:
    question = Question("What is the dose of the Omeprazole?", "what", (("5 mg",),), 3.0, 6.0, ((3.0, 6.0),))
    assert answered(question, reply('I read "OMEPRAZOLE / 5 mg / 60 tablets" at 9:31.'), START)
    assert answered(question, reply('The Omeprazole: I read "OMEPRAZOLE / 5 mg / 60 tablets".'), START)
    assert not answered(question, reply('60 tablets: I read "OMEPRAZOLE / 5 mg / 60 tablets".'), START)
    heard = Question("When is the barbecue?", "when", (("Saturday",),), 3.0, 6.0, ((3.0, 6.0),))
    assert answered(heard, reply('Ines said "The barbecue is on Saturday, bring a salad." at 15:44.'), START)
    assert not answered(heard, reply('On Friday: Ines said "The barbecue is on Saturday."'), START)


def test_time_seen_may_be_local() -> None:
    question = Question("When did I see it?", "time seen", (("9:31", "09:31"),), 70.0, 73.0, ((70.0, 73.0),))
    local = (START + timedelta(minutes=1)).astimezone()
    assert answered(question, reply(f"At {local:%H:%M}."), START)
    assert answered(question, reply("At 9:31."), START)
    assert not answered(question, reply("At 9:33."), START) or f"{local:%M}" == "33"


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(2.0, 3.5, True), (5.9, 9.0, True), (7.0, 9.0, False), (12.0, 13.0, True)]
)
def test_evidence_must_overlap(start: float, end: float, expected: bool) -> None:
    question = Question("?", "what", (("x",),), 3.0, 6.0, ((3.0, 6.0), (12.5, 13.0)))
    assert has_evidence(question, reply("x", evidence(start, end)), "day.mp4") is expected
    assert not has_evidence(question, reply("x", evidence(start, end)), "other.mp4")


def test_told_evidence_must_be_the_fact() -> None:
    question = Question("?", "what", (("attic",),), provenance="told")
    fact = evidence(None, None, Provenance.TOLD, "My tent is in the attic.")
    other = evidence(None, None, Provenance.TOLD, "My shoe size is 42.")
    assert has_evidence(question, reply("attic", other, fact), "day.mp4")
    assert not has_evidence(question, reply("attic", other), "day.mp4")
    assert not has_evidence(question, reply("attic", evidence(1.0, 2.0)), "day.mp4")


def test_words_in_time_early_late_twice_and_unasked() -> None:
    due = [Due((("peanut",),), 9.0, 10.0, 13.0, "peanuts"), Due((("platform",), ("4",)), 20.0, 20.0, 23.0, "train")]
    said = [
        word("Careful: peanuts!", 9.5),
        word("Careful: peanuts again!", 40.0),
        word("Your train leaves from platform 4", 24.0),
        word("Nice weather", 1.0),
    ]
    items = score_words(due, said)
    assert [(i.part, i.ok) for i in items].count(("due", True)) == 1
    assert [(i.part, i.ok) for i in items].count(("due", False)) == 1
    notes = sorted(i.note for i in items if i.part == "false alarm")
    assert notes == ["at 1.0 s, not due", "at 24.0 s, +4.0 s from its cue", "at 40.0 s, said before"]


def test_silence_scores_no_word_and_no_alarm() -> None:
    items = score_words([Due((("peanut",),), 9.0, 10.0, 13.0, "peanuts")], [])
    assert [(i.part, i.ok) for i in items] == [("due", False)]


def test_wilson_matches_a_published_value() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0) == (0.0, 1.0)


def score(**changes: float) -> SampleScore:
    values: Mapping[str, float] = {
        "questions": 10, "answered": 9, "evidence_ok": 8, "direct": 7, "unanswerable": 4, "refused": 4, "due": 2, "said_in_time": 1,
        "false_alarms": 1, "video_s": 100.0, "watch_s": 20.0, "last_four": 1, **changes,
    }  # fmt: skip
    return SampleScore(**values)  # type: ignore[arg-type]


def test_report_counts_and_hours() -> None:
    both = report(add_up([score(), score(false_alarms=0)]))
    assert {key: both[key] for key in eval_sample.COUNTS} == {
        "questions": 20, "answered": 18, "evidence_ok": 16, "unanswerable": 8, "refused": 8, "due": 4,
        "said_in_time": 2, "false_alarms": 1,
    }  # fmt: skip
    assert both["false_alarms_per_hour"] == 18.0


def test_run_prints_one_object_per_day_and_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eval_sample, "evaluate_sample", lambda day, work: score())
    lines = [json.loads(line) for line in run(seeds=(1, 2), as_json=True)]
    assert [line["day"] for line in lines] == [1, 2, "all"]
    assert lines[-1]["questions"] == 20
    assert "answered with evidence 8/10" in next(iter(run(seed=1)))


def test_folder_without_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no sample day"):
        evaluate_sample(tmp_path, work=tmp_path)
