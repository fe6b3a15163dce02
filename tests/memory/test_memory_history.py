"""What was, and is no more: recall as of a time, with history, and the questions that ask for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from memory_world import T0, ask, at, fact, has, opened, seen, told

from perstream.memory import history
from perstream.memory.memory import Memory
from perstream.types import Query

FIRST, SECOND, THIRD = "my appointment is on Monday", "my appointment is on Friday", "my appointment is on Sunday"


def filled(folder: Path) -> Memory:
    memory = opened(folder)
    memory.remember(told(FIRST, 1, fact("appointment is", "Monday")))
    memory.remember(told(SECOND, 5, fact("appointment is", "Friday")))
    memory.remember(seen("a sign at the station", 6, has("a sign")))
    memory.remember(told(THIRD, 9, fact("appointment is", "Sunday")))
    return memory


def found(memory: Memory, **how: object) -> list[str]:
    query = ask("my appointment is on which day", k=10)
    fields = {"text": query.text, "vectors": query.vectors, "now": query.now, "k": query.k, **how}
    return sorted(hit.memory.text for hit in memory.recall(Query(**fields)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hours", "held"),
    [(0.9, None), (1, FIRST), (4.99, FIRST), (5, SECOND), (8.99, SECOND), (9, THIRD), (500, THIRD)],
)
def test_as_of_a_time_one_statement_holds(tmp_path: Path, hours: float, held: str | None) -> None:
    with filled(tmp_path) as memory:
        texts = found(memory, as_of=at(hours))
        assert [text for text in texts if "appointment" in text] == ([held] if held else [])
        assert ("a sign at the station" in texts) == (hours >= 6)


def test_history_finds_what_was_replaced_and_says_until_when(tmp_path: Path) -> None:
    with filled(tmp_path) as memory:
        assert found(memory) == sorted([THIRD, "a sign at the station"])
        assert found(memory, include_superseded=True) == sorted([FIRST, SECOND, THIRD, "a sign at the station"])
        first = memory.get(1)
        assert (first.valid_to, first.superseded_by) == (at(5), 2)


def test_as_of_keeps_the_other_filters(tmp_path: Path) -> None:
    with filled(tmp_path) as memory:
        assert found(memory, as_of=at(7), since=at(2)) == sorted([SECOND, "a sign at the station"])
        assert found(memory, as_of=at(7), until=at(5.5)) == [SECOND]


def test_enough_are_found_behind_many_that_no_longer_held(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        for n in range(40):
            memory.remember(told(f"my appointment is at {n} sharp", n, fact("appointment is", str(n))))
        memory.remember(told("my appointment book is blue", 0.5))
        hits = memory.recall(
            Query("my appointment is at", ask("my appointment is at").vectors, at(99), 2, as_of=at(39))
        )
        assert {hit.memory.id for hit in hits} == {40, 41}


@pytest.mark.parametrize(
    "question",
    [
        "What was my dentist appointment before?",
        "Where did I live before that?",
        "Where did I use to live?",
        "What was my previous seat?",
        "What was Anna's old number?",
        "When was the meeting originally?",
        "What was the gate before it was changed?",
    ],
)
def test_questions_that_ask_for_what_was_before(question: str) -> None:
    assert history.asks_before(question)


@pytest.mark.parametrize(
    "question",
    [
        "When is my dentist appointment?",
        "What did I do before lunch?",
        "How old is Anna?",
        "Which bread is best before Friday?",
        "Where do I live?",
    ],
)
def test_questions_that_do_not(question: str) -> None:
    assert not history.asks_before(question)


def test_a_time_that_is_over_looks_back_too() -> None:
    now = T0 + timedelta(days=30)
    assert history.looks_back("What did I say yesterday about my seat?", now)
    assert history.looks_back("What was my previous seat?", now)
    assert not history.looks_back("What do I have tomorrow?", now)
    assert not history.looks_back("Where is my seat?", now)


def test_what_stands_now_gives_way_to_what_it_replaced(tmp_path: Path) -> None:
    with filled(tmp_path) as memory:
        query = ask("my appointment is on", k=10)
        hits = memory.recall(Query(query.text, query.vectors, query.now, 10, include_superseded=True))
        assert {hit.memory.text for hit in history.replaced(hits)} == {FIRST, SECOND, "a sign at the station"}
        current = memory.recall(query)
        assert history.replaced(current) == current
