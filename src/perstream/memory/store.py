"""The database file: opening it safely, one writer, transactions, and errors in words."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perstream.errors import StoreError
from perstream.memory.derived import refresh
from perstream.memory.engine import (
    PLAIN,
    Connection,
    Engine,
    Keys,
    errors,
    is_encrypted,
    is_written,
    no_plain_one,
    operational_errors,
)
from perstream.memory.lock import WriterLock
from perstream.memory.migrations import APPLICATION_ID, MIGRATIONS, migrate, version_of
from perstream.memory.swap import tidy

DATABASE = "memory.db"
BACKUPS = "backups"
MOST_QUOTED = 200
_CACHE_KB = 16 * 1024
_LOG_PAGES = 512
"""The log is written back when it has this many pages (2 MiB)."""


class Store:
    """A folder with ``memory.db``: one connection that writes, one that reads, each behind its own lock.

    Durability: write-ahead log with ``synchronous=FULL``. COMMIT returns after the log has been
    fsynced, so what was acknowledged survives kill -9 and a power cut; a log cut in the middle of a
    frame is detected by its checksums and ends at the last whole commit. (NORMAL would be enough for
    kill -9 and saves about 0.2 ms per commit, but loses the last commits at a power cut.)
    """

    def __init__(self, folder: Path, read_only: bool, keys: Keys = PLAIN) -> None:
        """Open or create; ``keys`` know whether it is encrypted.

        Raises StoreError, StoreBusy. Never deletes or overwrites a file it does not know.
        """
        self.folder = folder
        self.keys = keys
        self.engine: Engine = PLAIN
        self.path = folder / DATABASE
        self.read_only = read_only
        self.closed = False
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._copy_lock = threading.RLock()
        self._lock: WriterLock | None = None
        self._writer: Connection | None = None
        if read_only:
            if not self.path.is_file():
                raise StoreError(f"there is no memory store in {folder}: remember something first")
            self.engine = keys.engine(False)
            with no_plain_one(self.path, self.engine):
                self._reader = self._open_reader()
            return
        _make_folder(folder)
        self._lock = WriterLock(folder / "writer.lock")
        try:
            tidy(folder)
            self.engine = keys.engine(not is_written(self.path))
            with no_plain_one(self.path, self.engine):
                self._writer = self._open_writer()
            self._reader = self._open_reader()
        except BaseException:
            if self._writer is not None:
                self._writer.close()
            self._lock.release()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it is on disk when the block ends, or nothing of it. Raises StoreError."""
        with self._write_lock, self.explained():
            connection = self.writer
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite has already rolled back after a full disk
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The reading connection, for this thread alone; sees what was committed. Raises StoreError."""
        with self._read_lock, self.explained():
            yield self._reader

    @contextmanager
    def rehearsing(self) -> Iterator[Connection]:
        """A transaction that is always undone. Raises StoreError."""
        with self._write_lock, self.explained():
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield self.writer
            finally:
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """The writing connection outside a transaction while nobody here reads or copies: VACUUM, checkpoints."""
        with self._copy_lock, self._write_lock, self._read_lock, self.explained():
            yield self.writer

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A reading connection of one's own, in a transaction: one state of the store, however long it takes.

        It may shadow tables with temporary ones; those stay in RAM and end with it. Raises StoreError.
        """
        with self.beside() as connection:
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def beside(self) -> Iterator[Connection]:
        """A reading connection of one's own that holds nobody up and sees each time what is committed. Raises StoreError."""
        with self.explained():
            connection = self._open_reader()
            try:
                yield connection
            finally:
                connection.close()

    @contextmanager
    def copying(self) -> Iterator[Connection]:
        """As :meth:`beside`, for what takes long: others read and write meanwhile, :meth:`alone` waits."""
        with self._copy_lock, self.beside() as connection:
            yield connection

    @property
    def writer(self) -> Connection:
        """The writing connection. Raises StoreError when the store was opened for reading."""
        if self._writer is None:
            raise StoreError(f"the store {self.folder} was opened for reading only: stop the daemon or ask it to write")
        return self._writer

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn SQLite's errors into StoreError."""
        try:
            yield
        except errors() as error:
            raise explain(error, self.path) from error

    def close(self) -> None:
        """Close both connections and let the next writer in. Safe to call twice."""
        with self._write_lock, self._read_lock:
            self.closed = True
            self._reader.close()
            if self._writer is not None:
                self._writer.close()
            if self._lock is not None:
                self._lock.release()
            self.keys.ended()

    def _open_writer(self) -> Connection:
        with self.explained():
            fresh = not is_written(self.path)
            try:
                # Made here so that it is private from its first byte; SQLite gives its log the same mode.
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            except OSError as error:
                raise StoreError(f"cannot write {self.path} ({error.strerror}): check the folder's rights") from error
            connection = _connect(self.path, self.engine)
            try:
                if fresh:
                    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                found = _checked_version(connection, self.path)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
                connection.execute(f"PRAGMA journal_size_limit = {_LOG_PAGES * 4096}")
                if found < len(MIGRATIONS):
                    if found:
                        copy_database(connection, self.folder / BACKUPS / f"before-v{found + 1}.db", self.engine)
                    migrate(connection)
                refresh(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    def _open_reader(self) -> Connection:
        with self.explained():
            try:
                return _reading(self.path, "mode=ro", self.engine)
            except operational_errors():
                # A folder that may not be written has no room for the log's index; without a log the file is whole.
                log = self.path.with_name(DATABASE + "-wal")
                if log.exists() and log.stat().st_size:
                    raise
                return _reading(self.path, "immutable=1", self.engine)


def copy_database(source: Connection, target: Path, engine: Engine) -> None:
    """An exact, consistent copy while others go on reading and writing (SQLite's online backup).

    The copy appears under its name only when it is whole and passes an integrity check. It is encrypted when the source
    is, under the first key of ``engine``.
    """
    _make_folder(target.parent)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600))
    try:
        copy = (engine if is_encrypted(source) else PLAIN).connect(partial)
        try:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            copy.close()
        if verdict != "ok":
            raise StoreError(f"the copy {target} came out damaged ({verdict}): check the disk and the store")
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)  # on a full disk half a copy must not take the room that is left
        raise


