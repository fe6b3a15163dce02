"""Where a database file is opened: plain SQLite, or SQLCipher with a key. Nothing else in this room opens one.

SQLCipher (https://www.zetetic.net/sqlcipher/design/) encrypts every page of the file, of its log and of its journal
with AES-256 and authenticates it with HMAC-SHA512; what SQLite would put into temporary files stays in RAM. A key is
32 random bytes, used as they are: there is nothing to derive, so opening costs no more than reading the first page.

SQLCipher comes as another build of SQLite with another set of exceptions, and is loaded with the first key.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from perstream.errors import StoreError

Connection: TypeAlias = sqlite3.Connection
"""Plain or encrypted: the two have the same methods."""
KEY_BYTES = 32
HEADER = b"SQLite format 3\x00"
"""A plain database begins with it; an encrypted one with random bytes."""
TIMEOUT_S = 5.0
"""How long a statement waits for another connection's lock; writers are single, so this is for checkpoints."""


@dataclass(frozen=True)
class Key:
    """A data key. Its bytes are in no text that this program makes: not in repr, messages or logs."""

    raw: bytes = field(repr=False)

    @property
    def sql(self) -> str:
        """As SQLCipher takes a key that it shall use as it is."""
        return f"x'{self.raw.hex()}'"

    @staticmethod
    def random() -> Key:
        """A new one."""
        return Key(os.urandom(KEY_BYTES))


class Keys(Protocol):
    """Who knows how the files of a store are opened."""

    @property
    def lasting(self) -> bool:
        """Is the store there tomorrow? Else nothing of it may be copied anywhere."""

    def engine(self, fresh: bool, like: Path | None = None, /) -> Engine:
        """Opens the store; ``fresh`` there is none yet, the caller is its writer, and ``like`` is what it is restored from."""

    def of_backup(self, backup: Path, /) -> Engine:
        """Opens a backup."""

    def beside(self, backup: Path, /) -> None:
        """A backup was made: put beside it what it takes to open it, were the store lost."""

    def ended(self) -> None:
        """The store was closed."""


@dataclass(frozen=True)
class Engine:
    """Opens the files of one store."""

    keys: tuple[Key, ...] = ()
    """The first encrypts what is made; the others open what was made before it. None: what is made is plain."""

    @property
    def lasting(self) -> bool:
        """See :class:`Keys`: an engine is a set of keys that is known from the start."""
        return True

    def engine(self, _fresh: bool, _like: Path | None = None, /) -> Engine:
        """This one."""
        return self

    def of_backup(self, backup: Path, /) -> Engine:
        """This one, or one without keys for a plain one."""
        return Engine() if is_plain(backup) else self

    def beside(self, _backup: Path, /) -> None:
        """Whoever made the keys keeps them."""

    def ended(self) -> None:
        """Nothing is left to do."""

    def connect(self, file: Path | str, *, uri: str = "", timeout: float = TIMEOUT_S) -> Connection:
        """Open a file under the key that fits, a new one under the first; without keys as a plain one.

        ``uri`` is how to open it, for example mode=ro. Transactions are the caller's; any thread may use the connection.
        Raises the errors of :func:`errors`, StoreError where SQLCipher is not installed.
        """
        path = Path(file)
        if not self.keys:
            return _plain(path, uri, timeout)
        keys = self.keys if is_written(path) else self.keys[:1]
        for key in keys[:-1]:
            connection = _encrypted(path, key, uri, timeout)
            try:
                connection.execute("SELECT count(*) FROM sqlite_master")
            except errors() as error:
                connection.close()
                if "not a database" not in str(error):
                    raise
            else:
                return connection
        return _encrypted(path, keys[-1], uri, timeout)

    def opens(self, file: Path) -> bool:
        """Does one of the keys fit, or is the file plain? False for what is no database as well."""
        try:
            connection = self.connect(file, uri="mode=ro")
            try:
                connection.execute("SELECT count(*) FROM sqlite_master")
            finally:
                connection.close()
        except errors() as error:
            if "not a database" not in str(error):
                raise
            return False
        return True

    def made(self, file: Path) -> bool:
        """Is a file as this engine would make it: under its first key, or plain when it has none?"""
        if not self.keys or is_plain(file):
            return not self.keys and is_plain(file)
        return Engine(self.keys[:1]).opens(file)


