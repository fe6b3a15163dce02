"""Which memories say a word: one ascending list of numbers per term, slot and count packed into each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SlotArray = NDArray[np.int64]
Packed = NDArray[np.uint32]

_BITS = 5
MOST = (1 << _BITS) - 1
"""A term counts at most so often in one memory: BM25 is flat long before."""
SLOTS = 1 << (32 - _BITS)
"""Memories at most."""
_FEW = 16
"""So many are taken out of a list one by one, more in one pass."""
_LIST_BYTES = 200
"""Of a term: its word, its place in the dictionary, and the head of its list."""


class Postings:
    """Slots by term. Adding behind the last slot is O(1); into the middle, where a slot is used again, a shift."""

    def __init__(self) -> None:
        self._lists: dict[str, array[int]] = {}
        self.entries = 0
        """Pairs of a memory and a term."""

    def __len__(self) -> int:
        return len(self._lists)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Postings) and self._lists == other._lists

    __hash__ = None  # type: ignore[assignment]

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return _LIST_BYTES * len(self._lists) + 4 * self.entries

    def add(self, slot: int, counts: Mapping[str, int]) -> None:
        """Note how often a memory says each of its terms."""
        high, lists = slot << _BITS, self._lists
        for term, count in counts.items():
            value = high | (count if count < MOST else MOST)
            held = lists.get(term)
            if held is None:
                lists[term] = array("I", (value,))
            elif held[-1] < value:
                held.append(value)
            else:
                held.insert(bisect_left(held, value), value)
        self.entries += len(counts)

    def extend(self, first: int, terms: Sequence[str], count: int, numbers: SlotArray, places: SlotArray) -> None:
        """Note many memories behind all others: token ``i`` is ``terms[numbers[i]]``, said by slot ``first + places[i]``.

        ``count`` is how many memories; tokens come in any order.
        """
        # A pair of term and memory as one number: sorted, the lists lie one behind the other.
        pairs, often = np.unique(numbers * count + places, return_counts=True)
        found, places = np.divmod(pairs, count)
        values = ((places + first) << _BITS | np.minimum(often, MOST)).astype(np.uint32).tobytes()
        ends = np.searchsorted(found, np.arange(1, len(terms) + 1)).tolist()
        start, wide = 0, array("I").itemsize
        for term, end in zip(terms, ends, strict=True):
            held = self._lists.get(term)
            if held is None:
                held = self._lists[term] = array("I")
            held.frombytes(values[wide * start : wide * end])
            start = end
        self.entries += len(pairs)

    def remove(self, said: Mapping[str, Iterable[int]]) -> None:
        """Take slots out of the lists of the terms they say."""
        for term, slots in said.items():
            held, gone = self._lists[term], sorted(slots)
            if len(gone) <= _FEW:
                for slot in gone:
                    del held[bisect_left(held, slot << _BITS)]
            else:
                values = np.array(held, np.uint32)
                self._lists[term] = held = array("I", values[~np.isin(values >> _BITS, gone)].tobytes())
            if not held:
                del self._lists[term]
            self.entries -= len(gone)

    def frequency(self, term: str) -> int:
        """In how many memories a term occurs."""
        held = self._lists.get(term)
        return len(held) if held is not None else 0

    def of(self, term: str) -> tuple[SlotArray, NDArray[np.float32]]:
        """The slots that say a term, ascending, and how often each does."""
        values = self._view(term)
        return (values >> _BITS).astype(np.int64), (values & MOST).astype(np.float32)

    def counts(self, term: str, slots: SlotArray) -> NDArray[np.float32]:
        """How often each of some slots says a term; 0 for the slot -1. O(slots · log of the list)."""
        values = self._view(term)
        if not len(values):
            return np.zeros(len(slots), np.float32)
        wanted = (slots << _BITS).astype(np.uint32)
        found = values[np.minimum(np.searchsorted(values, wanted), len(values) - 1)]
        return np.where((found >> _BITS == wanted >> _BITS) & (slots >= 0), found & MOST, 0).astype(np.float32)

    def _view(self, term: str) -> Packed:
        """A term's list as it lies in memory: not to be kept, it holds the list fast."""
        held = self._lists.get(term)
        return np.frombuffer(held, np.uint32) if held else np.zeros(0, np.uint32)
