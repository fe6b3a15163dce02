"""Which memory came of which thing in an imported file, so that importing it again finds it.

Kept as marks: a digest of source and key, with the memory's number and a digest of the words it was given. They go with
the memory. The owner's own correction of a memory does not change what the file said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from perstream.memory.columns import chunks, marks, to_micros_or_none
from perstream.memory.engine import Connection
from perstream.memory.feedback import Tables

_NAME = "import:"


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier import brought."""

    memory_id: int
    same: bool
    """It said the same then."""


class Register:
    """All methods may be called from any thread. Raises StoreError."""

    def __init__(self, store: Tables) -> None:
        self._store = store

    def known(self, source: str, things: Sequence[tuple[str, str]]) -> list[Known | None]:
        """For each (key, words) the memory that came of this key, or that says these words and is of this source."""
        names = [_name(source, key) for key, _ in things]
        found: dict[str, tuple[int, str]] = {}
        with self._store.reading() as connection:
            for piece in chunks(names):
                rows = connection.execute(f"SELECT name, value FROM marks WHERE name IN ({marks(piece)})", piece)
                for name, value in rows:
                    number, _, words = value.partition(":")
                    found[name] = (int(number), words)
            missing = [text for name, (_, text) in zip(names, things, strict=True) if name not in found]
            said = _saying(connection, source, missing)
        result: list[Known | None] = []
        for name, (_, text) in zip(names, things, strict=True):
            if name in found:
                result.append(Known(found[name][0], found[name][1] == _digest(text)))
            else:
                result.append(Known(said[text], True) if text in said else None)
        return result

    def note(self, source: str, things: Iterable[tuple[str, str, int]]) -> None:
        """Of each (key, words) this memory came."""
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO marks SELECT ?, ? WHERE EXISTS (SELECT 1 FROM memories WHERE id = ?)",
                [(_name(source, key), f"{memory}:{_digest(text)}", memory) for key, text, memory in things],
            )

    def hold(self, memory_id: int, since: datetime | None, until: datetime | None) -> None:
        """It was changed: it now holds from ``since`` to ``until``."""
        with self._store.writing() as connection:
            connection.execute(
                "UPDATE memories SET valid_from = ?, valid_to = ? WHERE id = ? AND superseded_by IS NULL",
                (to_micros_or_none(since), to_micros_or_none(until), memory_id),
            )


def forget_imports(connection: Connection, ids: Sequence[int]) -> None:
    """The memories are gone, inside the caller's transaction: nothing says any more what they came of."""
    connection.execute(
        f"DELETE FROM marks WHERE name GLOB '{_NAME}*' AND CAST(value AS INTEGER) IN ({marks(ids)})", list(ids)
    )


def _saying(connection: Connection, source: str, texts: Sequence[str]) -> dict[str, int]:
    """Memories of the source by their words."""
    said: dict[str, int] = {}
    for piece in chunks(list(dict.fromkeys(texts))):
        rows = connection.execute(
            f"SELECT text, id FROM memories WHERE source = ? AND provenance = 'told' AND text IN ({marks(piece)})",
            (source, *piece),
        )
        said.update(rows.fetchall())
    return said


def _name(source: str, key: str) -> str:
    return _NAME + _digest(f"{source}\x1f{key}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
