"""The sketches of all memories, laid out to be scanned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.memory.lexical import SlotArray
from perstream.memory.sketch import Sketcher
from perstream.types import FloatArray

BLOCK = 32768
"""Sketches per block: each costs the scan one call."""
FIRST = 256
"""Sketches that a block is laid out for at first; it doubles."""
RUN = 64
"""Sketches whose best is taken together."""
_EMPTY = 1 << 30
"""Sum of an empty slot: no product comes near it."""
_BARRED = np.int32(1 << 29)
NEVER = -(1 << 28)
"""Scores of empty slots and of those not allowed are below this."""


class Sketches:
    """Sketches by slot."""

    def __init__(self, sketcher: Sketcher) -> None:
        self._sketcher = sketcher
        self._blocks: list[NDArray[np.int8]] = []
        """[width, BLOCK]: columns are memories, as the integer product wants them."""
        self._sums: list[NDArray[np.int32]] = []
        """[BLOCK]: what to take off a column's product."""

    def __len__(self) -> int:
        """Slots that there is room for."""
        return sum(map(len, self._sums))

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks, filled or not."""
        return sum(array.nbytes for array in self._blocks) + sum(array.nbytes for array in self._sums)

    def put(self, slots: SlotArray, vectors: FloatArray) -> None:
        """Keep the sketches of vectors [n, dimension] under ascending slots."""
        self._reserve(int(slots[-1]) + 1)
        codes = self._sketcher.code(vectors)
        sums = self._sketcher.sums(codes)
        for number in range(int(slots[0]) // BLOCK, int(slots[-1]) // BLOCK + 1):
            begin, end = np.searchsorted(slots, (number * BLOCK, (number + 1) * BLOCK)).tolist()
            if begin < end:
                where = rows_of(slots[begin:end] - number * BLOCK)
                self._blocks[number][:, where] = codes[begin:end].T
                self._sums[number][where] = sums[begin:end]

    def clear(self, slot: int) -> None:
        """Forget a slot's sketch: its bytes become zeros."""
        if slot < len(self):
            number, row = divmod(slot, BLOCK)
            self._sums[number][row] = _EMPTY
            self._blocks[number][:, row] = 0

    def scan(
        self, codes: NDArray[np.uint8], allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Score of every slot for a query's codes, and of every run of slots the best. ``allowed``: [slots] or all."""
        scores = np.empty(len(self), np.int32)
        tops = np.empty(len(scores) // RUN, np.int32)
        for number, (block, sums) in enumerate(zip(self._blocks, self._sums, strict=True)):
            start = number * BLOCK
            part = scores[start : start + len(sums)]
            np.subtract(self._sketcher.product(codes, block), sums, out=part)
            if allowed is not None:
                these = allowed[start : start + len(part)]
                # Quicker than a choice: what is not allowed loses more than any product has.
                part[: len(these)] += np.subtract(these, 1, dtype=np.int32) * _BARRED
                part[len(these) :] = -_EMPTY
            # The runs are interleaved: quicker, and what follows each other falls into several.
            np.max(part.reshape(RUN, -1), axis=0, out=tops[start // RUN : (start + len(part)) // RUN])
        return scores, tops

    def _reserve(self, size: int) -> None:
        while (held := len(self)) < size:
            if not held or len(self._sums[-1]) == BLOCK:
                self._blocks.append(np.zeros((self._sketcher.width, FIRST), np.int8))
                self._sums.append(np.full(FIRST, _EMPTY, np.int32))
            else:
                block, sums = self._blocks[-1], self._sums[-1]
                self._blocks[-1] = np.concatenate([block, np.zeros_like(block)], axis=1)
                self._sums[-1] = np.concatenate([sums, np.full_like(sums, _EMPTY)])


def rows_of(rows: SlotArray) -> slice | SlotArray:
    """Ascending rows as a slice, where they are one: it is copied faster than picked rows."""
    return slice(int(rows[0]), int(rows[-1]) + 1) if rows[-1] - rows[0] + 1 == len(rows) else rows
