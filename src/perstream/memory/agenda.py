"""Reminders with a time, beside the told facts they come from; a forgotten fact takes its reminder along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perstream.memory.columns import to_datetime, to_micros
from perstream.memory.engine import Connection
from perstream.memory.feedback import Tables
from perstream.reminders import Reminder

_EXAMINED = "examined"
"""Mark: told facts up to this id have been looked at."""
PIECE = 1000


@dataclass(frozen=True, slots=True)
class Pending:
    """A reminder that waits for its time."""

    memory_id: int
    reminder: Reminder
    told_at: datetime
    """On the clock it was told on: a recording's, or the wall's."""
    since: datetime
    """When it was taken down, on the wall clock."""


class Agenda:
    """All methods may be called from any thread. Raises StoreError."""

    def __init__(self, store: Tables) -> None:
        self._store = store

    def unexamined(self) -> list[tuple[int, str, datetime]]:
        """(id, text, when it was told) of facts told since the last look, a bounded piece of them, oldest first."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT value FROM speech WHERE name = ?", (_EXAMINED,)).fetchone()
            rows = connection.execute(
                "SELECT id, text, observed_at FROM memories WHERE id > ? AND provenance = 'told' ORDER BY id LIMIT ?",
                (row[0] if row else 0, PIECE),
            )
            return [(number, text, to_datetime(at)) for number, text, at in rows]

    def examined(self, upto: int, found: list[Pending]) -> None:
        """These reminders were found in the facts up to an id."""
        with self._store.writing() as connection:
            for one in found:
                _put(connection, one)
            connection.execute("INSERT OR REPLACE INTO speech VALUES (?, ?)", (_EXAMINED, upto))

    def replace(self, memory_id: int, reminder: Pending | None) -> None:
        """The fact was corrected: another reminder, or none, in the place of its own."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM reminders WHERE memory_id = ?", (memory_id,))
            if reminder is not None:
                _put(connection, reminder)

    def waiting(self, until: datetime | None = None) -> list[Pending]:
        """Those due by ``until`` (all without it), the soonest first."""
        where, values = ("due <= ?", (to_micros(until),)) if until is not None else ("due IS NOT NULL", ())
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT memory_id, action, due, weekdays, step_s, told_at, since FROM reminders "
                f"WHERE {where} ORDER BY due LIMIT {PIECE}",
                values,
            ).fetchall()
        return [
            Pending(memory, Reminder(action, to_datetime(due), days, step), to_datetime(told), to_datetime(since))
            for memory, action, due, days, step, told, since in rows
        ]

    def move(self, memory_id: int, due: datetime | None) -> None:
        """It comes (again) at ``due``; None when it does not."""
        with self._store.writing() as connection:
            value = None if due is None else to_micros(due)
            connection.execute("UPDATE reminders SET due = ? WHERE memory_id = ?", (value, memory_id))


def _put(connection: Connection, one: Pending) -> None:
    when, times = one.reminder, map(to_micros, (one.told_at, one.since))
    connection.execute(
        "INSERT OR REPLACE INTO reminders SELECT id, ?, ?, ?, ?, ?, ? FROM memories WHERE id = ?",
        (when.action, to_micros(when.due), when.weekdays, when.step_s, *times, one.memory_id),
    )


__all__ = ["Agenda", "Pending"]