def explain(error: Exception, path: Path) -> StoreError:
    """SQLite's error as one line that says what to do. It may quote the file, which may hold anything."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())[:MOST_QUOTED]
    if "not a database" in text or "malformed" in text:
        return StoreError(
            f"{path} is damaged, encrypted with another key or no PerStream store ({text}); it was left as it is: restore a backup"
        )
    if "is full" in text or "disk I/O" in text:
        return StoreError(
            f"cannot write {path} ({text}): free some disk space or check the disk; nothing that was stored is lost"
        )
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"{path} cannot be written or opened ({text}): check the rights of the file and its folder")
    if "locked" in text or "busy" in text:
        return StoreError(f"{path} is held by another program ({text}): try again")
    return StoreError(f"the store {path} failed ({text})")


def _connect(path: Path, engine: Engine) -> Connection:
    connection = engine.connect(path)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    except BaseException:
        connection.close()
        raise
    return connection


def _reading(path: Path, how: str, engine: Engine) -> Connection:
    connection = engine.connect(path, uri=how)
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        if _checked_version(connection, path) < len(MIGRATIONS):
            raise StoreError(f"{path} is of an older version: open it once for writing, so that it is brought up")
    except BaseException:
        connection.close()
        raise
    return connection


def _checked_version(connection: Connection, path: Path) -> int:
    """Schema version after making sure that the file is a store this program may touch."""
    found = version_of(connection)
    if found > len(MIGRATIONS):
        raise StoreError(
            f"{path} is of version {found}, this PerStream knows up to {len(MIGRATIONS)}: install a newer PerStream"
        )
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if owner != APPLICATION_ID and not (empty and found == 0):
        raise StoreError(f"{path} is another program's database; it was left as it is: choose another folder")
    return found


def _make_folder(folder: Path) -> None:
    try:
        # Folders above it that are not there yet are the owner's alone, too: mkdir(parents=True) would not see to it.
        for missing in reversed([one for one in folder.parents if not one.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {folder} ({error.strerror}): choose another") from error
