"""Are vectors from elsewhere those of the embedder that is used here?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from perstream.memory.near import HEAD_BYTES, stored_vector
from perstream.types import TextVectors
from perstream.vectors import cosine

SAME = 0.5
"""Cosine of a text's vector to the same text embedded here. Of another embedder's vectors it is about 0."""


class Likeness:
    """Compares the first text that comes with a vector; what follows must have the same length."""

    def __init__(self, embed_tokens: Callable[[str], TextVectors]) -> None:
        self._embed = embed_tokens
        self._dimension: int | None = None
        """Of the vectors that are taken over; 0 when none are."""

    def of_pooled(self, text: str, pooled: NDArray[np.floating]) -> bool:
        """May the vector of this text be taken over?"""
        if self._dimension is None:
            if not text.strip():
                return len(pooled) == len(self._embed(text).pooled)
            own = self._embed(text).pooled
            same = own.shape == pooled.shape and cosine(own, pooled) >= SAME
            self._dimension = len(own) if same else 0
        return len(pooled) == self._dimension

    def of_stored(self, label: str, stored: bytes) -> bool:
        """May the compressed vector of this label be taken over?"""
        if len(stored) <= HEAD_BYTES:
            return False
        vector = stored_vector(stored)
        return bool(np.isfinite(vector).all()) and self.of_pooled(label, vector)
