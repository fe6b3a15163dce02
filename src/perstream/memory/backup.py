"""Backups of a store: made while it is in use, checked, brought back, and kept free of what was forgotten."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from perstream.errors import StoreError
from perstream.memory.columns import chunks, marks
from perstream.memory.engine import PLAIN, Connection, Engine, Keys, errors, is_encrypted, is_written
from perstream.memory.forget import delete, delete_gaps
from perstream.memory.lock import WriterLock
from perstream.memory.migrations import APPLICATION_ID, MIGRATIONS, migrate, version_of
from perstream.memory.recode import recode
from perstream.memory.store import BACKUPS, DATABASE, Store, copy_database, explain
from perstream.types import Selector

ELSEWHERE = "elsewhere.jsonl"
"""In the folder of backups: where those are that were made somewhere else, one path a line, or that one is gone."""


def of(store: Store, target: Path | None) -> Path:
    """Copy an open store; see :func:`make`. Raises StoreError, also when the store is one that shall leave nothing."""
    if not store.keys.lasting:
        raise StoreError("an incognito session makes no backups: it leaves nothing")
    with store.copying() as connection:
        made = make(connection, store.folder, target, store.engine)
    store.keys.beside(made)
    return made


def make(connection: Connection, folder: Path, target: Path | None, engine: Engine = PLAIN) -> Path:
    """Copy the store to ``target`` (default: a dated file in its own ``backups``). Raises StoreError.

    A reader of the store is enough: another process may write meanwhile. What that one forgets while the copy is
    being made leaves the copy too.
    """
    target = target or _dated(folder, "memory")
    if target.exists():
        raise StoreError(f"{target} is there already: choose another name")
    try:
        # Noted first: forgetting looks for what is noted, so there must be no copy that is not.
        if target.resolve().parent != (folder / BACKUPS).resolve():
            _append(folder, str(target.resolve()))
        copy_database(connection, target, engine)
    except errors() as error:
        raise explain(error, target) from error
    except OSError as error:
        raise StoreError(f"cannot write the backup {target} ({error.strerror}): choose another place") from error
    _follow(connection, target, engine)
    return target


def unnote(folder: Path, target: Path) -> None:
    """A backup that was made elsewhere was removed on purpose: nobody looks for it any more."""
    if target.resolve() in noted(folder):
        _append(folder, {"gone": str(target.resolve())})


def noted(folder: Path) -> list[Path]:
    """Where backups are that were made elsewhere, each once; a line that a crash cut off is passed over."""
    notes = folder / BACKUPS / ELSEWHERE
    found: dict[Path, None] = {}
    for line in notes.read_text(encoding="utf-8", errors="replace").splitlines() if notes.is_file() else ():
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, str) and note:
            found[Path(note)] = None
        elif isinstance(note, dict):
            found.pop(Path(str(note.get("gone"))), None)
    return list(found)


def _append(folder: Path, note: object) -> None:
    """Add a line to the list, on disk when this returns. Other processes may do so at the same time."""
    (folder / BACKUPS).mkdir(mode=0o700, parents=True, exist_ok=True)
    notes = os.open(folder / BACKUPS / ELSEWHERE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # A line of its own even after one that a crash cut off.
        os.write(notes, b"\n" + json.dumps(note).encode() + b"\n")
        os.fsync(notes)
    finally:
        os.close(notes)


def _follow(connection: Connection, target: Path, engine: Engine) -> None:
    """Take out of a new copy what has left the store since it was begun."""
    there = {memory for (memory,) in connection.execute("SELECT id FROM memories")}
    gaps = {gap for (gap,) in connection.execute("SELECT id FROM gaps")}
    with _opened(target, engine) as copy:
        gone = {i: at for i, at in copy.execute("SELECT id, observed_at FROM memories") if i not in there}
        ended = [(gap,) for (gap,) in copy.execute("SELECT id FROM gaps") if gap not in gaps]
        copy.executemany("DELETE FROM gaps WHERE id = ?", ended)
    if gone:
        purge(target, gone, (), engine)


def restore(backup: Path, folder: Path, keys: Keys = PLAIN) -> Path | None:
    """Put a checked backup in the place of the store. Nobody may have the store open for writing.

    The store that was there is kept in ``backups`` and returned (None when there was none). A store that is encrypted
    stays so, whatever the backup is; a new one is as the backup is, or as ``keys`` make new ones.
    Raises StoreBusy, StoreError; the store is as before when it does.
    """
    theirs = keys.of_backup(backup)
    check(backup, theirs)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = WriterLock(folder / "writer.lock")
    try:
        path = folder / DATABASE
        kept: Path | None = None
        ours = keys.engine(not is_written(path), backup)
        if path.exists():
            kept = _dated(folder, "before-restore")
            _copy(path, kept, ours, ours)
        fresh = folder / "restored.db"
        fresh.unlink(missing_ok=True)
        _copy(backup, fresh, theirs, ours)
        for ending in ("-wal", "-shm"):
            (folder / (DATABASE + ending)).unlink(missing_ok=True)
        fresh.replace(path)
        return kept
    finally:
        lock.release()


def check(backup: Path, engine: Engine = PLAIN) -> int:
    """The schema version of a sound backup. Raises StoreError."""
    if not backup.is_file():
        raise StoreError(f"there is no backup {backup}")
    try:
        connection = engine.connect(backup, uri="mode=ro")
        try:
            owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            version = version_of(connection)
        finally:
            connection.close()
    except errors() as error:
        raise explain(error, backup) from error
    if owner != APPLICATION_ID or verdict != "ok" or not 0 < version <= len(MIGRATIONS):
        said = " ".join(str(verdict).split())
        raise StoreError(f"{backup} is no sound backup of a PerStream store that this version knows ({said})")
    return version


def purge(backup: Path, times: Mapping[int, int], spans: Sequence[Selector], engine: Engine = PLAIN) -> bool:
    """Delete memories (id to time observed) and gaps from a backup too; True when it held any of them."""
    with _opened(backup, engine) as connection:
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        held = _held(connection, times)
        delete(connection, held)
        gaps = sum(delete_gaps(connection, span) for span in spans)
        connection.execute("COMMIT")
        if held or gaps:
            connection.execute("VACUUM")
        return bool(held or gaps)


def holds(backup: Path, times: Mapping[int, int], engine: Engine = PLAIN) -> bool:
    """Does a backup hold any of these memories?"""
    with _opened(backup, engine) as connection:
        return bool(_held(connection, times))


@contextmanager
def _opened(backup: Path, engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect(backup)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection
        finally:
            connection.close()
    except errors() as error:
        raise explain(error, backup) from error


def _held(connection: Connection, times: Mapping[int, int]) -> list[int]:
    """An id alone could mean another memory, when the store was restored since the backup: the time must match."""
    return [
        memory
        for piece in chunks(list(times))
        for memory, observed in connection.execute(
            f"SELECT id, observed_at FROM memories WHERE id IN ({marks(piece)})", piece
        )
        if times[memory] == observed
    ]


def remove_fragments(folder: Path) -> None:
    """Delete copies that a crash left unfinished. The caller is the store's writer."""
    elsewhere = [made.with_name(made.name + ".partial") for made in noted(folder)]
    inside = (*folder.glob("*.partial"), *(folder / BACKUPS).glob("*.partial"), folder / "restored.db")
    for leftover in (*inside, *elsewhere):
        leftover.unlink(missing_ok=True)


