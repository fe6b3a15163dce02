"""Facts with time: which statement holds when two contradict each other.

A functional triplet says what a subject has one of at a time ("my dentist appointment is …"). Its
key is subject and predicate, over all categories. A later statement with another object ends the
earlier one; both stay readable with the span in which they held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from perstream.memory.columns import marks, normalize, to_datetime, to_datetime_or_none, to_micros
from perstream.memory.engine import Connection
from perstream.types import MemoryRecord, Provenance, Triplet


@dataclass(frozen=True, slots=True)
class Fact:
    """A functional statement and the span in which it held."""

    memory_id: int
    triplet: Triplet
    valid_from: datetime
    valid_to: datetime | None
    """None while it holds."""


def fact_key(triplet: Triplet) -> str | None:
    """What can have only one object at a time; None for other triplets."""
    return f"{normalize(triplet.subject)}\x1f{normalize(triplet.predicate)}" if triplet.functional else None


@dataclass(frozen=True, slots=True)
class _Statement:
    memory: int
    position: int
    begins: int
    value: str
    told: bool
    ended_by: int | None


_STATEMENTS = (
    "SELECT e.memory_id, e.position, e.valid_from, coalesce(e.object_text, o.label), m.provenance, e.superseded_by "
    "FROM edges e JOIN entities o ON o.id = e.object JOIN memories m ON m.id = e.memory_id WHERE e.fact = ?1 AND "
)


def settle(connection: Connection, keys: Iterable[str], since: int | None = None) -> set[int]:
    """Set the spans of the statements with these keys anew; returns the memories that changed.

    With ``since`` (microseconds) only what was said or held after it is looked at: all that a statement
    made then can change. What the owner told is ended only by what the owner told: a sign read in the
    street does not overrule the owner.
    """
    touched: set[int] = set()
    for key in sorted(set(keys)):
        statements = _statements(connection, key, since)
        for statement, after in zip(statements, _successors(statements), strict=True):
            if (after.memory if after else None) == statement.ended_by:
                continue
            connection.execute(
                "UPDATE edges SET superseded_by = ?, valid_to = coalesce(?, (SELECT valid_to FROM memories "
                "WHERE id = memory_id AND superseded_by IS NULL)) WHERE memory_id = ? AND position = ?",
                (*((after.memory, after.begins) if after else (None, None)), statement.memory, statement.position),
            )
            touched.add(statement.memory)
    for memory in touched:
        _settle_memory(connection, memory)
    return touched


def _statements(connection: Connection, key: str, since: int | None) -> list[_Statement]:
    if since is None:
        rows = connection.execute(_STATEMENTS + "1", (key,)).fetchall()
    else:
        sql = f"{_STATEMENTS} e.superseded_by IS NULL UNION {_STATEMENTS} e.valid_to > ?2"
        rows = connection.execute(sql, (key, since)).fetchall()
    return sorted(
        (
            _Statement(memory, position, begins, normalize(value), provenance == Provenance.TOLD.value, by)
            for memory, position, begins, value, provenance, by in rows
        ),
        key=lambda s: (s.begins, s.memory, s.position),
    )


def _successors(statements: Sequence[_Statement]) -> list[_Statement | None]:
    """For each statement, oldest first, the first later one of another memory that contradicts it."""
    told = [statement for statement in statements if statement.told]
    lines = {False: (statements, _changes(statements)), True: (told, _changes(told))}
    told_so_far = 0
    found: list[_Statement | None] = []
    for number, statement in enumerate(statements):
        told_so_far += statement.told
        line, changes = lines[statement.told]
        ahead = told_so_far if statement.told else number + 1
        while ahead < len(line) and line[ahead].memory == statement.memory:
            ahead += 1
        if ahead < len(line) and line[ahead].value == statement.value:
            ahead = changes[ahead]
        found.append(line[ahead] if ahead < len(line) else None)
    return found


def _changes(line: Sequence[_Statement]) -> list[int]:
    """For each place in a line of statements the next one with another value, or the line's end."""
    changes = [len(line)] * len(line)
    for place in range(len(line) - 2, -1, -1):
        changes[place] = changes[place + 1] if line[place + 1].value == line[place].value else place + 1
    return changes


def _settle_memory(connection: Connection, memory: int) -> None:
    """A memory is superseded when every functional statement in it is; the last successor took its place."""
    spans = connection.execute(
        "SELECT superseded_by, valid_to FROM edges WHERE memory_id = ? AND fact IS NOT NULL", (memory,)
    ).fetchall()
    if spans and all(by is not None for by, _ in spans):
        by, ends = max(spans, key=lambda span: (span[1], span[0]))
        connection.execute("UPDATE memories SET superseded_by = ?, valid_to = ? WHERE id = ?", (by, ends, memory))
    else:
        connection.execute(
            "UPDATE memories SET superseded_by = NULL, valid_to = NULL WHERE id = ? AND superseded_by IS NOT NULL",
            (memory,),
        )


def facts_about(connection: Connection, subject: str, at: datetime | None) -> list[Fact]:
    """Functional statements about a subject, oldest first; with ``at`` only those that held then."""
    start = normalize(subject) + "\x1f"
    sql = (
        "SELECT e.memory_id, coalesce(e.subject_text, s.label), e.predicate, coalesce(e.object_text, o.label), "
        "e.score, e.valid_from, e.valid_to FROM edges e JOIN entities s ON s.id = e.subject "
        "JOIN entities o ON o.id = e.object WHERE e.fact >= ? AND e.fact < ?"
    )
    values: list[object] = [start, start[:-1] + "\x20"]
    if at is not None:
        sql += " AND e.valid_from <= ? AND (e.valid_to IS NULL OR e.valid_to > ?)"
        values += [to_micros(at)] * 2
    return [
        Fact(memory, Triplet(subj, predicate, obj, score, True), to_datetime(begins), to_datetime_or_none(ends))
        for memory, subj, predicate, obj, score, begins, ends in connection.execute(
            sql + " ORDER BY e.valid_from", values
        )
    ]


def held_at(memory: MemoryRecord, at: datetime) -> bool:
    """Did what a memory says hold then? What was said without a span holds from when it was said."""
    return (memory.valid_from or memory.observed_at) <= at and (memory.valid_to is None or memory.valid_to > at)


def keys_of(connection: Connection, ids: Sequence[int]) -> set[str]:
    """Fact keys that memories state."""
    rows = connection.execute(
        f"SELECT DISTINCT fact FROM edges WHERE fact IS NOT NULL AND memory_id IN ({marks(ids)})", ids
    )
    return {key for (key,) in rows}
