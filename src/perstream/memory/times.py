"""The times that memories name, flat: a question about a day compares itself with all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perstream.memory.lexical import SlotArray

Spans = NDArray[np.float64]


class Times:
    """Slots with the stretches of time they name. Adding is O(1); what was removed is taken out when next needed."""

    def __init__(self) -> None:
        self._slots: SlotArray = np.zeros(64, np.int64)
        self._spans: Spans = np.zeros((64, 2))
        self._count = 0
        self._gone: set[int] = set()

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._slots.nbytes + self._spans.nbytes + 60 * len(self._gone)

    def add(self, slots: SlotArray | Sequence[int], spans: Spans | Sequence[tuple[float, float]]) -> None:
        """Note spans [n, 2] (since, until; unix seconds), each with its slot."""
        if not self._gone.isdisjoint(np.asarray(slots).tolist()):
            self._tidy()
        end = self._count + len(slots)
        while end > len(self._slots):
            self._slots = np.concatenate([self._slots, np.zeros_like(self._slots)])
            self._spans = np.concatenate([self._spans, np.zeros_like(self._spans)])
        self._slots[self._count : end] = slots
        self._spans[self._count : end] = spans
        self._count = end

    def remove(self, slot: int) -> None:
        """Forget what a slot names; a slot that names nothing is no error."""
        self._gone.add(slot)

    def flat(self) -> tuple[SlotArray, NDArray[np.float64], NDArray[np.float64]]:
        """Slots, starts and ends, aligned, in the order they were noted."""
        self._tidy()
        return self._slots[: self._count], self._spans[: self._count, 0], self._spans[: self._count, 1]

    def _tidy(self) -> None:
        if not self._gone:
            return
        keep = ~np.isin(self._slots[: self._count], list(self._gone))
        kept = int(keep.sum())
        self._slots[:kept] = self._slots[: self._count][keep]
        self._spans[:kept] = self._spans[: self._count][keep]
        self._spans[kept : self._count] = 0.0
        self._count = kept
        self._gone.clear()
