"""The best memories by BM25 with neighbours, exactly, without looking at all memories.

The rare terms first: every memory that says one, or whose neighbour does. Frequent terms count in full as what they
may add at most, as in Turtle & Flood, "Query evaluation: strategies and optimizations", IPM 1995, section 3
(max-score); their postings are gone through only if that does not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from perstream.memory.best import best_slots
from perstream.memory.lexical import K1, NEIGHBOUR, B, LexicalIndex, Neighbours, SlotArray
from perstream.types import FloatArray

RARE = 20_000
"""Postings gone through in any case."""
TOO_MANY = 4096
"""When more memories than this may still be among the best, the frequent terms are gone through."""
_ROUNDING = 1 + 1e-5
_LEAST = 1e-20
Bonus = Callable[[SlotArray], FloatArray]
"""Of slots; 0 or more."""


class WordSearch:
    """The words of one question against all memories. Holds while nobody writes."""

    def __init__(self, index: LexicalIndex, terms: Iterable[str], before: Neighbours, after: Neighbours) -> None:
        """``before`` and ``after`` give each slot's neighbours, -1 for none."""
        self._index, self._before, self._after = index, before, after
        self.terms = tuple(terms)
        self.idf = {term: index.idf(term) for term in self.terms}
        rare_first = sorted((term for term in self.terms if index.frequency(term)), key=index.frequency)
        much = np.cumsum([index.frequency(term) for term in rare_first])
        few = max(1, int(np.searchsorted(much, RARE, side="right")))
        self._later = rare_first[few:]
        self._rest = sum(map(self._most, self._later))
        """What the terms not gone through may add to any memory."""
        self._totals = np.zeros(len(before) + 1, np.float32)
        """By slot, of the terms gone through; the last place, -1, is nobody's."""
        self._go_through(rare_first[:few])
        self.top = max(float(self._best(1, None, 1.0, None, 0.0)[1].max(initial=0.0)), 1e-9)
        """The best score of all."""

    def counts(self, slots: SlotArray) -> tuple[FloatArray, FloatArray]:
        """How often some memories say each term, and their neighbours at half weight: two of [terms, slots]."""
        wanted = np.concatenate([slots, self._before[slots], self._after[slots]])
        found = np.empty((len(self.terms), 3, len(slots)), np.float32)
        for i, term in enumerate(self.terms):
            found[i] = self._index.postings.counts(term, wanted).reshape(3, -1)
        return found[:, 0], NEIGHBOUR * (found[:, 1] + found[:, 2])

    def scores(self, slots: SlotArray, counts: tuple[FloatArray, FloatArray] | None = None) -> FloatArray:
        """BM25 of some memories; ``counts`` where they are known already."""
        own, near = counts or self.counts(slots)
        norm = self._index.norms(slots)
        total = np.zeros(len(slots), np.float32)
        for term, tf in zip(self.terms, own + near, strict=True):
            total += self.idf[term] * tf * (K1 + 1) / (tf + norm)
        return total

    def totals(self, slots: SlotArray) -> FloatArray:
        """The same for very many: O(slots), after all postings have been gone through once."""
        if len(slots) <= TOO_MANY:
            return self.scores(slots)
        self._complete()
        return self._totals[slots]

    def best(
        self,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        bonus: Bonus | None = None,
        most: float = 0.0,
    ) -> SlotArray:
        """The ``k`` allowed slots that say something of it, of the best scores relative to ``top`` and with ``bonus``.

        ``most`` is the largest bonus there is. In no order; of equals any.
        """
        return self._best(k, allowed, self.top, bonus, most)[0]

    def _best(
        self, k: int, allowed: NDArray[np.bool_] | None, divisor: float, bonus: Bonus | None, most: float
    ) -> tuple[SlotArray, FloatArray]:
        found = self._try(k, allowed, divisor, bonus, most)
        if found is None:
            self._complete()
            found = self._try(k, allowed, divisor, bonus, most)
        assert found is not None
        return found

    def _try(
        self, k: int, allowed: NDArray[np.bool_] | None, divisor: float, bonus: Bonus | None, most: float
    ) -> tuple[SlotArray, FloatArray] | None:
        """The best and their scores; None where the terms gone through do not decide."""
        totals, open_to = self._totals[:-1], self._rest / divisor + most
        slots = best_slots(totals, allowed, k)
        slots = slots[totals[slots] > 0]
        if open_to:
            # Neither the terms left nor a bonus lift the others over these.
            cut = float(totals[slots].min()) if len(slots) == k else 0.0
            slots = np.flatnonzero(totals >= max((cut - open_to * divisor) / _ROUNDING, _LEAST))
            if allowed is not None:
                slots = slots[allowed[slots]]
            if self._rest and len(slots) > TOO_MANY:
                return None
        values = (self.scores(slots) if self._rest else totals[slots]) / np.float32(divisor)
        if bonus is not None:
            values = values + bonus(slots)
        best = best_slots(values, None, k)
        if self._rest and (len(best) < k or float(values[best].min()) < open_to * _ROUNDING):
            return None
        return slots[best], values[best]

    def _complete(self) -> None:
        later, self._later, self._rest = self._later, [], 0.0
        self._go_through(later)

    def _most(self, term: str) -> float:
        """What a term adds at most: said by a memory and both its neighbours as often as by anybody, in no other word."""
        tf = 2 * float(self._index.postings.of(term)[1].max())
        return self.idf[term] * tf * (K1 + 1) / (tf + K1 * (1 - B))

    def _go_through(self, terms: Iterable[str]) -> None:
        """Add the scores of terms to the totals of those who say them and of their neighbours."""
        totals, index, heard = self._totals, self._index, np.zeros_like(self._totals)
        lengths, norms = index.lengths, index.norms_by_length()
        for term in terms:
            slots, counts = index.postings.of(term)
            weight = np.float32(self.idf[term] * (K1 + 1))
            ways = slots, self._before.take(slots).astype(np.int64), self._after.take(slots).astype(np.int64)
            heard[slots] = counts
            for way in ways[1:]:
                np.add.at(heard, way, np.float32(NEIGHBOUR) * counts)
            heard[-1] = 0
            for way in ways:
                # A slot has one neighbour on a side, so none stands twice in a way; over all three each counts once.
                tf = heard.take(way)
                norm = norms.take(lengths.take(way))
                norm += tf
                tf *= weight
                tf /= norm
                np.add.at(totals, way, tf)
                heard[way] = 0
