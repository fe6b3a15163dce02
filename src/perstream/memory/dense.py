"""Nearest vectors: a scan of sketches, then all bits of those that may be among the nearest.

The scan reads the 128 bytes of :mod:`perstream.memory.sketch` for each memory. How many are then read whole (768 bytes)
follows from the bound there: some hundreds of a million where the query is near something, most of them where it is
near nothing. The result is that of a float32 scan but for ties and about one result in 6000. Cost grows linearly with
the number of memories.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.memory.lexical import SlotArray
from perstream.memory.sketch import Sketcher
from perstream.memory.sketches import NEVER, Sketches
from perstream.memory.whole import WholeVectors
from perstream.types import FloatArray

PUT = 256
"""Vectors coded at a time."""
LOOKED_AT = 256
"""The best sketches, where k is small, that say how near a result must be."""
TO_BE_SURE_OF = 10
SURE = 3.6
"""Standard deviations: a vector that belongs to the first ten is overlooked in 1 of 6000 cases at most."""
MANY = 8192
LIKELY = 2.5
"""The same for the rest of a result, where more than MANY would have to be read: 1 of 160 for its last."""
FEW = 16
"""Where less than one in so many is allowed, all of those are read: quicker than the scan."""


class DenseIndex:
    """Unit vectors by slot. Not thread-safe, not even for two that only read: the owner holds a lock."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._sketcher = Sketcher(dimension)
        self._sketches = Sketches(self._sketcher)
        self._whole = WholeVectors(dimension)
        self._waiting: dict[int, FloatArray] = {}
        """Put, and coded with the next ones: many at a time cost an eighth."""

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks, filled or not."""
        self._settle()
        return self._sketches.nbytes + self._whole.nbytes

    # --- writing ----------------------------------------------------------------------------

    def put(self, slot: int, vector: NDArray[np.floating]) -> None:
        """Store a vector [dimension] under a slot. Raises ValueError for another dimension."""
        self._waiting[slot] = np.array(vector, np.float32).reshape(self.dimension)
        if len(self._waiting) >= PUT:
            self._settle()

    def put_many(self, slots: SlotArray, vectors: NDArray[np.floating]) -> None:
        """Store vectors [n, dimension] under ascending slots."""
        self._settle()
        for start in range(0, len(slots), PUT):
            piece, values = slots[start : start + PUT], np.asarray(vectors[start : start + PUT], np.float32)
            self._whole.put(piece, values)
            self._sketches.put(piece, values)

    def clear(self, slot: int) -> None:
        """Forget a slot's vector: its bytes become zeros."""
        self._waiting.pop(slot, None)
        self._sketches.clear(slot)
        self._whole.clear(slot)

    def _settle(self) -> None:
        """Code what waits."""
        if self._waiting:
            slots = sorted(self._waiting)
            vectors = np.stack([self._waiting[slot] for slot in slots])
            self._waiting.clear()
            self.put_many(np.array(slots), vectors)

    # --- reading ----------------------------------------------------------------------------

    def candidates(
        self, query: FloatArray, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[SlotArray, FloatArray]:
        """The ``k`` nearest slots, best first, and their cosines to 2e-6; fewer where fewer have a vector.

        ``allowed`` [slots]: only of these; slots beyond its end are not allowed.
        """
        self._settle()
        size = len(self._sketches)
        if k < 1 or not size:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if allowed is not None:
            allowed = allowed[:size]
            if np.count_nonzero(allowed) <= max(4 * k, size // FEW):
                return self._nearest(query, k, np.flatnonzero(allowed))
        codes, one = self._sketcher.query(query)
        scores, tops = self._sketches.scan(codes, allowed)
        wanted = max(4 * k, min(LOOKED_AT, len(tops) // 4))
        # At least as many scores as tops reach a bound, so where there are many, theirs will do.
        some = tops if 2 * wanted < len(tops) else scores
        place = max(len(some) - wanted, 0)
        bound = max(int(np.partition(some, place)[place]), NEVER)
        slots, values = self._nearest(query, k, np.flatnonzero(scores >= bound))
        full = len(values) == k
        least = self._sketcher.bound(float(values[-1]), SURE) * one if full else NEVER
        more = np.flatnonzero((scores >= max(int(least), NEVER)) & (scores < bound))
        if full and len(more) > MANY:
            least = self._sketcher.bound(float(values[:TO_BE_SURE_OF][-1]), SURE)
            least = min(least, self._sketcher.bound(float(values[-1]), LIKELY)) * one
            more = more[scores[more] >= least]
        others, their = self._nearest(query, k, more)
        slots, values = np.concatenate([slots, others]), np.concatenate([values, their])
        best = np.lexsort((slots, -values))[:k]
        return slots[best], values[best]

    def search(self, query: FloatArray, k: int) -> tuple[SlotArray, FloatArray]:
        """:meth:`candidates` among all."""
        return self.candidates(query, k)

    def exact(self, query: FloatArray, slots: SlotArray) -> FloatArray:
        """Cosines of some slots to 2e-6; -1 where there is no vector."""
        self._settle()
        slots = np.asarray(slots, np.int64)
        if np.all(slots[:-1] <= slots[1:]):
            return self._whole.cosines(query, slots)
        order = np.argsort(slots, kind="stable")
        out = np.empty(len(slots), np.float32)
        out[order] = self._whole.cosines(query, slots[order])
        return out

    def _nearest(self, query: FloatArray, k: int, slots: SlotArray) -> tuple[SlotArray, FloatArray]:
        """The ``k`` nearest of ascending slots, best first, and their cosines."""
        values = self._whole.cosines(query, slots)
        if len(slots) > k:
            kept = np.flatnonzero(values >= np.partition(values, len(values) - k)[len(values) - k])
            slots, values = slots[kept], values[kept]
        order = np.lexsort((slots, -values))[:k]
        order = order[: int(np.count_nonzero(values[order] > -1))]
        return slots[order], values[order]