PLAIN = Engine()
"""Opens what is not encrypted."""


def by_sqlcipher(file: Path, engine: Engine | None) -> Connection:
    """Open a file by SQLCipher, a plain one (None) too: only so can it be written under another key.

    Raises StoreError where SQLCipher is not installed, and the errors of :func:`errors`.
    """
    return _encrypted(file, None, "", TIMEOUT_S) if engine is None else Engine(engine.keys).connect(file)


def in_ram() -> Connection:
    """A database in RAM alone."""
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def is_plain(file: Path) -> bool:
    """Is this a database that anybody can read? Not when it is empty or not there.

    Nothing in this process may have it open: closing a file takes the process's locks on it away, SQLite's too (POSIX).
    """
    try:
        with file.open("rb") as opened:
            return opened.read(len(HEADER)) == HEADER
    except OSError:
        return False


def is_encrypted(connection: Connection) -> bool:
    """Is it one of SQLCipher?"""
    return not isinstance(connection, sqlite3.Connection)


@contextmanager
def no_plain_one(file: Path, engine: Engine) -> Iterator[None]:
    """When the first opening of an encrypted file fails because it is plain, that is said. Raises StoreError."""
    try:
        yield
    except StoreError as error:
        if engine.keys and is_plain(file):
            raise StoreError(
                f"{file} can be read by anybody although this store is encrypted: somebody put it there; "
                "`perstream vault encrypt` encrypts it, or put the right one back"
            ) from error
        raise


def is_written(file: Path) -> bool:
    """Is there anything in it?"""
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def errors() -> tuple[type[Exception], ...]:
    """What a connection raises; for ``except``."""
    return _both("Error")


def operational_errors() -> tuple[type[Exception], ...]:
    """What a connection raises for what is not the statement's fault: rights, locks, full disks."""
    return _both("OperationalError")


def integrity_errors() -> tuple[type[Exception], ...]:
    """What a connection raises when a constraint does not hold."""
    return _both("IntegrityError")


def sqlcipher() -> Any:
    """The module. StoreError where it is not installed."""
    try:
        from sqlcipher3 import dbapi2
    except ImportError as error:
        raise StoreError("an encrypted store needs SQLCipher: pip install 'perstream[crypt]'") from error
    return dbapi2


def has_sqlcipher() -> bool:
    """Is it installed?"""
    try:
        sqlcipher()
    except StoreError:
        return False
    return True


def _both(name: str) -> tuple[type[Exception], ...]:
    loaded = sys.modules.get("sqlcipher3.dbapi2")
    mine: type[Exception] = getattr(sqlite3, name)
    return (mine,) if loaded is None else (mine, getattr(loaded, name))


def _plain(path: Path, uri: str, timeout: float) -> Connection:
    name = f"{path.resolve().as_uri()}?{uri}" if uri else str(path)
    return sqlite3.connect(name, uri=bool(uri), timeout=timeout, isolation_level=None, check_same_thread=False)


def _encrypted(path: Path, key: Key | None, uri: str, timeout: float) -> Connection:
    name = f"{path.resolve().as_uri()}?{uri}" if uri else str(path)
    connection: Any = sqlcipher().connect(
        name, uri=bool(uri), timeout=timeout, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")  # it writes to standard error by itself
        connection.execute("PRAGMA temp_store = MEMORY")  # what would go to temporary files goes there unencrypted
        if key is not None:
            connection.set_key(key.sql)  # no statement holds it
    except BaseException:
        connection.close()
        raise
    opened: Connection = connection
    return opened
