"""The first stage: which few of all memories are worth a closer look.

The best by pooled vector and the best by BM25 with neighbours, both with who and when; those of the time asked for;
those that look like the picture. No array of all memories is made but where a search is told what it may find.

What is found is exact where the bonuses cannot lift a memory over those already found, or where at most FEW
memories get one; only a stretch of time that holds more is searched by its best vectors and words alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.memory.best import best_slots
from perstream.memory.bm25 import WordSearch
from perstream.memory.dense import DenseIndex
from perstream.memory.lexical import SlotArray
from perstream.memory.signals import WEIGHTS, Days, Who
from perstream.types import FloatArray

BoolArray = NDArray[np.bool_]
FEW = 100_000
"""So many memories of a stretch of time are compared one by one: 10 ms."""
AHEAD = 200
"""Nearest vectors looked at before a bonus for who or when reorders them."""


class Candidates:
    """Collects the slots worth a closer look, each with the rankings that found it."""

    def __init__(self, size: int, allowed: BoolArray | None) -> None:
        """``size`` slots there are; None allows them all."""
        self.found: dict[int, list[str]] = {}
        self._size = size
        self._allowed = allowed
        self._dense: DenseIndex | None = None
        self._wanted: FloatArray = np.zeros(0, np.float32)
        self._near: tuple[SlotArray, FloatArray] | None = None

    def by_vector(self, dense: DenseIndex | None, wanted: FloatArray, who: Who, days: Days) -> None:
        """The nearest to a unit vector."""
        self._dense, self._wanted = dense, wanted
        if dense is None:
            return
        if not who.matters and not days:
            self._note("dense", self._nearest(WEIGHTS.candidates)[0])
            return

        def bonus(slots: SlotArray) -> FloatArray:
            return WEIGHTS.speaker_dense * who.at(slots) + WEIGHTS.date_first * days.at(slots)

        ahead = AHEAD if who.matters else WEIGHTS.candidates
        slots, cosines = self._nearest(ahead)
        ranked = cosines + bonus(slots)
        best = WEIGHTS.speaker_dense + WEIGHTS.date_first * bool(days)
        if len(slots) == ahead and np.sort(ranked)[-WEIGHTS.candidates] < cosines[-1] + best:
            # Somebody further off may still come before these, lifted by the bonus.
            more = [slots]
            if who.matters and np.count_nonzero(who.at(slots) == 1) < WEIGHTS.candidates:
                more.append(self._nearest(WEIGHTS.candidates, who.favoured())[0])
            if days:
                near, cosines = self._of_days(days)
                more.append(near[best_slots(cosines + bonus(near), cosines > -1, WEIGHTS.candidates)])
            slots = np.unique(np.concatenate(more))
            ranked = self.cosines(slots) + bonus(slots)
        self._note("dense", slots[best_slots(ranked, None, WEIGHTS.candidates)])

    def by_words(self, words: WordSearch, who: Who, days: Days) -> None:
        """The best by their words."""

        def bonus(slots: SlotArray) -> FloatArray:
            return WEIGHTS.speaker_words * who.at(slots) + WEIGHTS.date_first * days.at(slots)

        if who.matters or days:
            most = WEIGHTS.speaker_words + WEIGHTS.date_first * bool(days)
            self._note("words", words.best(WEIGHTS.candidates, self._allowed, bonus, most))
        else:
            self._note("words", words.best(WEIGHTS.candidates, self._allowed))

    def by_days(self, words: WordSearch, days: Days) -> None:
        """The best of those that fit the time asked for."""
        slots = self._allow(days.fitting(WEIGHTS.date_candidates))
        near, cosines = self._of_days(days)
        if len(slots) > FEW:
            slots = np.union1d(near[days.at(near) >= WEIGHTS.date_candidates], words.best(AHEAD, self._mask(slots)))
            cosines = self.cosines(slots)
        else:
            # All of these are near: their cosines are known.
            cosines = cosines[np.searchsorted(near, slots)] if len(near) else self.cosines(slots)
        score = cosines + words.totals(slots) / words.top + days.at(slots)
        self._note("time", slots[best_slots(score, None, WEIGHTS.candidates)])

    def by_picture(self, likeness: FloatArray) -> None:
        """Those that look most like the picture: ``likeness`` of every slot, -1 without a picture."""
        seen = likeness > -1 if self._allowed is None else self._allowed & (likeness > -1)
        self._note("picture", best_slots(likeness, seen, WEIGHTS.candidates))

    def by_age(self, observed: NDArray[np.float64]) -> None:
        """The newest."""
        self._note("recent", best_slots(observed, self._allowed, WEIGHTS.candidates))

    def cosines(self, slots: SlotArray) -> FloatArray:
        """Cosines to the vector asked for; -1 where there is none."""
        if self._dense is None:
            return np.full(len(slots), -1.0, np.float32)
        return self._dense.exact(self._wanted, slots)

    def _nearest(self, k: int, among: BoolArray | None = None) -> tuple[SlotArray, FloatArray]:
        """The nearest allowed slots, best first, and their cosines; only ``among`` some where that is given."""
        if self._dense is None:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if among is None:
            among = self._allowed
        elif self._allowed is not None:
            among = among & self._allowed
        return self._dense.candidates(self._wanted, k, among)

    def _of_days(self, days: Days) -> tuple[SlotArray, FloatArray]:
        """Those that may have a bonus for the day, ascending, and their cosines.

        Of very many those that fit well, of very many of these the nearest.
        """
        if self._near is None:
            slots = self._allow(days.near())
            if len(slots) > FEW:
                fitting = self._allow(days.fitting(WEIGHTS.date_candidates))
                slots = fitting if len(fitting) else slots
            if len(slots) > FEW:
                slots = np.sort(self._nearest(AHEAD, self._mask(slots))[0])
            self._near = slots, self.cosines(slots)
        return self._near

    def _allow(self, slots: SlotArray) -> SlotArray:
        return slots if self._allowed is None else slots[self._allowed[slots]]

    def _mask(self, slots: SlotArray) -> BoolArray:
        out = np.zeros(self._size, np.bool_)
        out[slots] = True
        return out

    def _note(self, name: str, slots: SlotArray) -> None:
        for slot in slots.tolist():
            self.found.setdefault(slot, []).append(name)
