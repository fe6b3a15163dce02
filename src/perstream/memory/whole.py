"""Vectors by slot at 16 bits a component: cosines to 2e-6."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from perstream.memory.lexical import SlotArray
from perstream.memory.sketches import rows_of
from perstream.types import FloatArray

BLOCK = 8192
"""Vectors per block."""
FIRST = 256
"""Vectors that the first block is laid out for. It doubles, but by no more than STEP: little is held for nothing."""
STEP = 2048
CHUNK = 1024
"""Vectors read at a time: they stay in the processor's cache."""
TOP = np.float32(32767)
_TINY = np.float32(1e-30)


class WholeVectors:
    """Vectors of one dimension by slot; 2 bytes a component and 4 each."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._codes: list[NDArray[np.int16]] = []
        """[BLOCK, dimension]. All blocks but the last are whole."""
        self._scales: list[FloatArray] = []
        """[BLOCK]: step of the codes; 0 for an empty slot."""

    def __len__(self) -> int:
        """Slots that there is room for."""
        return BLOCK * (len(self._scales) - 1) + len(self._scales[-1]) if self._scales else 0

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks, filled or not."""
        return sum(array.nbytes for array in self._codes) + sum(array.nbytes for array in self._scales)

    def put(self, slots: SlotArray, vectors: FloatArray) -> None:
        """Keep vectors [n, dimension] under ascending slots."""
        self._reserve(int(slots[-1]) + 1)
        top = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), _TINY)
        codes = vectors * (TOP / top)
        np.rint(codes, out=codes)
        # The step that makes a vector's product with itself exact: a third less error for those near it.
        along = np.einsum("ij,ij->i", codes, vectors)
        scales = np.einsum("ij,ij->i", vectors, vectors) / np.maximum(along, _TINY)
        np.maximum(scales, _TINY, out=scales)
        for number, begin, end in _by_block(slots):
            where = rows_of(slots[begin:end] - number * BLOCK)
            self._codes[number][where] = codes[begin:end]
            self._scales[number][where] = scales[begin:end]

    def clear(self, slot: int) -> None:
        """Forget a slot's vector: its bytes become zeros."""
        if slot < len(self):
            number, row = divmod(slot, BLOCK)
            self._codes[number][row] = 0
            self._scales[number][row] = 0

    def cosines(self, query: FloatArray, slots: SlotArray) -> FloatArray:
        """Cosines of ascending slots with a unit vector [dimension]; -1 where there is no vector."""
        out = np.full(len(slots), -1.0, np.float32)
        end = int(np.searchsorted(slots, len(self)))
        query = np.asarray(query, np.float32)
        codes = np.empty((min(CHUNK, end), self.dimension), np.int16)
        scales = np.empty(len(codes), np.float32)
        for low in range(0, end, CHUNK):
            piece = slots[low : min(low + CHUNK, end)]
            number, span = int(piece[0]) // BLOCK, int(piece[-1] - piece[0]) + 1
            if span < 2 * len(piece) and int(piece[-1]) // BLOCK == number:
                # Many of one place: reading all there is quicker than picking.
                window = slice(int(piece[0]) % BLOCK, int(piece[0]) % BLOCK + span)
                values = (self._codes[number][window].astype(np.float32) @ query)[piece - piece[0]]
                steps = self._scales[number][window][piece - piece[0]]
            else:
                here, steps = codes[: len(piece)], scales[: len(piece)]
                for block, start, stop in _by_block(piece):
                    # With "clip" numpy writes to its place at once; nothing is out of range.
                    rows = piece[start:stop] - block * BLOCK
                    self._codes[block].take(rows, axis=0, out=here[start:stop], mode="clip")
                    self._scales[block].take(rows, out=steps[start:stop], mode="clip")
                values = here.astype(np.float32) @ query
            out[low : low + len(piece)] = np.where(steps > 0, values * steps, np.float32(-1))
        return out

    def _reserve(self, size: int) -> None:
        while (held := len(self)) < size:
            last = held % BLOCK
            if not last:
                capacity = STEP if self._scales else FIRST
                self._codes.append(np.zeros((capacity, self.dimension), np.int16))
                self._scales.append(np.zeros(capacity, np.float32))
            else:
                more = min(last, STEP, BLOCK - last)
                self._codes[-1] = np.concatenate([self._codes[-1], np.zeros((more, self.dimension), np.int16)])
                self._scales[-1] = np.concatenate([self._scales[-1], np.zeros(more, np.float32)])


def _by_block(slots: SlotArray) -> Iterator[tuple[int, int, int]]:
    """Ascending slots by block: its number and where its slots begin and end."""
    numbers = np.arange(slots[0] // BLOCK, slots[-1] // BLOCK + 2)
    edges = np.searchsorted(slots, numbers * BLOCK).tolist()
    for number, begin, end in zip(numbers.tolist(), edges, edges[1:], strict=False):
        if end > begin:
            yield number, begin, end
