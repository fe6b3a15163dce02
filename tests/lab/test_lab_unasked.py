"""Hours of generated days: what is due in them, and how what was said is scored."""

from __future__ import annotations

import pytest

from perstream.config import Config
from perstream.lab import eval_unasked
from perstream.lab.eval_unasked import DayScore, lines_of, report, run, score_day
from perstream.lab.unasked_day import UnaskedDay, unasked_day
from perstream.models.scripted import load
from perstream.protocols import Backend


@pytest.fixture(scope="module")
def day() -> UnaskedDay:
    return unasked_day(3, 8)


def test_a_day_has_hours_of_quiet_and_words_due_in_it(day: UnaskedDay) -> None:
    times = [percept.keyframe.pts_s for percept in day.percepts]
    assert times == sorted(times)
    assert 2 * 3600 < day.seconds < 14 * 3600
    assert len(day.due) >= 3 and day.views > len(day.due)
    assert all(0 <= due.from_s <= due.cue_s <= due.until_s <= day.seconds + 60 for due in day.due)
    shown = " ".join(o.text for p in day.percepts for o in p.observations)
    assert len(shown) > 500
    again = unasked_day(3, 8)
    assert [p.observations for p in again.percepts] == [p.observations for p in day.percepts]


def test_each_reading_that_is_due_is_in_view_when_it_is_due(day: UnaskedDay) -> None:
    for due in day.due:
        if "In view" in due.why:
            near = [p for p in day.percepts if due.from_s - 1 <= p.keyframe.pts_s <= due.until_s]
            assert any(p.observations for p in near), due


def _backend() -> Backend:
    config = Config()
    return load(config.backend, config.moment)


def test_reminders_come_by_the_clock_and_silence_misses_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    score = score_day(3, _backend(), Config())
    timed = [item for item in score.items if item.asked.startswith("Remind me") and " to " in item.asked and item.ok]
    assert score.hits == len(timed) >= 1
    assert score.false_alarms == 0
    assert all(0.0 <= late <= 1.0 for late in score.late_s)


def score(seed: int, due: int, hits: int, alarms: int, views: int = 20, hours: float = 2.0) -> DayScore:
    return DayScore(seed, hours, due, hits, alarms, views, (0.5,) * hits, {"cooldown": 1})


def test_the_sum_of_days() -> None:
    found = report([score(1, 4, 3, 1), score(2, 4, 4, 0)])
    assert (found["precision"], found["recall"], found["f1"]) == (0.875, 0.875, 0.875)
    assert found["false_alarms_per_hour"] == 0.25
    assert found["f1_ci95"][0] <= 0.875 <= found["f1_ci95"][1]
    assert found["beside"]["always-speak"]["precision"] == 0.2
    assert found["beside"]["always-silent"]["f1"] == 0.0
    assert found["silences"] == {"cooldown": 2}


def test_nothing_said_has_no_precision() -> None:
    found = report([score(1, 4, 0, 0)])
    assert (found["precision"], found["recall"], found["f1"]) == (None, 0.0, 0.0)


def test_lines_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eval_unasked, "score_day", lambda seed, backend, config: score(seed, 4, 3, 1))
    lines = [line for found in run([1, 2], _backend(), Config(), details=True) for line in lines_of(found)]
    assert lines[0].startswith("day 1: 2.0 h, 3/4 said in time, 1 false alarms")
    assert any("F1" in line and "0.75" in line for line in lines)
