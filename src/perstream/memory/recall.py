"""Recall: which memories a question is about, best first.

Two stages. Candidates are the best by pooled vector and the best by BM25 with neighbours (both with who and
when), those of the time asked for, and what the graph connects with the best. They are ranked by late interaction over
compressed token vectors with speaker, time and word signals. Cost grows linearly with the number of memories:
384 bytes of int8 vectors are read for each, plus the postings of the question's words; the second stage is constant.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

import numpy as np

from perstream.config import MemoryConfig
from perstream.memory.calibrate import confidence
from perstream.memory.compress import project_tokens
from perstream.memory.dense import DenseIndex
from perstream.memory.entry import IndexEntry, Scored
from perstream.memory.late import TokenStore
from perstream.memory.lexical import LexicalIndex, SlotArray, Stemmer
from perstream.memory.phrasing import Question, parse_question
from perstream.memory.rows import Rows
from perstream.memory.signals import WEIGHTS, date_signal, speaker_signal, token_weights
from perstream.types import FloatArray, Query
from perstream.vectors import normalized
from perstream.when import spans


class RecallIndex:
    """The memories as recall ranks them, all in RAM. One lock: one writer, several readers."""

    def __init__(self, config: MemoryConfig) -> None:
        self._config = config
        self._lock = threading.RLock()
        self._stemmer = Stemmer()
        self._rows = Rows()
        self._words = LexicalIndex()
        self._tokens = TokenStore()
        self._dense: DenseIndex | None = None
        self._pictures: dict[int, FloatArray] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """Bytes held: vectors, tokens, words and rows."""
        with self._lock:
            vectors = self._dense.nbytes if self._dense is not None else 0
            pictures = sum(vector.nbytes + 120 for vector in self._pictures.values())
            return (
                vectors + pictures + self._tokens.nbytes + 40 * len(self._rows) + self._words.nbytes + self._rows.nbytes
            )

    # --- writing ----------------------------------------------------------------------------

    def add(self, entry: IndexEntry) -> None:
        """Index a memory, in place of an earlier one of the same id: O(its words)."""
        with self._lock:
            if entry.id in self._rows:
                self.remove((entry.id,))
            times = _own_times(entry)
            slot = self._rows.add(entry, times)
            self._words.add(slot, self._stemmer.terms(entry.text))
            self._tokens.put(slot, entry.tokens)
            if entry.pooled is not None:
                if self._dense is None:
                    self._dense = DenseIndex(len(entry.pooled))
                self._dense.put(slot, entry.pooled)
            if entry.mean_vector is not None:
                self._pictures[slot] = normalized(np.asarray(entry.mean_vector, np.float32).mean(axis=0))

    def add_many(self, entries: Iterable[IndexEntry]) -> None:
        """Index memories in the order given."""
        for entry in entries:
            self.add(entry)

    def remove(self, ids: Iterable[int]) -> None:
        """Forget memories: their words, vectors and tokens leave the index. Unknown ids are no error."""
        with self._lock:
            slots = [slot for slot in (self._rows.slot_of(i) for i in ids) if slot is not None]
            self._words.remove(slots)
            for slot in slots:
                self._tokens.put(slot, None)
                self._pictures.pop(slot, None)
                if self._dense is not None:
                    self._dense.clear(slot)
                self._rows.remove(slot)

    # --- reading ----------------------------------------------------------------------------

    def search(self, query: Query) -> list[Scored]:
        """At most ``query.k`` memories, best first; those the filters shut out are none."""
        with self._lock:
            allowed = self._rows.allowed(query)
            if not allowed.any() or query.k < 1:
                return []
            question = parse_question(query.text, self._rows.speakers, query.now, self._stemmer)
            return self._ranked(query, question, allowed)

    def _ranked(self, query: Query, question: Question, allowed: np.ndarray) -> list[Scored]:
        rows, size = self._rows, self._rows.size
        speaker = speaker_signal(question, rows)
        date = date_signal(question.times, rows)
        bm25 = self._words.scores(question.terms, rows.before, rows.after)
        top = float(bm25.max(initial=0.0))
        words = bm25 / top if top > 0 else bm25
        pooled = self._pooled(query, size)
        picture = self._picture(query, size)

        found: dict[int, list[str]] = {}
        if query.vectors is not None:
            _collect(
                found,
                "dense",
                pooled + WEIGHTS.speaker_dense * speaker + WEIGHTS.date_first * date,
                allowed & (pooled > -1),
            )
        if top > 0:
            _collect(
                found,
                "words",
                words + WEIGHTS.speaker_words * speaker + WEIGHTS.date_first * date,
                allowed & (bm25 > 0),
            )
        if question.times:
            _collect(found, "time", pooled + words + date, allowed & (date >= 0.999))
        if query.picture is not None:
            _collect(found, "picture", picture, allowed & (picture > -1))
        if not found:
            _collect(found, "recent", rows.observed[:size], allowed)
        slots = np.array(sorted(found), np.int64)
        return self._scored(query, question, slots, found, speaker, date, words, pooled, picture)

    def _scored(
        self,
        query: Query,
        question: Question,
        slots: SlotArray,
        found: dict[int, list[str]],
        speaker: FloatArray,
        date: FloatArray,
        words: FloatArray,
        pooled: FloatArray,
        picture: FloatArray,
    ) -> list[Scored]:
        late = np.zeros(len(slots), np.float32)
        if query.vectors is not None:
            weights = token_weights(query.vectors.words, question, self._words, self._stemmer)
            late = self._tokens.maxsim(project_tokens(query.vectors.tokens), weights, slots.tolist())
            if self._dense is not None:
                pooled[slots] = self._dense.exact(normalized(query.vectors.pooled), slots)
            late = np.where(
                late > -1, late, WEIGHTS.late_of_pooled[0] + WEIGHTS.late_of_pooled[1] * np.maximum(pooled[slots], 0)
            )
        parts = {
            "late": late,
            "words": WEIGHTS.words * words[slots],
            "speaker": WEIGHTS.speaker * speaker[slots],
            "date": WEIGHTS.date * date[slots],
            "asks": -WEIGHTS.asks * self._rows.asks[slots].astype(np.float32),
            "dense": WEIGHTS.pooled * np.maximum(pooled[slots], 0.0),
        }
        if query.picture is not None:
            parts["picture"] = np.maximum(picture[slots], 0.0)
        total = np.sum(list(parts.values()), axis=0)
        order = np.lexsort((-self._rows.observed[slots], -total))
        best = order[: query.k]
        scores = confidence(total[best])
        return [
            Scored(
                id=int(self._rows.ids[slots[i]]),
                score=float(score),
                score_parts={name: float(values[i]) for name, values in parts.items() if values[i]},
                path=tuple(found[int(slots[i])]),
            )
            for i, score in zip(best, scores, strict=True)
        ]

    def _pooled(self, query: Query, size: int) -> FloatArray:
        out = np.full(size, -1.0, np.float32)
        if query.vectors is not None and self._dense is not None:
            rough = self._dense.scan(normalized(query.vectors.pooled))[:size]
            out[: len(rough)] = rough
        return out

    def _picture(self, query: Query, size: int) -> FloatArray:
        out = np.full(size, -1.0, np.float32)
        if query.picture is not None and self._pictures:
            wanted = normalized(np.asarray(query.picture, np.float32).mean(axis=0))
            held = [slot for slot, vector in self._pictures.items() if vector.shape == wanted.shape]
            if held:
                out[held] = np.stack([self._pictures[slot] for slot in held]) @ wanted
        return out


def _collect(found: dict[int, list[str]], name: str, score: FloatArray, allowed: np.ndarray) -> None:
    """Note the best candidates of one ranking."""
    slots = np.flatnonzero(allowed)
    if len(slots) > WEIGHTS.candidates:
        slots = slots[np.argpartition(-score[slots], WEIGHTS.candidates - 1)[: WEIGHTS.candidates]]
    for slot in slots.tolist():
        found.setdefault(slot, []).append(name)


def _own_times(entry: IndexEntry) -> Sequence[tuple[float, float]]:
    """The times a memory's own words name, relative to when it was made, as unix seconds."""
    from datetime import datetime, timezone

    made = datetime.fromtimestamp(entry.observed_at, timezone.utc)
    return [(w.since.timestamp(), w.until.timestamp()) for w in spans(entry.text, made)]
