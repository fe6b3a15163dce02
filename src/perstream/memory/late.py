"""Late interaction: each word of the question looks for its best match in a memory (MaxSim).

Khattab & Zaharia, "ColBERT", SIGIR 2020, section 3; here over the token vectors of a sentence
embedder, projected to 64 dimensions and stored as int8.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import repeat

import numpy as np

from perstream.memory.compress import DIMENSION
from perstream.memory.entry import TokenCodes
from perstream.types import FloatArray

_AWAY = b""


class TokenStore:
    """Compressed token vectors by slot: 64 bytes a token and about 40 a memory."""

    def __init__(self) -> None:
        self._codes: list[bytes | None] = []
        self._scales = array("f")
        self.nbytes = 0

    def put(self, slot: int, tokens: TokenCodes | None) -> None:
        """Keep a memory's tokens; None drops them."""
        while slot >= len(self._codes):
            self._codes.append(None)
            self._scales.append(0.0)
        self.nbytes -= len(self._codes[slot] or b"")
        self._codes[slot] = tokens.codes.tobytes() if tokens is not None and len(tokens.codes) else None
        self._scales[slot] = tokens.scale if tokens is not None else 0.0
        self.nbytes += len(self._codes[slot] or b"")

    def evict(self, slot: int) -> None:
        """Let go of a memory's tokens, and know that it may have some."""
        self.put(slot, None)
        self._codes[slot] = _AWAY

    def is_away(self, slot: int) -> bool:
        """Were they evicted, and not put since?"""
        return slot < len(self._codes) and self._codes[slot] is not None and not self._codes[slot]

    def extend(self, first: int, codes: Sequence[bytes | None], scales: Sequence[float]) -> None:
        """Keep the tokens of many memories under the free slots from ``first`` on."""
        missing = first - len(self._codes)
        self._codes.extend([None] * missing)
        self._scales.extend(repeat(0.0, missing))
        self._codes.extend(code or None for code in codes)
        self._scales.extend(scales)
        self.nbytes += sum(len(code) for code in codes if code)

    def maxsim(self, question: FloatArray, weights: FloatArray, slots: Sequence[int]) -> FloatArray:
        """Weighted mean over the question's tokens [q, 64] of the best cosine in each memory; -1 without tokens."""
        out = np.full(len(slots), -1.0, np.float32)
        held = [i for i, slot in enumerate(slots) if slot < len(self._codes) and self._codes[slot]]
        if not held or not len(question):
            return out
        parts = [self._codes[slots[i]] or b"" for i in held]
        starts = np.cumsum([0] + [len(part) // DIMENSION for part in parts[:-1]])
        codes = np.frombuffer(b"".join(parts), np.int8).reshape(-1, DIMENSION)
        similar = codes.astype(np.float32) @ question.T
        best = np.maximum.reduceat(similar, starts, axis=0)
        scales = np.array([self._scales[slots[i]] for i in held], np.float32)
        out[held] = (best @ weights) * scales / max(float(weights.sum()), 1e-9)
        return out
