"""Reader of LongMemEval (Wu et al., ICLR 2025): longmemeval_s.json, _m.json and _oracle.json."""

from __future__ import annotations

from typing import Any

from perstream.errors import ConfigError
from perstream.lab.kit.cases import Case, Suite, Told
from perstream.lab.kit.readers.fields import Row, has, rows
from perstream.memory.phrasing import last_question

ABSTAINS = "_abs"
"""Ending of a ``question_id`` that is to be refused."""
ASSISTANT = "assistant"


def is_longmemeval(data: Any) -> bool:
    """Does this JSON value look like it?"""
    return has(data, "question_id", "haystack_sessions", "haystack_dates")


def suite_of_longmemeval(data: Any) -> Suite:
    """A pool of turns per question: what the owner said, and what the assistant answered. ConfigError names the row."""
    cases: list[Case] = []
    pools: dict[str, tuple[Told, ...]] = {}
    for row in rows(data, "LongMemEval"):
        name = row.text("question_id")
        told, golds = _turns(row)
        if name in pools:
            raise ConfigError(f"{row.where}: question_id {name[:60]!r} occurs twice")
        pools[name] = told
        refused = name.endswith(ABSTAINS)
        cases.append(
            Case(
                id=name,
                pool=name,
                passive=True,
                question=row.text("question"),
                gold=None if refused else row.text("answer"),
                now=row.date(row.text("question_date"), "question_date"),
                category="abstention" if refused else row.text("question_type"),
                golds=frozenset() if refused else golds,
            )
        )
    return Suite("longmemeval", tuple(cases), pools)


def _turns(row: Row) -> tuple[tuple[Told, ...], frozenset[str]]:
    """Turns in the order of time, and those that hold the answer."""
    sessions, dates = row.list("haystack_sessions"), row.list("haystack_dates")
    if len(sessions) != len(dates):
        raise ConfigError(f"{row.where}: {len(sessions)} haystack_sessions and {len(dates)} haystack_dates")
    names = row.values.get("haystack_session_ids") or list(range(len(sessions)))
    told: list[Told] = []
    golds: set[str] = set()
    for number, (turns, date) in enumerate(zip(sessions, dates, strict=True)):
        at = row.date(date, "haystack_dates")
        source = str(names[number]) if number < len(names) else str(number)
        if not isinstance(turns, list):
            raise ConfigError(f"{row.where}: haystack_sessions[{number}] is no list of turns")
        asked = ""
        for values in turns:
            turn = Row(values, f"{row.where}, session {number}, turn", len(told))
            text = " ".join(turn.text("content", "").split())
            if not text:
                continue
            speaker = ASSISTANT if turn.text("role") == ASSISTANT else None
            told.append(Told(text, at, speaker, source, asked if speaker else ""))
            asked = last_question(text)
            if turn.values.get("has_answer") is True:
                golds.add(text)
    return tuple(sorted(told, key=lambda one: one.at)), frozenset(golds)
