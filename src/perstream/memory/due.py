"""The second half of forgetting, noted in the transaction of the first so that a crash cannot lose it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from perstream.memory.columns import to_datetime_or_none, to_micros_or_none
from perstream.memory.engine import Connection
from perstream.types import Selector

NAME = "forget"


@dataclass(frozen=True, slots=True)
class Due:
    """What was deleted from the store and must still leave its backups and its files."""

    times: Mapping[int, int]
    """Id of each memory to when it was observed (microseconds)."""
    spans: tuple[Selector, ...]
    """Sources and times whose gaps go too; the words that were looked for are not noted."""

    def note(self, connection: Connection) -> None:
        """Write the note, inside the caller's transaction. One that is there already is added to."""
        before = Due.noted(connection)
        times = {**(before.times if before else {}), **self.times}
        spans = {*(before.spans if before else ()), *self.spans}
        value = {
            "times": list(times.items()),
            "spans": [[s.source, to_micros_or_none(s.since), to_micros_or_none(s.until)] for s in spans],
        }
        connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (NAME, json.dumps(value)))

    @staticmethod
    def noted(connection: Connection) -> Due | None:
        """The note, or None when nothing is due."""
        row = connection.execute("SELECT value FROM marks WHERE name = ?", (NAME,)).fetchone()
        if row is None:
            return None
        value = json.loads(row[0])
        spans = tuple(
            Selector(source=source, since=to_datetime_or_none(since), until=to_datetime_or_none(until))
            for source, since, until in value["spans"]
        )
        return Due(dict(value["times"]), spans)


def done(connection: Connection) -> None:
    """Strike the note out."""
    connection.execute("DELETE FROM marks WHERE name = ?", (NAME,))
