"""What the owner paused, kept on disk: a crash or a restart must not switch a camera on again."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from perstream.errors import StoreError
from perstream.types import Gap

log = logging.getLogger(__name__)
FILE = "paused.json"
MOST_BYTES = 1_000_000


def unrecorded(source: str, since: datetime, until: datetime, gaps: Iterable[Gap]) -> Gap | None:
    """The part of a pause that nobody recorded, because the house ended in it; ``gaps`` are those known since then.

    Where on the source's clock it lies nobody knows: 0.
    """
    begin = max([since, *(gap.ended_at for gap in gaps if gap.source == source)])
    return Gap(source, 0.0, 0.0, begin, until, "paused") if begin < until else None


class Pauses:
    """All or some sources, by name. Any thread."""

    def __init__(self, folder: Path) -> None:
        """Reads what was paused before. A file that cannot be read means that everything is."""
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._all: str | None = None
        """Since when everything is paused (ISO, UTC)."""
        self._names: dict[str, str] = {}
        """Sources paused by themselves, since when."""
        self._awake: frozenset[str] = frozenset()
        """Sources that were resumed while everything is paused."""
        self._read()

    @property
    def everything(self) -> bool:
        """Whether sources that come are paused too."""
        return self._all is not None

    def holds(self, name: str) -> bool:
        """Whether this source is to be paused."""
        return name in self._names or (self._all is not None and name not in self._awake)

    def names(self, name: str) -> bool:
        """Whether this source was paused by itself."""
        return name in self._names

    def since(self, name: str) -> datetime | None:
        """Since when (UTC) this source is paused, or None."""
        text = self._names.get(name) or (self._all if self.holds(name) else None)
        return None if text is None else datetime.fromisoformat(text)

    def pause(self, name: str | None) -> None:
        """One source, or all and those to come; on disk when this returns. StoreError."""
        now = datetime.now(timezone.utc).isoformat()
        with self._lock:
            if name is None:
                self._all, self._awake = self._all or now, frozenset()
            else:
                self._names.setdefault(name, now)
                self._awake -= {name}
            self._write()

    def resume(self, name: str | None) -> None:
        """One source, or all of them. StoreError."""
        with self._lock:
            if name is None:
                self._all, self._names, self._awake = None, {}, frozenset()
            else:
                self._names.pop(name, None)
                self._awake = self._awake | {name} if self._all is not None else frozenset()
            self._write()

    def removed(self, name: str) -> None:
        """A source is watched no longer: what was paused stays so, what was an exception to a pause does not."""
        with self._lock:
            if name in self._awake:
                self._awake -= {name}
                self._write()

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(MOST_BYTES))
            every, names = data["all"], data["sources"]
            for since in (*([every] if every is not None else ()), *names.values()):
                if datetime.fromisoformat(since).tzinfo is None:
                    raise ValueError("a time without its zone")
            self._all, self._names, self._awake = every, dict(names), frozenset(data["awake"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read (%s): everything stays paused until `perstream resume`", FILE, error)
            self._all, self._names, self._awake = datetime.now(timezone.utc).isoformat(), {}, frozenset()

    def _write(self) -> None:
        fresh = self._path.with_name(FILE + ".new")
        try:
            if self._all is None and not self._names:
                self._path.unlink(missing_ok=True)
                return
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"all": self._all, "sources": self._names, "awake": sorted(self._awake)}, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            raise StoreError(f"the pause holds, but cannot be kept over a restart ({error.strerror})") from error
