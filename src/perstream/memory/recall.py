"""Recall: which memories a question is about, best first.

Two stages. Candidates are the best by pooled vector and the best by BM25 with neighbours (both with who and
when), those of the time asked for, and what the graph connects with the best. They are ranked by late interaction over
compressed token vectors with speaker, time and word signals. Cost grows linearly with the number of memories:
384 bytes of int8 vectors are read for each, plus the postings of the question's words; the second stage is constant.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perstream.config import MemoryConfig
from perstream.memory.best import best_slots
from perstream.memory.compress import project_tokens
from perstream.memory.dense import DenseIndex
from perstream.memory.derived import derive
from perstream.memory.entry import IndexEntry, Scored, TokenCodes
from perstream.memory.expand import Links
from perstream.memory.late import TokenStore
from perstream.memory.lexical import LexicalIndex, SlotArray, Stemmer
from perstream.memory.page import Page
from perstream.memory.phrasing import Question, parse_question, question_to_embed
from perstream.memory.pictures import Pictures
from perstream.memory.rank import Ranker
from perstream.memory.rows import Rows
from perstream.memory.signals import WEIGHTS, date_signal, speaker_signal
from perstream.types import FloatArray, Query
from perstream.vectors import normalized

BoolArray = NDArray[np.bool_]
EXPANDED = 3
"""The graph is walked from so many of the best."""


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
        self._away: set[int] = set()
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
                "tokens": self._tokens.nbytes + 72 * len(self._away),
                "words": self._words.nbytes,
                "rows": self._rows.nbytes,
                "graph": self._links.nbytes,
            }

    # --- writing ----------------------------------------------------------------------------

    def add(self, entry: IndexEntry) -> None:
        """Index a memory, in place of an earlier one of the same id: O(its words)."""
        with self._lock:
            if entry.id in self._rows:
                self.remove((entry.id,))
            derived = entry.derived or derive(entry.text, entry.observed_at, self._stemmer)
            slot = self._rows.add(entry, derived)
            self._words.add(slot, derived.terms)
            self._tokens.put(slot, entry.tokens)
            self._links.add(slot, entry.entities)
            if entry.pooled is not None:
                if self._dense is None:
                    self._dense = DenseIndex(len(entry.pooled))
                self._dense.put(slot, entry.pooled)
            self._pictures.put(slot, entry.mean_vector)

    def add_many(self, entries: Iterable[IndexEntry]) -> None:
        """Index memories in the order given."""
        for entry in entries:
            self.add(entry)

    def load(self, page: Page) -> None:
        """Index memories that the store read all at once: as :meth:`add` one by one, into an index that removed none."""
        with self._lock:
            first = self._rows.extend(page)
            self._words.extend(first, page.terms)
            self._tokens.extend(first, page.tokens, page.scales)
            self._links.extend(first, [page.entities.get(memory, ()) for memory in page.ids])
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
                self._away.discard(slot)
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
                    self._tokens.put(slot, None)
                    self._away.add(slot)

    def holds_tokens(self, memory: int) -> bool:
        """Are the token vectors of a memory in RAM (or were there never any)?"""
        with self._lock:
            slot = self._rows.slot_of(memory)
            return slot is not None and slot not in self._away

    def bring_back(self, ids: Iterable[int]) -> None:
        """Load the token vectors of memories that were evicted."""
        with self._lock:
            self._bring_back(slot for slot in map(self._rows.slot_of, ids) if slot is not None)

    def strip(self, ids: Iterable[int], vectors: bool) -> None:
        """Memories gave up a part: their text and token ``vectors``, else those of their picture.

        Words, neighbours and links stay as they are: a memory is still found by them.
        """
        with self._lock:
            for slot in (self._rows.slot_of(i) for i in ids):
                if slot is None:
                    continue
                if not vectors:
                    self._pictures.put(slot, None)
                    continue
                self._tokens.put(slot, None)
                self._away.discard(slot)
                if self._dense is not None:
                    self._dense.clear(slot)

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
            if not allowed.any() or query.k < 1:
                return []
            question = parse_question(query.text, self._rows.speakers, query.now, self._stemmer)
            found, ranker = self._candidates(query, question, allowed)
            slots = np.array(sorted(found), np.int64)
            self._bring_back(slots)
            ranked = ranker.rank(slots)
            more = self._expanded(ranked.slots[:EXPANDED], found, allowed)
            if more:
                # What the graph adds must be relevant by itself; it is ranked by the same score.
                self._bring_back(sorted(more))
                reached = ranker.rank(np.array(sorted(more), np.int64))
                kept = reached.slots[reached.confidence >= self._config.delta_dfs_threshold]
                found.update({int(slot): more[int(slot)] for slot in kept})
                if len(kept):
                    ranked = ranker.rank(np.concatenate([slots, kept]))
            return [
                Scored(
                    id=int(self._rows.ids[slot]),
                    score=float(ranked.confidence[i]),
                    score_parts={name: float(values[i]) for name, values in ranked.parts.items() if values[i]},
                    path=tuple(found[int(slot)]),
                )
                for i, slot in enumerate(ranked.slots[: query.k])
            ]

    def _candidates(self, query: Query, question: Question, allowed: BoolArray) -> tuple[dict[int, list[str]], Ranker]:
        """The slots worth a closer look and by which rankings, and what looks closer."""
        rows = self._rows
        speaker = speaker_signal(question, rows)
        date = date_signal(question.times, rows)
        bm25 = self._words.scores(question.terms, rows.before, rows.after)
        words = bm25 / max(float(bm25.max(initial=0.0)), 1e-9)
        pooled = self._pooled(query)
        picture = self._pictures.cosines(query.picture, rows.size)
        when = WEIGHTS.date_first * date
        found: dict[int, list[str]] = {}
        if query.vectors is not None:
            _collect(found, "dense", pooled + WEIGHTS.speaker_dense * speaker + when, allowed & (pooled > -1))
        _collect(found, "words", words + WEIGHTS.speaker_words * speaker + when, allowed & (bm25 > 0))
        if question.times:
            _collect(found, "time", pooled + words + date, allowed & (date >= WEIGHTS.date_candidates))
        if query.picture is not None:
            _collect(found, "picture", picture, allowed & (picture > -1))
        if not found:
            _collect(found, "recent", rows.observed[: rows.size], allowed)
        tokens, exact = None, None
        if query.vectors is not None:
            tokens = project_tokens(query.vectors.tokens)
            if self._dense is not None:
                dense, wanted = self._dense, normalized(query.vectors.pooled)
                exact = lambda slots: dense.exact(wanted, slots)  # noqa: E731
        ranker = Ranker(
            question=question,
            rows=rows,
            words=self._words,
            stemmer=self._stemmer,
            tokens=self._tokens,
            question_tokens=tokens,
            question_words=query.vectors.words if query.vectors is not None else (),
            pooled=exact,
            speaker=speaker,
            date=date,
            bm25=words,
            picture=picture if query.picture is not None else None,
        )
        return found, ranker

    def _bring_back(self, slots: Iterable[int]) -> None:
        """Load the token vectors of candidates that were evicted."""
        wanted = {int(self._rows.ids[slot]): int(slot) for slot in slots if int(slot) in self._away}
        if wanted and self._load_tokens is not None:
            for memory, tokens in self._load_tokens(list(wanted)).items():
                self._tokens.put(wanted[memory], tokens)
            self._away.difference_update(wanted.values())

    def _expanded(self, best: SlotArray, found: dict[int, list[str]], allowed: BoolArray) -> dict[int, list[str]]:
        """Neighbours in time of the best and memories that share an entity with them, not found yet."""
        out: dict[int, list[str]] = {}
        if not self._config.graph_depth:
            return out
        for slot in best.tolist():
            origin = int(self._rows.ids[slot])
            for near in (int(self._rows.before[slot]), int(self._rows.after[slot])):
                if near >= 0 and near not in found and allowed[near]:
                    out.setdefault(near, [f"neighbour:{origin}"])
            for label, reached in self._links.walk(slot, self._config.graph_depth):
                if reached not in found and allowed[reached]:
                    out.setdefault(reached, [f"from:{origin}", f"entity:{label}"])
        return out

    def _pooled(self, query: Query) -> FloatArray:
        out = np.full(self._rows.size, -1.0, np.float32)
        if query.vectors is not None and self._dense is not None:
            rough = self._dense.scan(normalized(query.vectors.pooled))[: len(out)]
            out[: len(rough)] = rough
        return out


def _collect(found: dict[int, list[str]], name: str, score: NDArray[np.floating], allowed: BoolArray) -> None:
    """Note the best candidates of one ranking."""
    for slot in best_slots(score, allowed, WEIGHTS.candidates).tolist():
        found.setdefault(slot, []).append(name)
