"""The backups of a store as a set: made and verified, listed, and the oldest of one's own removed."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from glob import escape
from pathlib import Path
from typing import Any, TypeAlias

from perstream.errors import StoreError
from perstream.memory import backup
from perstream.memory.engine import Connection, Engine, errors
from perstream.memory.migrations import version_of
from perstream.memory.status import disk_bytes
from perstream.memory.store import BACKUPS, Store, explain

AUTO = "auto-"
"""Names of backups that the daemon made begin with it; only those are removed."""
VERIFIED = "verified.json"
"""In the store's folder of backups: what was verified, when, and what was in it."""
ABANDONED_S = 3600.0
"""Half a copy that nobody has written to for so long was left by a crash."""
SAMPLE = 64
"""Memories whose every word is compared."""
MB = 1024 * 1024
_ROW = "text, category, provenance, observed_at, ended_at, source, held, observations"
Row: TypeAlias = tuple[Any, ...] | None
_STAMP = "%Y%m%dT%H%M%SZ"
_KINDS = (
    (AUTO, "automatic"),
    ("before-v", "before a migration"),
    ("before-", "before a restore"),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One backup."""

    path: str
    kind: str
    """``automatic``, ``by hand``, ``before a migration``, ``before a restore``."""
    made_at: datetime
    """UTC: by its name where that says it, else when the file was last written."""
    size_mb: float
    memories: int | None
    """None when it could not be opened."""
    version: int | None
    verified_at: datetime | None
    """UTC, when it was read back and found whole; None when nobody has."""
    problem: str = ""


class Backups:
    """Of one open store, which may be open for reading alone. Any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def folder(self) -> Path:
        """Where they are by default."""
        return self._store.folder / BACKUPS

    @property
    def lasting(self) -> bool:
        """Whether this store may be copied at all: an incognito one may not."""
        return self._store.keys.lasting

    def make(self, target: Path | None = None, keep_free_mb: float = 0.0, now: datetime | None = None) -> Path:
        """Copy the store, read the copy back, and compare it. Raises StoreError; then there is no new file.

        ``keep_free_mb`` must still be free afterwards where it goes. ``now`` is when it was verified, UTC.
        """
        place = target.parent if target is not None else self.folder
        self._check_room(place, keep_free_mb)
        with self._store.aside() as before:
            there = [memory for (memory,) in before.execute("SELECT id FROM memories ORDER BY id")]
            sample = {memory: row_of(before, memory) for memory in there[:: max(1, len(there) // SAMPLE)]}
        made = backup.of(self._store, target)
        try:
            memories = self._verify(made, there, sample)
        except BaseException:
            _remove(made)
            backup.unnote(self._store.folder, made)
            raise
        self._note(made, memories, now or datetime.now(timezone.utc))
        return made

    def listed(self) -> list[Listed]:
        """All of this store, newest first; each is opened and counted."""
        verified = self._verified()
        return sorted((self._look(path, verified) for path in self._own()), key=lambda one: one.made_at, reverse=True)

    def automatic(self, folder: Path) -> list[tuple[datetime, Path]]:
        """Those of this store that the daemon made in ``folder``, the newest first: others' may lie there, too."""
        here = folder.resolve()
        mine = [path for path in self._own() if path.name.startswith(AUTO) and path.resolve().parent == here]
        return sorted(((made, path) for path in mine if (made := _stamp(path)) is not None), reverse=True)

    def verified(self) -> dict[Path, datetime]:
        """Those that were read back and found whole, and when (UTC), as far as they are still there."""
        known = ((Path(path), float(about["at"])) for path, about in self._verified().items())
        return {path: datetime.fromtimestamp(at, timezone.utc) for path, at in known if path.is_file()}

    def prune(self, folder: Path, keep: int) -> int:
        """Remove the daemon's own but the ``keep`` latest, and what a crash left of any; how many went. Raises StoreError."""
        old = self.automatic(folder)[keep:]
        for half in folder.glob(f"{AUTO}*.db.partial"):
            with suppress(OSError):
                if time.time() - half.stat().st_mtime > ABANDONED_S:  # others may be at theirs in the same folder
                    half.unlink()
        for _, path in old:
            try:
                _remove(path)
                backup.unnote(self._store.folder, path)
            except OSError as error:
                raise StoreError(f"cannot remove the old backup {path} ({error.strerror})") from error
        return len(old)

    def _own(self) -> list[Path]:
        with self._store.reading() as connection:
            paths = backup.own_backups(connection, self._store.folder)
        return list({path.resolve(): path for path in paths}.values())

    def _check_room(self, place: Path, keep_free_mb: float) -> None:
        there = next((folder for folder in (place, *place.parents) if folder.is_dir()), place)
        try:
            free = shutil.disk_usage(there).free / MB
        except OSError as error:
            raise StoreError(f"cannot look at {place} ({error.strerror}): is the disk there?") from error
        needed = disk_bytes(self._store.path) / MB
        if free - needed < keep_free_mb:
            raise StoreError(
                f"no backup: {needed:.0f} MB are needed and only {free:.0f} MB are free where {place} is, of which "
                f"{keep_free_mb:.0f} MB stay free; free some, or choose another folder"
            )

    def _verify(self, made: Path, there: Sequence[int], sample: Mapping[int, Row]) -> int:
        """Compare a copy with what was there before it; how many memories it holds. Raises StoreError."""
        engine = self._store.keys.of_backup(made)
        backup.check(made, engine)
        with reading(made, engine) as copy, self._store.beside() as now:
            held = {memory for (memory,) in copy.execute("SELECT id FROM memories")}
            for memory in there:
                if memory not in held and now.execute("SELECT 1 FROM memories WHERE id = ?", (memory,)).fetchone():
                    raise StoreError(f"the backup {made} came out without memory {memory}: check the disk")
            for memory, before in sample.items():
                # One that was corrected or forgotten while the copy was made is as it was or as it is.
                if memory in held and row_of(copy, memory) not in (before, row_of(now, memory)):
                    raise StoreError(f"the backup {made} came out with another memory {memory}: check the disk")
            return len(held)

    def _look(self, path: Path, verified: Mapping[str, Any]) -> Listed:
        known = verified.get(str(path.resolve()))
        checked = datetime.fromtimestamp(known["at"], timezone.utc) if known else None
        stat = path.stat()
        made = _stamp(path) or datetime.fromtimestamp(stat.st_mtime, timezone.utc)
        kind = next((kind for begin, kind in _KINDS if path.name.startswith(begin)), "by hand")
        about = (str(path), kind, made, round(stat.st_size / MB, 3))
        try:
            with reading(path, self._store.keys.of_backup(path)) as copy:
                (memories,) = copy.execute("SELECT count(*) FROM memories").fetchone()
                return Listed(*about, int(memories), version_of(copy), checked)
        except StoreError as error:
            return Listed(*about, None, None, checked, str(error))

    def _verified(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / VERIFIED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        known = found.items() if isinstance(found, dict) else ()
        return {str(k): v for k, v in known if isinstance(v, dict) and isinstance(v.get("at"), (int, float))}

    def _note(self, made: Path, memories: int, now: datetime) -> None:
        known = {path: about for path, about in self._verified().items() if Path(path).is_file()}
        known[str(made.resolve())] = {"at": now.timestamp(), "memories": memories}
        fresh = self.folder / f"{VERIFIED}.partial"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
                json.dump(known, file)
            fresh.replace(self.folder / VERIFIED)
        except OSError as error:
            raise StoreError(f"cannot write {fresh} ({error.strerror}): the backup {made} itself is there") from error


def auto_name(now: datetime) -> str:
    """A name for a backup that the daemon makes ``now`` (UTC)."""
    return f"{AUTO}{now.strftime(_STAMP)}.db"


def _stamp(path: Path) -> datetime | None:
    """When a backup was made, as its name says: forgetting rewrites the file later."""
    for part in path.stem.split("-"):
        try:
            return datetime.strptime(part, _STAMP).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    return None


def _remove(made: Path) -> None:
    for path in (made, *made.parent.glob(f"{escape(made.name)}.*")):  # and what it takes to open it
        path.unlink(missing_ok=True)


def row_of(connection: Connection, memory: int) -> Row:
    """What is compared of a memory; None when there is none of this id."""
    row: Row = connection.execute(
        f"SELECT {_ROW}, (SELECT length(pooled) FROM vectors WHERE memory_id = memories.id), "
        "(SELECT length(jpeg) FROM thumbnails WHERE memory_id = memories.id) FROM memories WHERE id = ?",
        (memory,),
    ).fetchone()
    return row


@contextmanager
def reading(path: Path, engine: Engine) -> Iterator[Connection]:
    """A backup opened to read. Raises StoreError."""
    try:
        connection = engine.connect(path, uri="mode=ro")
        try:
            yield connection
        finally:
            connection.close()
    except errors() as error:
        raise explain(error, path) from error
