"""Putting a backup in the store's place and reading it back there; and the way back to an older PerStream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perstream.errors import NotFound, StoreError
from perstream.memory import backup
from perstream.memory.backups import SAMPLE, reading, row_of
from perstream.memory.engine import PLAIN, Connection, Keys, is_plain
from perstream.memory.migrations import version_of
from perstream.memory.store import BACKUPS, DATABASE

TABLES = ("memories", "vectors", "visuals", "thumbnails", "entities", "edges", "gaps")
"""Whose rows are counted; an older version may not have all."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in the store's place now."""

    memories: int
    version: int
    """Of the schema."""
    kept: Path | None
    """Where the store that was there is; None when there was none."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The copy of a store from before a migration."""

    copy: Path
    version: int
    """Its schema."""
    now: int
    """The store's."""
    newer: int
    """Memories of the store that the copy does not have."""


def restore(source: Path, folder: Path, keys: Keys = PLAIN) -> Restored:
    """Put a backup in the place of the store in ``folder``, and read it back. Nobody may have the store open to write.

    Raises StoreBusy, StoreError; the store is as it was when it does.
    """
    kept = backup.restore(source, folder, keys)
    try:
        return _read_back(source, folder, keys, kept)
    except BaseException as error:
        if kept is not None:
            backup.restore(kept, folder, keys)
        else:
            (folder / DATABASE).unlink(missing_ok=True)
        if isinstance(error, StoreError):
            raise StoreError(f"what was restored does not read back, the store is as it was: {error}") from error
        raise


def earlier(folder: Path, keys: Keys = PLAIN) -> Earlier:
    """The latest copy from before a migration that an older PerStream can open. NotFound without one, StoreError."""
    path = folder / DATABASE
    if not path.is_file():
        raise NotFound(f"there is no store in {folder}")
    with reading(path, keys.engine(False)) as store:
        now = version_of(store)
        copies = [(int(copy.stem[8:]), copy) for copy in _copies(folder) if copy.stem[8:].isdecimal()]
        for _, copy in sorted(copies, reverse=True):
            with reading(copy, keys.of_backup(copy)) as older:
                version = version_of(older)
                if not 0 < version < now:
                    continue  # forgetting reached into it and brought it up
                held = {memory for (memory,) in older.execute("SELECT id FROM memories")}
            newer = sum(memory not in held for (memory,) in store.execute("SELECT id FROM memories"))
            return Earlier(copy, version, now, newer)
    raise NotFound(f"{folder / BACKUPS} has no copy from before a migration that an older PerStream could open")


def is_readable_by_all(folder: Path) -> bool:
    """Whether the store is one that is not encrypted."""
    return is_plain(folder / DATABASE)


def _copies(folder: Path) -> list[Path]:
    return list((folder / BACKUPS).glob("before-v*.db"))


def _read_back(source: Path, folder: Path, keys: Keys, kept: Path | None) -> Restored:
    path = folder / DATABASE
    with reading(source, keys.of_backup(source)) as wanted, reading(path, keys.engine(False)) as found:
        verdict = found.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok" or version_of(found) != version_of(wanted):
            raise StoreError(f"{path} came out damaged ({verdict}): check the disk")
        for table in TABLES:
            if _count(wanted, table) != _count(found, table):
                raise StoreError(f"{path} came out with other {table} than {source}: check the disk")
        ids = [memory for (memory,) in wanted.execute("SELECT id FROM memories ORDER BY id")]
        for memory in ids[:: max(1, len(ids) // SAMPLE)]:
            if row_of(wanted, memory) != row_of(found, memory):
                raise StoreError(f"{path} came out with another memory {memory} than {source}: check the disk")
        return Restored(len(ids), version_of(found), kept)


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
