"""What a store holds beside its memories, as JSON Lines: words said unasked with votes, topics with snoozes, reminders,
the account of what was left out, and which memory came of which imported thing.

A row says its table in ``row``; times are ISO times. The columns are those of :mod:`perstream.memory.migrations`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from perstream.memory.columns import to_datetime
from perstream.memory.engine import Connection, integrity_errors
from perstream.memory.fields import Fields

MAX_LINE = 1024 * 1024
"""Bytes."""
_TEXT, _NOTE, _WHOLE, _NUMBER, _TIME = "text", "note", "whole", "number", "time"
"""Kinds of columns; ``note`` is a text in free words."""
_MAYBE = "?"

TABLES: Mapping[str, Mapping[str, str]] = {
    "words": {
        **{"id": _WHOLE, "at": _TIME, "topic": _TEXT, "text": _NOTE, "why": _NOTE, "priority": _WHOLE},
        **{"confidence": _NUMBER, "reason": _TEXT + _MAYBE, "detail": _NOTE, "source": _TEXT + _MAYBE},
        **{"pts_s": _NUMBER + _MAYBE, "times": _WHOLE, "feedback": _TEXT + _MAYBE},
    },
    "words_about": {"word_id": _WHOLE, "memory_id": _WHOLE},
    "topics": {
        **{"topic": _TEXT, "memory_id": _WHOLE + _MAYBE, "said_at": _TIME + _MAYBE, "snoozed_until": _TIME + _MAYBE},
        **{"rests_until": _TIME + _MAYBE, "useful": _WHOLE, "dismissed": _WHOLE},
    },
    "reminders": {
        **{"memory_id": _WHOLE, "action": _NOTE, "due": _TIME + _MAYBE, "weekdays": _WHOLE, "step_s": _WHOLE},
        **{"told_at": _TIME, "since": _TIME},
    },
    "speech": {"name": _TEXT, "value": _WHOLE},
    "redactions": {
        **{"id": _WHOLE, "at": _TIME, "kind": _TEXT, "count": _WHOLE, "origin": _TEXT, "source": _TEXT + _MAYBE}
    },
    "marks": {"name": _TEXT, "value": _TEXT},
}
"""Table to its columns and their kinds, in the order in which they can be written back."""
_ONLY = {"marks": "WHERE name GLOB 'import:*'"}
"""Other marks are about the file they stand in."""
_OWN = ("topics", "speech")
"""A store without memories may hold some."""
_FOLLOWS = ("reminders", "marks")
"""What is taken into a store that holds something already: the rest is about what that one said and was told."""


def write(connection: Connection, out: IO[bytes]) -> int:
    """Write all rows; how many."""
    count = 0
    for table, columns in TABLES.items():
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} {_ONLY.get(table, '')} ORDER BY 1, 2")
        for row in rows:
            values = {name: _shown(kind, value) for (name, kind), value in zip(columns.items(), row, strict=True)}
            out.write(json.dumps({"row": table, **values}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
    return count


def read(file: IO[bytes]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(number of the line, table, values). Raises ValueError."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise ValueError(f"line {number} is longer than {MAX_LINE // 2**20} MB")
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} is no JSON") from error
        table = values.pop("row", None) if isinstance(values, dict) else None
        if not isinstance(table, str) or table not in TABLES:
            raise ValueError(f"line {number} is of no table that an export has")
        yield number, table, values


def take(
    connection: Connection,
    table: str,
    values: dict[str, Any],
    number_of: Callable[[int], int | None] | None,
    cleared: Callable[[str], str],
) -> bool:
    """Write one row back; whether it was taken. Raises ValueError for one that cannot be used.

    ``number_of`` finds the new number of a memory; None for a store that was empty, where numbers are the file's.
    """
    columns = TABLES[table]
    fields = Fields(values, columns)
    row = {name: _read(fields, name, kind, cleared) for name, kind in columns.items()}
    if number_of is not None and not _renumbered(table, row, number_of):
        return False
    if table == "marks" and not str(row["name"]).startswith("import:"):
        raise ValueError("it is a mark of no import")
    places = ", ".join(f":{name}" for name in columns)
    how = "INSERT OR IGNORE" if number_of is not None else "INSERT OR REPLACE" if table in _OWN else "INSERT"
    try:
        connection.execute(f"{how} INTO {table} ({', '.join(columns)}) VALUES ({places})", row)
    except integrity_errors() as error:
        raise ValueError("it occurs twice, or is about what is not there") from error
    return True


def _renumbered(table: str, row: dict[str, Any], number_of: Callable[[int], int | None]) -> bool:
    if table not in _FOLLOWS:
        return False
    old, _, rest = str(row["memory_id"] if table == "reminders" else row["value"]).partition(":")
    new = number_of(int(old)) if old.isdecimal() and len(old) < 16 else None
    if new is None:
        return False
    row.update({"memory_id": new} if table == "reminders" else {"value": f"{new}:{rest}"})
    return True


def _shown(kind: str, value: Any) -> Any:
    return to_datetime(value).isoformat() if value is not None and kind.startswith(_TIME) else value


def _read(fields: Fields, name: str, kind: str, cleared: Callable[[str], str]) -> Any:
    may_be_none = kind.endswith(_MAYBE)
    kind = kind.removesuffix(_MAYBE)
    if kind == _NOTE:
        return cleared(fields.text(name))
    if kind == _TEXT:
        return fields.text_or_none(name) if may_be_none else fields.text(name)
    if kind == _WHOLE:
        return fields.whole_or_none(name) if may_be_none else fields.whole(name)
    if kind == _NUMBER:
        return fields.number_or_none(name) if may_be_none else fields.number(name)
    return fields.micros_or_none(name) if may_be_none else fields.micros(name)
