"""Nearest vectors: a scan of sketches, then all bits of those that may be among the nearest.

Vectors are kept at 16 bits a component, which makes cosines accurate to 2e-6. The scan reads the 128 bytes of
:mod:`perstream.memory.sketch` for each memory. How many are then read whole (768 bytes) follows from the bound there:
some hundreds of a million where the query is near something, most of them where it is near nothing. The result is that
of a float32 scan but for ties and about one result in 6000. Cost grows linearly with the number of memories.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perstream.memory.lexical import SlotArray
from perstream.memory.sketch import Sketcher
from perstream.types import FloatArray

BLOCK = 8192
"""Memories per block."""
FIRST = 256
"""Memories that a block is laid out for at first. It doubles, but by no more than STEP: little is held for nothing."""
STEP = 2048
CHUNK = 1024
"""Vectors read at a time: they stay in the processor's cache."""
PUT = 256
"""Vectors put at a time."""
LOOKED_AT = 256
"""The best sketches, where k is small, that say how near a result must be."""
RUN = 64
"""Sketches whose best is taken together."""
TO_BE_SURE_OF = 10
SURE = 3.6
"""Standard deviations: a vector that belongs to the first ten is overlooked in 1 of 6000 cases at most."""
MANY = 8192
LIKELY = 2.5
"""The same for the rest of a result, where more than MANY would have to be read: 1 of 160 for its last."""
FEW = 16
"""Where less than one in so many is allowed, all of those are read: quicker than the scan."""
TOP = np.float32(32767)
_EMPTY = 1 << 30
"""Sum of an empty slot: no product comes near it."""
_BARRED = np.int32(1 << 29)
_NEVER = -(1 << 28)
"""Empty slots and those not allowed come out below this."""
_TINY = np.float32(1e-30)


@dataclass(frozen=True, slots=True)
class _Block:
    sketches: NDArray[np.int8]
    """[width, n]: columns are memories, as the integer product wants them."""
    sums: NDArray[np.int32]
    """[n]: what to take off a column's product."""
    codes: NDArray[np.int16]
    """[n, dimension]."""
    scales: FloatArray
    """[n]: step of the codes; 0 for an empty slot."""

    @classmethod
    def of(cls, capacity: int, width: int, dimension: int) -> _Block:
        return cls(
            np.zeros((width, capacity), np.int8),
            np.full(capacity, _EMPTY, np.int32),
            np.zeros((capacity, dimension), np.int16),
            np.zeros(capacity, np.float32),
        )

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def nbytes(self) -> int:
        return self.sketches.nbytes + self.sums.nbytes + self.codes.nbytes + self.scales.nbytes

    def grown(self, capacity: int) -> _Block:
        """The same with more room."""
        held, block = len(self), _Block.of(capacity, len(self.sketches), self.codes.shape[1])
        block.sketches[:, :held], block.codes[:held] = self.sketches, self.codes
        block.sums[:held], block.scales[:held] = self.sums, self.scales
        return block


