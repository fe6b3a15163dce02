"""Memories that have had their time: finding them, and forgetting them without anybody having to wait for it.

Forgetting on request does everything at once: it deletes, clears the backups and rebuilds the file, which takes
seconds where the store is large. Here the same is done in steps that a question interrupts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from perstream.memory import backup, forget
from perstream.memory.columns import to_micros
from perstream.memory.due import Due
from perstream.memory.engine import Connection, operational_errors
from perstream.memory.keeper import Keeper
from perstream.memory.store import Store
from perstream.types import Receipt, Selector

LOOK_EVERY = 100
"""Steps of SQLite's machine between two looks whether somebody waits: some 25 rows, each with its vectors or picture."""


class Ages:
    """``older``, ``clear_backups`` and ``settle_log`` from any thread, the rest from the writer's."""

    def __init__(self, store: Store, keeper: Keeper) -> None:
        self._store = store
        self._keeper = keeper
        self._cleared: Due | None = None
        """What has left the backups."""
        self._rebuilt: Due | None = None
        """What has left the file; its log may still hold it."""

    def older(self, than: datetime, column: str = "", value: str = "", most: int = -1) -> list[int]:
        """Ids of unpinned memories that ended by ``than``, oldest first, at most ``most`` (-1: all).

        ``column`` is ``category``, ``source``, ``provenance`` or empty. Raises StoreError.
        """
        if column not in ("", "category", "source", "provenance"):
            raise ValueError(column)
        which = f"AND {column} = ?" if column else ""
        with self._store.aside() as connection:
            rows = connection.execute(
                f"SELECT id FROM memories WHERE observed_at <= ? AND ended_at <= ? AND pinned = 0 {which} "
                "ORDER BY observed_at, id LIMIT ?",
                (to_micros(than), to_micros(than), *([value] if column else ()), most),
            )
            return [int(row[0]) for row in rows]

    def forget(self, ids: Sequence[int]) -> Receipt:
        """Delete some memories in one transaction; :meth:`finish` is due then. Raises StoreError."""
        return self._keeper.delete(Selector(ids=tuple(ids)))

    def clear_backups(self) -> int:
        """Delete what is due from the program's backups too; how many held any of it. Raises StoreError."""
        with self._store.reading() as connection:
            due = Due.noted(connection)
            paths = backup.own_backups(connection, self._store.folder) if due is not None else []
        if due is None or due == self._cleared:
            return 0
        keys = self._store.keys
        with self._store.explained():
            held = sum(backup.purge(path, due.times, due.spans, keys.of_backup(path)) for path in paths)
        self._cleared = due
        return held

    def rebuild(self, hurried: Callable[[], bool]) -> bool:
        """Rebuild the file without what was deleted, the writer's step; False when ``hurried`` came in between.

        Raises StoreError.
        """
        with self._store.alone() as connection:
            due = Due.noted(connection)
            if due is None or due == self._rebuilt:
                return True
            if due != self._cleared or hurried() or not _rebuild(connection, hurried):
                return False
            self._rebuilt = due
            return True

    def settle_log(self) -> None:
        """Copy the log back into the file, while others read and write: the longest part. Raises StoreError."""
        with self._store.explained():
            connection = self._store.engine.connect(self._store.path)
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()

    def strike(self) -> bool:
        """Nothing is due any more, the writer's last step; False when more was deleted meanwhile. Raises StoreError."""
        with self._store.alone() as connection:
            due = Due.noted(connection)
            if due is not None and due != self._rebuilt:
                return False
            if due is not None:
                forget.strike(connection)
        self._cleared = self._rebuilt = None
        return True


def _rebuild(connection: Connection, hurried: Callable[[], bool]) -> bool:
    """VACUUM, unless somebody comes in between; then the file is as it was."""
    stopped = False

    def look() -> int:
        nonlocal stopped
        stopped = stopped or hurried()
        return int(stopped)

    held = int(connection.execute("PRAGMA wal_autocheckpoint").fetchone()[0])
    connection.set_progress_handler(look, LOOK_EVERY)
    try:
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # settle_log's work
        connection.execute("VACUUM")
    except operational_errors():
        if stopped:
            return False
        raise
    finally:
        connection.set_progress_handler(None, 0)
        connection.execute(f"PRAGMA wal_autocheckpoint = {held}")
    return True
