"""The account of what was left out before anything was stored: what kind, how many, when and from where.

It says nothing of the content, not even a digest: four digits are guessed from one at once. Forgetting leaves it as it
is, since there is nothing in it to forget but the name of a source; that goes with the source's last memory (a trigger).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perstream.memory.columns import to_datetime, to_micros
from perstream.memory.store import Store
from perstream.types import Omission, Withheld

KEPT = 10_000
"""Entries kept; older ones go."""


class Redactions:
    """All methods may be called from any thread. Raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, withheld: Sequence[Withheld], at: datetime, source: str | None) -> None:
        """Take down what was left out of one thing that came in."""
        if not withheld:
            return
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT INTO redactions (at, kind, count, origin, source) VALUES (?,?,?,?,?)",
                [(to_micros(at), one.kind, one.count, one.origin, source) for one in withheld],
            )
            connection.execute("DELETE FROM redactions WHERE id <= (SELECT max(id) FROM redactions) - ?", (KEPT,))

    def recent(self, limit: int = 100) -> list[Omission]:
        """The latest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT at, kind, count, origin, source FROM redactions ORDER BY id DESC LIMIT ?", (limit,)
            )
            return [Omission(to_datetime(at), kind, count, origin, source) for at, kind, count, origin, source in rows]

    def counts(self) -> dict[str, int]:
        """How many of each kind, in all entries that are kept."""
        with self._store.reading() as connection:
            rows = connection.execute("SELECT kind, sum(count) FROM redactions GROUP BY kind ORDER BY kind")
            return {kind: int(count) for kind, count in rows}