class DenseIndex:
    """Unit vectors by slot. Not thread-safe, not even for two that only read: the owner holds a lock."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._sketcher = Sketcher(dimension)
        self._blocks: list[_Block] = []
        self._waiting: dict[int, FloatArray] = {}
        """Put, and coded with the next ones: many at a time cost a fifth."""

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks, filled or not."""
        self._settle()
        return sum(block.nbytes for block in self._blocks)

    # --- writing ----------------------------------------------------------------------------

    def put(self, slot: int, vector: NDArray[np.floating]) -> None:
        """Store a vector [dimension] under a slot. Raises ValueError for another dimension."""
        self._waiting[slot] = np.array(vector, np.float32).reshape(self.dimension)
        if len(self._waiting) >= PUT:
            self._settle()

    def _settle(self) -> None:
        """Code what waits."""
        if self._waiting:
            slots = sorted(self._waiting)
            vectors = np.stack([self._waiting[slot] for slot in slots])
            self._waiting.clear()
            self.put_many(np.array(slots), vectors)

    def put_many(self, slots: SlotArray, vectors: NDArray[np.floating]) -> None:
        """Store vectors [n, dimension] under ascending slots."""
        self._settle()
        for start in range(0, len(slots), PUT):
            piece, values = slots[start : start + PUT], vectors[start : start + PUT]
            for block in np.unique(piece // BLOCK).tolist():
                inside = piece // BLOCK == block
                rows = piece[inside] % BLOCK
                # Slices are copied faster than picked rows.
                where = slice(int(rows[0]), int(rows[-1]) + 1) if rows[-1] - rows[0] + 1 == len(rows) else rows
                self._put_rows(block, where, np.asarray(values[inside], np.float32))

    def _put_rows(self, number: int, where: slice | SlotArray, values: FloatArray) -> None:
        """Store vectors [n, dimension] under rows of a block."""
        last = where.stop - 1 if isinstance(where, slice) else int(where[-1])
        while number >= len(self._blocks):
            if self._blocks and len(self._blocks[-1]) < BLOCK:
                # Only the last block is smaller: a slot is in the index if it is below the end.
                self._blocks[-1] = self._blocks[-1].grown(BLOCK)
            capacity = STEP if self._blocks else FIRST
            self._blocks.append(_Block.of(capacity, self._sketcher.width, self.dimension))
        while last >= len(block := self._blocks[number]):
            self._blocks[number] = block.grown(len(block) + min(len(block), STEP))
        top = np.maximum(np.abs(values).max(axis=1, keepdims=True), _TINY)
        codes = values * (TOP / top)
        np.rint(codes, out=codes)
        # The step that makes a vector's product with itself exact: a third less error for those near it.
        along = np.einsum("ij,ij->i", codes, values)
        scales = np.einsum("ij,ij->i", values, values) / np.maximum(along, _TINY)
        sketches = self._sketcher.code(values)
        block.codes[where] = codes
        block.scales[where] = np.maximum(scales, _TINY)
        block.sketches[:, where] = sketches.T
        block.sums[where] = self._sketcher.sums(sketches)

    def clear(self, slot: int) -> None:
        """Forget a slot's vector: its bytes become zeros."""
        self._waiting.pop(slot, None)
        number, row = divmod(slot, BLOCK)
        if number < len(self._blocks) and row < len(self._blocks[number]):
            block = self._blocks[number]
            block.sums[row] = _EMPTY
            block.sketches[:, row] = 0
            block.codes[row] = 0
            block.scales[row] = 0

    # --- reading ----------------------------------------------------------------------------

    def candidates(
        self, query: FloatArray, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[SlotArray, FloatArray]:
        """The ``k`` nearest slots, best first, and their cosines to 2e-6; fewer where fewer have a vector.

        ``allowed`` [slots]: only of these; slots beyond its end are not allowed.
        """
        self._settle()
        size = self._size
        if k < 1 or not size:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if allowed is not None:
            allowed = allowed[:size]
            if np.count_nonzero(allowed) <= max(4 * k, size // FEW):
                return self._nearest(query, k, np.flatnonzero(allowed))
        codes, one = self._sketcher.query(query)
        scores, tops = self._scan(codes, allowed)
        wanted = max(4 * k, min(LOOKED_AT, len(tops) // 4))
        # At least as many scores as tops reach a bound, so where there are many, theirs will do.
        some = tops if 2 * wanted < len(tops) else scores
        place = max(len(some) - wanted, 0)
        bound = max(int(np.partition(some, place)[place]), _NEVER)
        slots, values = self._nearest(query, k, np.flatnonzero(scores >= bound))
        full = len(values) == k
        least = self._sketcher.bound(float(values[-1]), SURE) * one if full else _NEVER
        more = np.flatnonzero((scores >= max(int(least), _NEVER)) & (scores < bound))
        if full and len(more) > MANY:
            least = self._sketcher.bound(float(values[:TO_BE_SURE_OF][-1]), SURE)
            least = min(least, self._sketcher.bound(float(values[-1]), LIKELY)) * one
            more = more[scores[more] >= least]
        others, their = self._nearest(query, k, more)
        slots, values = np.concatenate([slots, others]), np.concatenate([values, their])
        best = np.lexsort((slots, -values))[:k]
        return slots[best], values[best]

    def exact(self, query: FloatArray, slots: SlotArray) -> FloatArray:
        """Cosines of some slots to 2e-6; -1 where there is no vector."""
        self._settle()
        slots = np.asarray(slots, np.int64)
        if np.all(slots[:-1] <= slots[1:]):
            return self._cosines(query, slots)
        order = np.argsort(slots, kind="stable")
        out = np.empty(len(slots), np.float32)
        out[order] = self._cosines(query, slots[order])
        return out

    def search(self, query: FloatArray, k: int) -> tuple[SlotArray, FloatArray]:
        """:meth:`candidates` among all."""
        return self.candidates(query, k)

    @property
    def _size(self) -> int:
        """Slots that there is room for."""
        return BLOCK * (len(self._blocks) - 1) + len(self._blocks[-1]) if self._blocks else 0

    def _scan(
        self, codes: NDArray[np.uint8], allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Score of every slot, and of every run of slots the best."""
        scores = np.full(self._size, -_EMPTY, np.int32)
        tops = np.full(self._size // RUN, -_EMPTY, np.int32)
        for number, block in enumerate(self._blocks):
            start = number * BLOCK
            part = scores[start : start + len(block)]
            np.subtract(self._sketcher.product(codes, block.sketches), block.sums, out=part)
            if allowed is not None:
                these = allowed[start : start + len(part)]
                # Quicker than a choice: what is not allowed loses more than any product has.
                part[: len(these)] += np.subtract(these, 1, dtype=np.int32) * _BARRED
                part[len(these) :] = -_EMPTY
            # The runs are interleaved: quicker, and whatever follows each other falls into several.
            np.max(part.reshape(RUN, -1), axis=0, out=tops[start // RUN : (start + len(part)) // RUN])
        return scores, tops

    def _nearest(self, query: FloatArray, k: int, slots: SlotArray) -> tuple[SlotArray, FloatArray]:
        """The ``k`` nearest of ascending slots, best first, and their cosines."""
        values = self._cosines(query, slots)
        if len(slots) > k:
            kept = np.flatnonzero(values >= np.partition(values, len(values) - k)[len(values) - k])
            slots, values = slots[kept], values[kept]
        order = np.lexsort((slots, -values))[:k]
        order = order[: int(np.count_nonzero(values[order] > -1))]
        return slots[order], values[order]

    def _cosines(self, query: FloatArray, slots: SlotArray) -> FloatArray:
        """Cosines of ascending slots; -1 where there is no vector."""
        out = np.full(len(slots), -1.0, np.float32)
        begin, end = np.searchsorted(slots, (0, self._size)).tolist()
        query = np.asarray(query, np.float32)
        codes = np.empty((min(CHUNK, end - begin), self.dimension), np.int16)
        scales = np.empty(len(codes), np.float32)
        for low in range(begin, end, CHUNK):
            piece = slots[low : min(low + CHUNK, end)]
            here, steps = codes[: len(piece)], scales[: len(piece)]
            if piece[-1] - piece[0] < 2 * len(piece) and piece[-1] // BLOCK == piece[0] // BLOCK:
                # Many of one place: reading all there is quicker than picking.
                block, first = self._blocks[piece[0] // BLOCK], piece[0] % BLOCK
                window = slice(first, first + int(piece[-1] - piece[0]) + 1)
                values = (block.codes[window].astype(np.float32) @ query)[piece - piece[0]]
                steps = block.scales[window][piece - piece[0]]
            else:
                for number, start, stop in _by_block(piece):
                    # With "clip" numpy writes to its place at once; nothing is out of range.
                    rows = piece[start:stop] - number * BLOCK
                    self._blocks[number].codes.take(rows, axis=0, out=here[start:stop], mode="clip")
                    self._blocks[number].scales.take(rows, out=steps[start:stop], mode="clip")
                values = here.astype(np.float32) @ query
            out[low : low + len(piece)] = np.where(steps > 0, values * steps, np.float32(-1))
        return out


def _by_block(slots: SlotArray) -> Iterator[tuple[int, int, int]]:
    """Ascending slots by block: its number and where its slots begin and end."""
    numbers = np.arange(slots[0] // BLOCK, slots[-1] // BLOCK + 2)
    edges = np.searchsorted(slots, numbers * BLOCK).tolist()
    for number, start, stop in zip(numbers.tolist(), edges, edges[1:], strict=False):
        if stop > start:
            yield number, start, stop
