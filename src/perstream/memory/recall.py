"""Recall: which memories a question is about, best first.

Two stages. Candidates are the best by pooled vector and the best by BM25 with neighbours (both with who and
when), those of the time asked for, and what the graph connects with the best. They are ranked by late interaction over
compressed token vectors with speaker, time and word signals. Cost grows with the number of memories by the scan of
their vectors and the postings of the question's words; every other signal is looked up for the candidates alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from perstream.config import MemoryConfig
from perstream.memory.bm25 import WordSearch
from perstream.memory.candidates import BoolArray, Candidates
from perstream.memory.compress import project_tokens
from perstream.memory.dense import DenseIndex
from perstream.memory.derived import derive
from perstream.memory.entry import IndexEntry, Scored, TokenCodes
from perstream.memory.expand import around
from perstream.memory.late import TokenStore
from perstream.memory.lexical import LexicalIndex, Stemmer
from perstream.memory.links import Links
from perstream.memory.page import Page
from perstream.memory.phrasing import parse_question, question_to_embed
from perstream.memory.pictures import Pictures
from perstream.memory.rank import Ranker
from perstream.memory.rows import Rows
from perstream.memory.signals import Days, Who, token_weights
from perstream.types import FloatArray, HalfArray, Query
from perstream.vectors import normalized

EXPANDED = 3
"""The graph is walked from so many of the best."""
AT_ONCE = 64
"""Memories added while a search waits."""


class RecallIndex:
    """The memories as recall ranks them, all in RAM. One lock: one writer, several readers."""

    def __init__(
        self,
        config: MemoryConfig,
        load_tokens: Callable[[Sequence[int]], Mapping[int, TokenCodes]] | None = None,
    ) -> None:
        """``load_tokens`` gives the token vectors of memories (ids) whose were taken out of RAM."""
        self._config = config
        self._load_tokens = load_tokens
        self._lock = threading.RLock()
        self._stemmer = Stemmer()
        self._rows = Rows()
        self._words = LexicalIndex()
        self._tokens = TokenStore()
        self._links = Links()
        self._dense: DenseIndex | None = None
        self._pictures = Pictures()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """Bytes held, all parts together."""
        return sum(self.held().values())

    def held(self) -> dict[str, int]:
        """Bytes held, by part: token vectors can be evicted, the rest is needed to find a memory at all."""
        with self._lock:
            vectors = self._dense.nbytes if self._dense is not None else 0
            return {
                "vectors": vectors + self._pictures.nbytes,
                "tokens": self._tokens.nbytes,
                "words": self._words.nbytes,
                "rows": self._rows.nbytes,
                "graph": self._links.nbytes,
            }

    # --- writing ----------------------------------------------------------------------------

    def add(self, entry: IndexEntry) -> None:
        """Index a memory, in place of an earlier one of the same id: O(its words)."""
        self.add_many((entry,))

    def add_many(self, entries: Iterable[IndexEntry]) -> None:
        """Index memories in the order given; a search may run after each AT_ONCE of them."""
        rest = iter(entries)
        while piece := tuple(islice(rest, AT_ONCE)):
            with self._lock:
                vectors = {}
                for entry in piece:
                    slot = self._add(entry)
                    vectors[slot] = entry.pooled
                self._put_vectors({slot: vector for slot, vector in vectors.items() if vector is not None})

    def _add(self, entry: IndexEntry) -> int:
        """Everything but the pooled vector."""
        if entry.id in self._rows:
            self.remove((entry.id,))
        derived = entry.derived or derive(entry.text, entry.observed_at, self._stemmer)
        slot = self._rows.add(entry, derived)
        self._words.add(slot, derived.terms)
        self._tokens.put(slot, entry.tokens)
        if entry.entities:
            self._links.add(slot, entry.entities)
        self._pictures.put(slot, entry.mean_vector)
        return slot

    def _put_vectors(self, vectors: Mapping[int, HalfArray | FloatArray]) -> None:
        """Keep pooled vectors by slot: many at once cost a quarter each."""
        if vectors:
            slots = sorted(vectors)
            stacked: NDArray[np.floating] = np.array([vectors[slot] for slot in slots])
            if self._dense is None:
                self._dense = DenseIndex(stacked.shape[1])
            self._dense.put_many(np.array(slots), stacked)

    def load(self, page: Page) -> None:
        """Index memories that the store read all at once: as :meth:`add` one by one, into an index that removed none."""
        with self._lock:
            first = self._rows.extend(page)
            self._words.extend(first, page.terms)
            self._tokens.extend(first, page.tokens, page.scales)
            self._links.extend(first, page.mentioning, page.mentioned, page.names)
            held = [place for place, blob in enumerate(page.pooled) if blob]
            if held:
                vectors = np.frombuffer(b"".join(page.pooled[place] or b"" for place in held), np.float16)
                vectors = vectors.reshape(len(held), -1)
                if self._dense is None:
                    self._dense = DenseIndex(vectors.shape[1])
                self._dense.put_many(np.array(held) + first, vectors)
            for place, mean in page.pictures.items():
                self._pictures.put(first + place, mean)

    def remove(self, ids: Iterable[int]) -> None:
        """Forget memories: their words, vectors and tokens leave the index. Unknown ids are no error."""
        with self._lock:
            slots = [slot for slot in map(self._rows.slot_of, dict.fromkeys(ids)) if slot is not None]
            self._words.remove(slots)
            for slot in slots:
                self._tokens.put(slot, None)
                self._links.remove(slot)
                self._pictures.put(slot, None)
                if self._dense is not None:
                    self._dense.clear(slot)
                self._rows.remove(slot)

    def evict(self, ids: Iterable[int]) -> None:
        """Take the token vectors of memories out of RAM; search loads them again when it wants them."""
        with self._lock:
            for slot in (self._rows.slot_of(i) for i in ids):
                if slot is not None:
                    self._tokens.evict(slot)

    def holds_tokens(self, memory: int) -> bool:
        """Are the token vectors of a memory in RAM (or were there never any)?"""
        with self._lock:
            slot = self._rows.slot_of(memory)
            return slot is not None and not self._tokens.is_away(slot)

    def bring_back(self, ids: Iterable[int]) -> None:
        """Load the token vectors of memories that were evicted."""
        with self._lock:
            self._bring_back(slot for slot in map(self._rows.slot_of, ids) if slot is not None)

    def revise(self, entries: Iterable[IndexEntry]) -> None:
        """Memories whose vectors came or went: an entry has what they have now; words, neighbours and links stay."""
        with self._lock:
            vectors = {}
            for entry in entries:
                slot = self._rows.slot_of(entry.id)
                if slot is None:
                    continue
                self._tokens.put(slot, entry.tokens)
                self._pictures.put(slot, entry.mean_vector)
                if entry.pooled is not None:
                    vectors[slot] = entry.pooled
                elif self._dense is not None:
                    self._dense.clear(slot)
            self._put_vectors(vectors)

    def standing(self) -> dict[int, bool]:
        """Every memory in the index: is it superseded?"""
        with self._lock:
            alive = np.flatnonzero(self._rows.alive[: self._rows.size])
            superseded = ~self._rows.current[alive]
            return dict(zip(self._rows.ids[alive].tolist(), superseded.tolist(), strict=True))

    # --- reading ----------------------------------------------------------------------------

    def to_embed(self, text: str) -> str:
        """What of a question to embed: see :func:`perstream.memory.phrasing.question_to_embed`."""
        with self._lock:
            return question_to_embed(text, tuple(self._rows.speakers))

    def nearest(self, vector: FloatArray, k: int) -> list[tuple[int, float]]:
        """The ``k`` memories of the nearest pooled vectors, exactly: ids and cosines, best first."""
        with self._lock:
            if self._dense is None or not len(self._rows):
                return []
            slots, values = self._dense.search(normalized(vector), k)
            return [(int(self._rows.ids[slot]), float(value)) for slot, value in zip(slots, values, strict=True)]

    def search(self, query: Query) -> list[Scored]:
        """At most ``query.k`` memories, best first; those the filters shut out are none."""
        with self._lock:
            allowed = self._rows.allowed(query)
            if query.k < 1 or not (len(self._rows) if allowed is None else allowed.any()):
                return []
            found, ranker = self._candidates(query, allowed)
            slots = np.array(sorted(found), np.int64)
            self._bring_back(slots)
            seen = ranker.look(slots)
            ranked = ranker.rank(seen)
            more = around(
                ranked.slots[:EXPANDED].tolist(), found, allowed, self._rows, self._links, self._config.graph_depth
            )
            if more:
                # What the graph adds must be relevant by itself; it is ranked by the same score.
                slots = np.array(sorted(more), np.int64)
                self._bring_back(slots)
                reached = ranker.look(slots)
                sure = ranker.rank(reached)
                kept = sure.slots[sure.confidence >= self._config.delta_dfs_threshold]
                found.update({int(slot): more[int(slot)] for slot in kept})
                if len(kept):
                    ranked = ranker.rank(seen.joined(reached, np.isin(slots, kept)))
            return [
                Scored(
                    id=int(self._rows.ids[slot]),
                    score=float(ranked.confidence[i]),
                    score_parts={name: float(values[i]) for name, values in ranked.parts.items() if values[i]},
                    path=tuple(found[int(slot)]),
                )
                for i, slot in enumerate(ranked.slots[: query.k])
            ]

    def _candidates(self, query: Query, allowed: BoolArray | None) -> tuple[dict[int, list[str]], Ranker]:
        """The slots worth a closer look and by which rankings, and what looks closer."""
        rows, vectors = self._rows, query.vectors
        question = parse_question(query.text, rows.speakers, query.now, self._stemmer)
        who, days = Who(question, rows), Days(question.times, rows)
        words = WordSearch(self._words, question.terms, rows.before, rows.after)
        first = Candidates(rows.size, allowed)
        tokens, weights = None, np.zeros(0, np.float32)
        if vectors is not None:
            first.by_vector(self._dense, normalized(vectors.pooled), who, days)
            tokens = project_tokens(vectors.tokens)
            weights = token_weights(vectors.words, question, self._words, self._stemmer)
        first.by_words(words, who, days)
        if days:
            first.by_days(words, days)
        picture = None
        if query.picture is not None:
            picture = self._pictures.cosines(query.picture, rows.size)
            first.by_picture(picture)
        if not first.found:
            first.by_age(rows.observed[: rows.size])
        return first.found, Ranker(
            question=question,
            rows=rows,
            words=words,
            tokens=self._tokens,
            question_tokens=tokens,
            token_weights=weights,
            pooled=first.cosines,
            who=who,
            days=days,
            picture=picture,
        )

    def _bring_back(self, slots: Iterable[int]) -> None:
        """Load the token vectors of candidates that were evicted."""
        wanted = {int(self._rows.ids[slot]): int(slot) for slot in slots if self._tokens.is_away(int(slot))}
        if wanted and self._load_tokens is not None:
            loaded = self._load_tokens(list(wanted))
            for memory, slot in wanted.items():
                self._tokens.put(slot, loaded.get(memory))
