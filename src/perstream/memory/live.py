"""The recall index in RAM, kept in step with the store and within its budget; loaded when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from perstream.config import MemoryConfig
from perstream.memory.columns import ENTRY_QUERY, chunks, entry_of, marks, tokens_of
from perstream.memory.derived import is_current
from perstream.memory.entry import IndexEntry, Scored, TokenCodes
from perstream.memory.lexical import Stemmer
from perstream.memory.page import read_page
from perstream.memory.reads import entities_of
from perstream.memory.recall import RecallIndex
from perstream.memory.residence import Residence
from perstream.memory.store import Store
from perstream.types import Query

PAGE = 10_000
"""Memories read at a time while loading."""
MEASURED_EVERY = 16
"""Memories added between two looks at the RAM held: by looking, the index gives up what it saves by waiting."""


class LiveIndex:
    """Guards RecallIndex: searched by any thread, changed by the writer's.

    The store is the truth: after a commit the changed memories are read back from it, so an index
    that another thread is just loading cannot miss or double one.
    """

    def __init__(self, store: Store, config: MemoryConfig, other_bytes: Callable[[], int] = lambda: 0) -> None:
        """``other_bytes`` is what else counts against the RAM budget."""
        self._store = store
        self._config = config
        self._residence = Residence(store, config.ram_budget_mb, other_bytes)
        self._loading = threading.Lock()
        self._lock = threading.RLock()
        self._index: RecallIndex | None = None
        self._missed: set[int] | None = None
        """Changed while another thread was loading; None when nobody is."""
        self._unmeasured = 0
        """Memories added since the budget was last looked at."""
        self._fits = True
        self._data_version = -1
        self._kept = True
        """Is what the store keeps of the words of this version? Not where an older one is only read."""

    def search(self, query: Query) -> list[Scored]:
        """Best first. The first search loads the index."""
        index = self.ready()
        if self._store.read_only:
            self._follow_writer()
        found = index.search(query)
        with self._lock:
            self._fits = self._residence.fit(index)
        return found

    def to_embed(self, text: str) -> str:
        """What of a question to embed: without the names of those who speak in the memories."""
        return self.ready().to_embed(text)

    def ready(self) -> RecallIndex:
        """The loaded index. One thread loads; the writer goes on meanwhile."""
        with self._loading:
            if self._index is None:
                with self._lock:
                    self._missed = set()
                version = self._version()
                index = RecallIndex(self._config, self._load_tokens)
                self._read_all(index)
                with self._lock:
                    self._index, missed, self._missed = index, self._missed or (), None
                    self._data_version = version
                    self.sync(missed)
            return self._index

    def sync(self, ids: Iterable[int]) -> None:
        """Take over what the store now says about these memories: new, changed or gone."""
        with self._lock:
            if self._missed is not None:
                self._missed.update(ids)
            if self._index is None:
                return
            wanted = sorted(set(ids))
            if not wanted:
                return
            entries = self._entries(wanted)
            self._index.remove(wanted)
            self._index.add_many(entries)
            self._fit(self._index, entries)

    def revise(self, ids: Iterable[int]) -> None:
        """These memories gave up a part that recall compares, or have it again; their words are as they were."""
        with self._lock:
            wanted = sorted(set(ids))
            if self._missed is not None:
                self._missed.update(wanted)
            if self._index is not None and wanted:
                entries = self._entries(wanted)
                self._index.revise(entries)
                self._fit(self._index, entries)

    def _fit(self, index: RecallIndex, entries: Sequence[IndexEntry]) -> None:
        """Stay within the budget after these memories' token vectors came into RAM."""
        self._residence.came(entry.id for entry in entries if entry.tokens is not None)
        self._unmeasured += len(entries)
        if self._unmeasured >= MEASURED_EVERY or not self._fits:
            self._fits = self._residence.fit(index, self._unmeasured)
            self._unmeasured = 0

    def drop(self) -> None:
        """Forget everything in RAM; it is loaded again when needed."""
        with self._loading, self._lock:
            self._index = None
            self._residence.forget()

    def held(self) -> dict[str, int]:
        """RAM held by part, as the index accounts for it; nothing while it is not loaded."""
        index = self._index
        return {} if index is None else index.held()

    def _read_all(self, index: RecallIndex) -> None:
        """Load page by page. Over budget, token vectors are left out, and the hottest brought back at the end."""
        last, stemmer, full = 0, Stemmer(), False
        with self._store.reading() as connection:
            self._kept = is_current(connection)
        while True:
            with self._store.reading() as connection:
                page = read_page(connection, last, PAGE, stemmer, self._kept)
            if page is None:
                break
            index.load(page)
            last = page.ids[-1]
            if full:
                index.evict(page.ids)
            elif self._residence.excess(index) > 0:
                full = True
                index.evict(index.standing())
        if full:
            self._residence.fill(index)

    def _entries(self, ids: Sequence[int]) -> list[IndexEntry]:
        """What the store says of these memories; those that are gone are left out."""
        return [
            entry
            for piece in chunks(ids)
            for entry in self._read(f"WHERE m.id IN ({marks(piece)}) ORDER BY m.id", piece)
        ]

    def _read(self, where: str, values: Sequence[int]) -> list[IndexEntry]:
        with self._store.reading() as connection:
            rows = connection.execute(ENTRY_QUERY + where, values).fetchall()
            labels = entities_of(connection, [row[0] for row in rows])
        entries = [entry_of(row, labels.get(row[0], ())) for row in rows]
        return entries if self._kept else [replace(entry, derived=None) for entry in entries]

    def _load_tokens(self, ids: Sequence[int]) -> Mapping[int, TokenCodes]:
        with self._store.reading() as connection:
            found = tokens_of(connection, ids)
        self._residence.came(found)
        return found

    def _version(self) -> int:
        with self._store.reading() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def _follow_writer(self) -> None:
        """Another process may have written to the store: find what differs."""
        with self._lock:
            version = self._version()
            if version == self._data_version:
                return
            self._data_version = version
            with self._store.reading() as connection:
                rows = connection.execute("SELECT id, superseded_by IS NOT NULL FROM memories").fetchall()
            now = {memory: bool(superseded) for memory, superseded in rows}
            known = self._index.standing() if self._index is not None else {}
            self.sync(m for m in now.keys() | known.keys() if now.get(m) is not known.get(m))
