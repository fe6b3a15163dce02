"""Exact nearest vectors: an int8 scan of everything, then the best ones again at 16 bits.

The scan is one integer matrix product per block in ONNX Runtime (MatMulInteger runs on the CPU's 8-bit
dot products), bound by memory bandwidth: 384 bytes a memory. The second pass adds what the first one's codes leave
over, at 8 more bits: accurate to 2e-6, so the top results are those of a float32 scan but for ties. 768 bytes a
memory in all; cost grows linearly with their number.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perstream.memory.best import best_slots
from perstream.memory.lexical import SlotArray
from perstream.types import FloatArray

BLOCK = 8192
"""Memories per block."""
FIRST = 256
"""Memories that the first block is laid out for; a block doubles up to BLOCK."""
CHUNK = 256
"""Vectors put at a time: they stay in the processor's cache."""
RESCORED = 64
"""Candidates of the scan that are scored again, at least."""
LEFT_OVER = np.float32(254)
"""The second 8 bits divide a step of the first into so many."""
_ZERO = 128
"""The scan's query is unsigned: its zero point."""


class DenseIndex:
    """Unit vectors by slot. One writer; a search running meanwhile sees a row's old or new value."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._coarse: list[NDArray[np.int8]] = []
        """Blocks [dimension, BLOCK]: columns are memories, as the integer product wants them."""
        self._fine: list[NDArray[np.int8]] = []
        """Blocks [BLOCK, dimension]: what the coarse codes leave over, in 254ths of their step."""
        self._scales: list[FloatArray] = []
        """Blocks [BLOCK]: step of the coarse codes; 0 for an empty slot."""
        self._sums: list[NDArray[np.int32]] = []
        """Blocks [BLOCK]: sum of a column's coarse codes times the query's zero point."""
        self._scanner = _Scanner()

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks, filled or not."""
        return sum(a.nbytes for blocks in (self._coarse, self._fine, self._scales, self._sums) for a in blocks)

    def put(self, slot: int, vector: NDArray[np.floating]) -> None:
        """Store a vector [dimension] under a slot."""
        block, row = divmod(slot, BLOCK)
        while block >= len(self._scales):
            self._grow(len(self._scales), BLOCK // 4 if self._scales else FIRST)
        while row >= len(self._sums[block]):
            self._grow(block, 2 * len(self._sums[block]))
        values = np.asarray(vector, np.float32)
        top = float(np.abs(values).max()) or 1.0
        step = top / 127
        coarse = np.rint(values / step)
        codes = coarse.astype(np.int8)
        self._coarse[block][:, row] = codes
        self._sums[block][row] = _ZERO * int(codes.sum(dtype=np.int32))
        self._fine[block][row] = np.rint((values / step - coarse) * LEFT_OVER)
        self._scales[block][row] = step

    def put_many(self, slots: SlotArray, vectors: NDArray[np.floating]) -> None:
        """Store vectors [n, dimension] under ascending slots: the same codes as one by one."""
        for start in range(0, len(slots), CHUNK):
            piece, values = slots[start : start + CHUNK], vectors[start : start + CHUNK]
            for block in np.unique(piece // BLOCK).tolist():
                inside = piece // BLOCK == block
                self._put_rows(block, piece[inside] % BLOCK, np.asarray(values[inside], np.float32))

    def _put_rows(self, block: int, rows: SlotArray, values: FloatArray) -> None:
        while block >= len(self._scales):
            self._grow(len(self._scales), BLOCK // 4 if self._scales else FIRST)
        while rows[-1] >= len(self._sums[block]):
            self._grow(block, 2 * len(self._sums[block]))
        # Slices are copied faster than picked rows.
        where = slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] + 1 == len(rows) else rows
        top = np.abs(values).max(axis=1).astype(np.float64)
        steps = (np.where(top > 0, top, 1.0) / 127).astype(np.float32)
        scaled = values / steps[:, None]
        coarse = np.rint(scaled)
        codes = coarse.astype(np.int8)
        self._coarse[block][:, where] = codes.T
        self._sums[block][where] = _ZERO * codes.sum(axis=1, dtype=np.int32)
        self._fine[block][where] = np.rint((scaled - coarse) * LEFT_OVER)
        self._scales[block][where] = steps

    def _grow(self, block: int, capacity: int) -> None:
        """A new block, or the last one larger: blocks start small, so that little is held for nothing."""
        coarse = np.zeros((self.dimension, capacity), np.int8)
        fine = np.zeros((capacity, self.dimension), np.int8)
        scales = np.zeros(capacity, np.float32)
        sums = np.zeros(capacity, np.int32)
        if block < len(self._sums):
            held = len(self._sums[block])
            coarse[:, :held], fine[:held] = self._coarse[block], self._fine[block]
            scales[:held], sums[:held] = self._scales[block], self._sums[block]
        self._coarse[block:], self._fine[block:] = (
            [coarse, *self._coarse[block + 1 :]],
            [fine, *self._fine[block + 1 :]],
        )
        self._scales[block:], self._sums[block:] = (
            [scales, *self._scales[block + 1 :]],
            [sums, *self._sums[block + 1 :]],
        )

    def clear(self, slot: int) -> None:
        """Forget a slot's vector: its bytes become zeros."""
        block, row = divmod(slot, BLOCK)
        if block < len(self._scales) and row < len(self._sums[block]):
            self._coarse[block][:, row] = 0
            self._fine[block][row] = 0
            self._scales[block][row] = 0
            self._sums[block][row] = 0

    def scan(self, query: FloatArray) -> FloatArray:
        """Approximate cosine (to about .005) of every slot, -1 where there is no vector."""
        if not self._scales:
            return np.zeros(0, np.float32)
        top = float(np.abs(query).max()) or 1.0
        codes = np.asarray(np.rint(query * (127 / top)) + _ZERO, np.uint8)[None, :]
        out = np.empty(sum(map(len, self._sums)), np.float32)
        for i, scales in enumerate(self._scales):
            part = out[i * BLOCK : i * BLOCK + len(self._sums[i])]
            # Below 2^24, so a float32 holds it.
            part[:] = self._scanner.product(codes, self._coarse[i]) - self._sums[i]
            part *= scales * np.float32(top / 127)
            part[scales == 0] = -1.0
        return out

    def exact(self, query: FloatArray, slots: SlotArray) -> FloatArray:
        """Cosines of some slots to 2e-6; -1 where there is no vector."""
        out = np.full(len(slots), -1.0, np.float32)
        blocks, rows = np.divmod(slots, BLOCK)
        for block in np.unique(blocks):
            if not 0 <= block < len(self._scales):
                continue
            where = np.flatnonzero((blocks == block) & (rows < len(self._sums[block])))
            here = rows[where]
            scales = self._scales[block][here]
            coarse = query @ self._coarse[block][:, here].astype(np.float32)
            fine = self._fine[block][here].astype(np.float32) @ query
            values = (coarse + fine / LEFT_OVER) * scales
            out[where] = np.where(scales > 0, values, -1.0)
        return out

    def candidates(
        self, query: FloatArray, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[SlotArray, FloatArray]:
        """The ``k`` nearest slots, best first, and their cosines to 2e-6.

        ``allowed`` [slots]: only of these; slots beyond its end are not allowed. Fewer where fewer have a vector.
        """
        rough = self.scan(query)
        held = rough > -1.0
        if allowed is not None:
            held[: len(allowed)] &= allowed[: len(held)]
            held[len(allowed) :] = False
        slots = best_slots(rough, held, max(RESCORED, 4 * k))
        values = self.exact(query, slots)
        best = np.lexsort((slots, -values))[: max(k, 0)]
        return slots[best], values[best]

    def search(self, query: FloatArray, k: int) -> tuple[SlotArray, FloatArray]:
        """The ``k`` nearest slots, best first, and their cosines."""
        return self.candidates(query, k)


class _Scanner:
    """u8 [1, d] x i8 [d, n] -> i32 [n] in ONNX Runtime, which numpy has no fast integer product for."""

    # One node, y = MatMulInteger(a: uint8[1, d], b: int8[d, n]) of opset 13. Without a zero point, which
    # would cost the fast path for one row; the sums of the columns make up for it.
    GRAPH = (
        "CAgSADpgChgKAWEKAWISAXkiDU1hdE11bEludGVnZXISAWdaFAoBYRIPCg0IAhIJCgIIAQoDEgFkWhUKAWISEAoOCAMSCgoDEgFk"
        "CgMSAW5iFAoBeRIPCg0IBhIJCgIIAQoDEgFuQgQKABAN"
    )

    def __init__(self) -> None:
        self._session: Any = None

    def product(self, codes: NDArray[np.uint8], block: NDArray[np.int8]) -> NDArray[np.int32]:
        if self._session is None:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(
                base64.b64decode(self.GRAPH), options, providers=["CPUExecutionProvider"]
            )
        (product,) = self._session.run(None, {"a": codes, "b": block})
        return np.asarray(product[0], np.int32)