def own_backups(connection: Connection, folder: Path) -> list[Path]:
    """Every backup that the program made and that is still there."""
    # Older versions kept the list in the store itself, where restoring an older state lost it.
    made = [Path(path) for (path,) in connection.execute("SELECT path FROM backups ORDER BY path")]
    made += noted(folder)
    inside = sorted((folder / BACKUPS).glob("*.db")) if (folder / BACKUPS).is_dir() else []
    return [path for path in dict.fromkeys([*inside, *made]) if path.is_file()]


def _dated(folder: Path, kind: str) -> Path:
    """A name in the folder's backups that nothing has yet."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    names = (f"{kind}-{now}{ending}.db" for ending in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(path for path in (folder / BACKUPS / name for name in names) if not path.exists())


def _copy(source: Path, target: Path, theirs: Engine, ours: Engine) -> None:
    def failed(error: Exception) -> StoreError:
        return StoreError(f"cannot copy {source} to {target} ({error}): check the disk")

    try:
        connection = theirs.connect(source)
        try:
            if is_encrypted(connection) == bool(ours.keys):
                copy_database(connection, target, ours)
            else:
                recode(source, target, theirs if is_encrypted(connection) else None, ours)
        finally:
            connection.close()
    except errors() as error:
        raise failed(error) from error
    except OSError as error:
        raise failed(error) from error
