"""The recall index in RAM, kept in step with the store; loaded when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

from perstream.config import MemoryConfig
from perstream.memory.columns import ENTRY_QUERY, chunks, entry_of, marks
from perstream.memory.entry import IndexEntry, Scored
from perstream.memory.reads import entities_of
from perstream.memory.recall import RecallIndex
from perstream.memory.store import Store
from perstream.types import Query


class LiveIndex:
    """Guards RecallIndex: searched by any thread, changed by the writer's.

    The store is the truth: after a commit the changed memories are read back from it, so an index
    that another thread is just loading cannot miss or double one.
    """

    def __init__(self, store: Store, config: MemoryConfig) -> None:
        self._store = store
        self._config = config
        self._lock = threading.RLock()
        self._index: RecallIndex | None = None
        self._superseded: dict[int, bool] = {}
        self._data_version = -1

    def search(self, query: Query) -> list[Scored]:
        """Best first."""
        with self._lock:
            return self._ready().search(query)

    def to_embed(self, question: str) -> str:
        """See :meth:`RecallIndex.to_embed`."""
        with self._lock:
            return self._ready().to_embed(question)

    def sync(self, ids: Iterable[int]) -> None:
        """Take over what the store now says about these memories: new, changed or gone."""
        with self._lock:
            if self._index is None:
                return
            wanted = sorted(set(ids))
            entries = self._read(wanted)
            self._index.remove([memory for memory in wanted if memory in self._superseded])
            for memory in wanted:
                self._superseded.pop(memory, None)
            self._add(entries)

    def drop(self) -> None:
        """Forget everything in RAM; it is loaded again when needed."""
        with self._lock:
            self._index = None
            self._superseded = {}

    @property
    def nbytes(self) -> int:
        """RAM held, as the index accounts for it; 0 while it is not loaded."""
        with self._lock:
            return 0 if self._index is None else self._index.nbytes

    def _ready(self) -> RecallIndex:
        if self._index is None:
            self._index = RecallIndex(self._config)
            self._data_version = self._version()
            self._add(self._read(None))
        elif self._store.read_only and self._version() != self._data_version:
            self._data_version = self._version()
            self._follow()
        return self._index

    def _add(self, entries: Sequence[IndexEntry]) -> None:
        if self._index is not None:
            self._index.add_many(entries)
            self._superseded.update((entry.id, entry.superseded) for entry in entries)

    def _read(self, ids: Sequence[int] | None) -> list[IndexEntry]:
        with self._store.reading() as connection:
            labels = entities_of(connection, ids)
            if ids is None:
                return [
                    entry_of(row, labels.get(row[0], ())) for row in connection.execute(ENTRY_QUERY + "ORDER BY m.id")
                ]
            return [
                entry_of(row, labels.get(row[0], ()))
                for piece in chunks(ids)
                for row in connection.execute(f"{ENTRY_QUERY}WHERE m.id IN ({marks(piece)}) ORDER BY m.id", piece)
            ]

    def _version(self) -> int:
        with self._store.reading() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def _follow(self) -> None:
        """Another process wrote to the store: find what differs."""
        with self._store.reading() as connection:
            now = {row[0]: row[1] is not None for row in connection.execute("SELECT id, superseded_by FROM memories")}
        self.sync(
            memory
            for memory in now.keys() | self._superseded.keys()
            if now.get(memory) is None or now.get(memory) != self._superseded.get(memory)
        )


class Visits:
    """Which memories recall returned since the last write. They warm the memories at the next one.

    Heat is no acknowledged data: recall stays a read, and a crash loses at most some warmth.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}
        self._last: dict[int, datetime] = {}

    def note(self, ids: Iterable[int], at: datetime) -> None:
        """These were of use at ``at``."""
        with self._lock:
            for memory in ids:
                self._counts[memory] = self._counts.get(memory, 0) + 1
                self._last[memory] = max(at, self._last.get(memory, at))

    def counts(self) -> dict[int, int]:
        """Visits not yet written, by memory."""
        with self._lock:
            return dict(self._counts)

    def take(self) -> list[tuple[int, int, datetime]]:
        """(memory, visits, last visit) for writing; empties the list."""
        with self._lock:
            taken = [(memory, count, self._last[memory]) for memory, count in self._counts.items()]
            self._counts, self._last = {}, {}
            return taken
