"""The memory room's front: remember, recall, read, forget. One writer; reads from any thread."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perstream.config import MemoryConfig
from perstream.errors import NotFound
from perstream.memory import ages, backup, graph, reads, redactions, status, walk
from perstream.memory.agenda import Agenda
from perstream.memory.audit import AuditReport
from perstream.memory.backups import Backups
from perstream.memory.closing import settle
from perstream.memory.columns import normalize, to_micros
from perstream.memory.engine import PLAIN, Keys
from perstream.memory.entities import Entities
from perstream.memory.entry import Scored
from perstream.memory.exchange import Exchange
from perstream.memory.facts import Fact, facts_about, held_at
from perstream.memory.feedback import Feedback
from perstream.memory.keeper import Keeper
from perstream.memory.live import LiveIndex
from perstream.memory.rebuild import Rebuilder, Rebuilt
from perstream.memory.reduce import Order, Plan
from perstream.memory.status import MemoryStatus
from perstream.memory.store import Store
from perstream.memory.visits import Visits
from perstream.memory.writes import correct, insert, write_visits
from perstream.protocols import Visuals
from perstream.types import (
    FloatArray,
    Gap,
    Hit,
    MemoryRecord,
    NewMemory,
    Provenance,
    Query,
    Receipt,
    Selector,
    TextVectors,
    Triplet,
)

if TYPE_CHECKING:
    import networkx


class Memory:
    """The personal memory graph of one store folder."""

    def __init__(self, store: Store, config: MemoryConfig, embed: Callable[[Sequence[str]], FloatArray]) -> None:
        """Use :meth:`open`."""
        self._store = store
        self._config = config
        self._entities = Entities(config.rho, embed)
        self._index = LiveIndex(store, config, lambda: self._entities.nbytes)
        self._visits = Visits()
        self.walk = walk.Walk(store)
        self._keeper = Keeper(store, config, self._entities, self._index)
        self.exchange = Exchange(store, config, (self._entities, self._index, self._visits, self._keeper))
        """Export and import."""
        self.feedback, self.agenda, self.backups = Feedback(store, store.read_only), Agenda(store), Backups(store)
        self.ages, self.redactions = ages.Ages(store, self._keeper), redactions.Redactions(store)

    @classmethod
    def open(
        cls,
        folder: Path,
        config: MemoryConfig,
        embed: Callable[[Sequence[str]], FloatArray],
        *,
        read_only: bool = False,
        keys: Keys = PLAIN,
    ) -> Memory:
        """Open or create the store in ``folder``; for reading alone beside another process that writes.

        ``embed`` turns labels of entities into vectors [n, dimension], L2-normalised; ``keys`` open what is encrypted.
        Raises StoreBusy when another process writes here, StoreError for what cannot be opened.
        """
        memory = cls(Store(folder, read_only, keys), config, embed)
        if not read_only:
            try:
                memory._keeper.finish_forgetting()
            except BaseException:
                memory.close()
                raise
        return memory

    # --- writing --------------------------------------------------------------------------

    def remember(self, new: NewMemory) -> MemoryRecord:
        """Store a memory; it is on disk when this returns. Raises StoreError, and then nothing is stored.

        The owner's words repeated within ten minutes are the same memory, visited once more.
        """
        return self.remember_all([new])[0]

    def remember_all(self, news: Iterable[NewMemory]) -> builtins.list[MemoryRecord]:
        """Store several memories in one transaction: all of them or, on an error, none."""
        ids: builtins.list[int] = []
        touched: set[int] = set()
        try:
            with self._store.writing() as connection:
                write_visits(connection, self._visits.take())
                for new in news:
                    kept = new if self._config.thumbnails else replace(new, thumbnail=None)
                    memory, changed = insert(connection, kept, self._entities)
                    ids.append(memory)
                    touched |= changed
                records = reads.by_id(connection, ids, {})
        except BaseException:
            self._entities.forget_cache()
            raise
        self._index.sync(touched)
        self._keeper.stay_within_budget(max(1, len(ids)))
        return [records[memory] for memory in ids]

    def correct(self, id: int, text: str, vectors: TextVectors, triplets: Sequence[Triplet]) -> MemoryRecord:
        """Put another text, with its vectors and triplets, in the place of a memory's. Raises NotFound."""
        try:
            with self._store.writing() as connection:
                changed = correct(connection, id, text, vectors, triplets, self._entities)
                record = reads.one(connection, id, {})
        finally:
            self._entities.forget_cache()
        self._index.sync(changed)
        return record

    def pin(self, id: int, pinned: bool) -> None:
        """A pinned memory is never reduced. Raises NotFound."""
        with self._store.writing() as connection:
            if not connection.execute("UPDATE memories SET pinned = ? WHERE id = ?", (int(pinned), id)).rowcount:
                raise NotFound(f"there is no memory {id}")

    def record_gap(self, gap: Gap) -> None:
        """Keep a stretch of the timeline that has no pictures."""
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO gaps (source, start_s, end_s, started_at, ended_at, reason) VALUES (?,?,?,?,?,?)",
                (gap.source, gap.start_s, gap.end_s, to_micros(gap.started_at), to_micros(gap.ended_at), gap.reason),
            )

    # --- reading --------------------------------------------------------------------------

    def recall(self, query: Query) -> builtins.list[Hit]:
        """The ``query.k`` memories that fit best, best first, each once.

        Word-for-word repetitions count as one result, the best of them.
        """
        if query.as_of is not None:
            # What came later was not known; what was replaced since may have held.
            known = query.as_of + timedelta(microseconds=1)
            until = known if query.until is None else min(known, query.until)
            query = replace(query, include_superseded=True, until=until)
        wanted = query.k + 5
        scored = self._index.search(replace(query, k=wanted))
        best = self._distinct(scored, query.k, query.as_of)
        while len(best) < query.k and len(scored) == wanted:  # many repetitions: look further
            wanted *= 4
            scored = self._index.search(replace(query, k=wanted))
            best = self._distinct(scored, query.k, query.as_of)
        if not self._store.read_only:
            threshold = self._config.delta_dfs_threshold
            self._visits.note([hit.memory.id for hit in best if hit.score >= threshold], query.now)
        return best

    def to_embed(self, question: str) -> str:
        """What of a question to embed for :meth:`recall`: without preamble, and as whom it names would put it."""
        return self._index.to_embed(question)

    def warm(self) -> None:
        """Load the recall index now, so that the first question need not wait for it. Any thread."""
        self._index.ready()

    def get(self, id: int) -> MemoryRecord:
        """One memory. Raises NotFound."""
        with self._store.reading() as connection:
            return reads.one(connection, id, self._visits.counts())

    def list(
        self,
        *,
        limit: int = 100,
        before_id: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        source: str | None = None,
        category: str | None = None,
        provenance: Provenance | None = None,
    ) -> builtins.list[MemoryRecord]:
        """Newest first; ``before_id`` is the last memory of the page before."""
        with self._store.reading() as connection:
            chosen = reads.Filter(before_id, since, until, source, category, provenance)
            return reads.select(connection, chosen, limit, self._visits.counts())

    def count(self) -> int:
        """How many memories there are."""
        with self._store.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM memories").fetchone()[0])

    def neighbours(self, record: MemoryRecord, seconds: float) -> builtins.list[MemoryRecord]:
        """Memories of the same source within ``seconds``, in order of time."""
        with self._store.reading() as connection:
            return reads.neighbours(connection, record, seconds, self._visits.counts())

    def entities_of(self, id: int) -> tuple[str, ...]:
        """Labels of the things a memory is about."""
        with self._store.reading() as connection:
            return reads.entities_of(connection, [id]).get(id, ())

    def facts(self, subject: str, *, at: datetime | None = None) -> builtins.list[Fact]:
        """What was stated about a subject that has one value at a time, oldest first; with ``at``, what held then."""
        with self._store.reading() as connection:
            return facts_about(connection, subject, at)

    def graph(self) -> networkx.MultiDiGraph[Any]:
        """A copy of the graph; :func:`perstream.memory.graph.build` says what is in it."""
        with self._store.reading() as connection:
            return graph.build(connection)

    def visuals(self, ids: Sequence[int]) -> dict[int, Visuals]:
        """Patch vectors of these memories, of those that still have any."""
        with self._store.reading() as connection:
            return reads.visuals(connection, ids)

    def thumbnail(self, id: int) -> bytes | None:
        """The JPEG of a memory that was seen, or None."""
        with self._store.reading() as connection:
            return reads.thumbnail(connection, id)

    def gaps(self, since: datetime | None = None, until: datetime | None = None) -> builtins.list[Gap]:
        """Stretches without pictures that touch the span, in order of time."""
        with self._store.reading() as connection:
            return reads.gaps(connection, since, until)

    def status(self) -> MemoryStatus:
        """Counts and sizes."""
        parts = self._index.held()
        with self._store.reading() as connection:
            return status.take(connection, self._store.path, self._entities.nbytes, parts, self._config)

    # --- giving up ------------------------------------------------------------------------

    def forget(self, selector: Selector, dry_run: bool = False) -> Receipt:
        """Remove the chosen memories from every file of the store, its backups included.

        An empty selector matches nothing. Raises StoreError.
        """
        return self._keeper.forget(selector, dry_run)

    def reduce(self, nbytes: int, order: Order | None = None, dry_run: bool = False) -> Plan:
        """Give up parts of memories until ``nbytes`` are freed, in the strategy's order (default: the setting's)."""
        return self._keeper.reduce(nbytes, order or self._config.reduction, dry_run)

    def rebuild(self, embed_tokens: Callable[[str], TextVectors], most: int | None = None) -> Rebuilt:
        """Make the text vectors that reduction gave up anew, hottest memories first, while the disk budget has room.

        ``embed_tokens`` is the embedder's that made the others; at most ``most`` memories. Raises StoreError.
        """
        return Rebuilder(self._store, self._index, self._config.disk_budget_mb).run(embed_tokens, most)

    def audit(self, fix: bool = False) -> AuditReport:
        """Look for what does not belong, as a reader; with ``fix`` put it right in one transaction. Raises StoreError."""
        return self._keeper.audit(fix)

    def backup(self, target: Path | None = None) -> Path:
        """Copy the store while it is in use, as a reader too; ``backup.restore`` brings it back. Raises StoreError."""
        return backup.of(self._store, target)

    def close(self) -> None:
        """Write what is left to write and let the next writer in. Safe to call twice."""
        if not self._store.read_only and not self._store.closed:
            settle(self._store, self._visits, self.feedback)
        self._index.drop()
        self._store.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _distinct(self, scored: builtins.list[Scored], k: int, as_of: datetime | None) -> builtins.list[Hit]:
        """The first ``k`` with different words, as records; with ``as_of`` of those that held then."""
        with self._store.reading() as connection:
            records = reads.by_id(connection, [s.id for s in scored], self._visits.counts())
        hits: dict[str, Hit] = {}
        for found in scored:
            record = records.get(found.id)  # None when it was forgotten a moment ago
            if record is not None and len(hits) < k and (as_of is None or held_at(record, as_of)):
                key = f"{record.speaker}\x1f{normalize(record.text)}"
                hits.setdefault(key, Hit(record, found.score, found.score_parts, found.path))
        return builtins.list(hits.values())
