"""The memories for reading: one Markdown page for each day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from perstream.memory.columns import to_datetime
from perstream.memory.engine import Connection

_LINES = (
    "SELECT m.observed_at AS at, 'memory' AS what, m.id, m.text, m.provenance, m.source, m.pinned, m.valid_to, "
    "t.memory_id IS NOT NULL FROM memories m LEFT JOIN thumbnails t ON t.memory_id = m.id UNION ALL "
    "SELECT started_at, 'gap', id, reason, '', source, 0, ended_at, 0 FROM gaps UNION ALL "
    "SELECT at, 'word', id, text, '', source, 0, NULL, 0 FROM words WHERE reason IS NULL ORDER BY at, what, 3"
)
_MARKS = re.compile(r"([\\`*_\[\]|~])")


def pages(connection: Connection) -> Iterator[tuple[str, str]]:
    """(day as YYYY-MM-DD, its page) in order of time, on this machine's clock."""
    rows = ((_local(row[0]), row) for row in connection.execute(_LINES))
    for day, lines in groupby(rows, key=lambda line: line[0].date()):
        page = [f"# {day:%A}, {day.day} {day:%B} {day.year}", ""]
        page += [_line(at, row) for at, row in lines]
        yield day.isoformat(), "\n".join(page) + "\n"


def _line(at: datetime, row: Any) -> str:
    _, what, number, text, provenance, source, pinned, until, pictured = row
    clock = f"{at:%H:%M}"
    if what == "gap":
        return f"- {clock} to {_local(until):%H:%M} nothing of {plain(source)}: {plain(text)}"
    if what == "word":
        return f"- {clock} *PerStream said:* {plain(text)}"
    where = f", {plain(source)}" if source else ""
    flags = (", pinned" if pinned else "") + (f", until {_local(until):%Y-%m-%d %H:%M}" if until is not None else "")
    line = f"- {clock} {plain(text)} ({provenance}{where}, memory {number}{flags})"
    return f"{line}\n\n  ![memory {number}](../thumbnails/{number}.jpg)\n" if pictured else line


def plain(text: str) -> str:
    """The words themselves, whatever Markdown or HTML would make of them, on one line."""
    words = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKS.sub(r"\\\1", words)


def _local(micros: int) -> datetime:
    moment = to_datetime(micros)
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):  # the first and last day of the calendar
        return moment
