"""A list of those who may come in, in a file of the store for its owner's eyes only.

Of a token only the SHA-256 is kept. Whoever may write the file may revoke; a running daemon looks at it with
every request, so that who is gone from it is refused at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout

from perstream.errors import StoreBusy, StoreError

log = logging.getLogger(__name__)
MAX_BYTES = 64 * 1024
LONGEST_NAME = 40
LOCK_S = 5.0
TOKEN_BYTES = 32
T = TypeVar("T")


class Roster(Generic[T]):
    """One file of entries; from any thread, from several processes.

    An entry is a frozen dataclass of texts, ``name`` and ``sha256`` among them.
    """

    def __init__(self, path: Path, kind: type[T], mend: str) -> None:
        """``mend`` says what to do about a damaged file."""
        self._path = path
        self._kind = kind
        self._mend = mend
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_S, mode=0o600, thread_local=False)
        self._seen: tuple[tuple[int, int, int] | None, tuple[T, ...]] = (None, ())

    def listed(self) -> tuple[T, ...]:
        """The oldest first. StoreError when the file is damaged."""
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(MAX_BYTES))
            found = tuple(self._kind(**one) for one in data)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise StoreError(f"{self._path} cannot be read: {self._mend}") from error
        if not all(isinstance(part, str) for one in found for part in _members(one).values()):
            raise StoreError(f"{self._path} is damaged: {self._mend}")
        return found

    @contextmanager
    def changing(self) -> Iterator[list[T]]:
        """The entries, to be changed in place; written when the block ends well. StoreError, StoreBusy."""
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StoreBusy(f"another process is writing {self._path}; try again") from error
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error
        try:
            entries = list(self.listed())
            yield entries
            write_private(self._path, json.dumps([_members(one) for one in entries], indent=1))
        finally:
            self._lock.release()

    def holder(self, token: bytes) -> T | None:
        """Whose token this is. The file is read again when it has changed; all entries are compared, whichever fits."""
        given = digest(token).encode("ascii")
        found = None
        for one in self._current():
            if hmac.compare_digest(given, str(_members(one)["sha256"]).encode("utf-8", "replace")):
                found = one
        return found

    def _current(self) -> tuple[T, ...]:
        mark = mark_of(self._path)
        if mark is None:
            return ()
        seen, entries = self._seen
        if mark != seen:
            try:
                entries = self.listed()
            except StoreError as error:
                log.warning("%s; until then nobody on it is let in", error)
                entries = ()
            self._seen = (mark, entries)
        return entries


def new_token() -> str:
    """One that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: bytes) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token).hexdigest()


def plain_name(name: str, otherwise: str) -> str:
    """One short printable line."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:LONGEST_NAME].strip() or otherwise


def mark_of(path: Path) -> tuple[int, int, int] | None:
    """Changes whenever the file does; None when there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ino, state.st_size


def write_private(path: Path, text: str) -> None:
    """Put a file in the place of another, whole or not at all; its owner alone may read it. StoreError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def _members(entry: Any) -> dict[str, Any]:
    return asdict(entry)
