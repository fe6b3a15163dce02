"""An embedder that need not embed the same text again while it is fresh: questions compare the same sentences."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from perstream.protocols import TextEmbedder
from perstream.types import FloatArray, TextVectors

MOST = 2048
"""Vectors kept: 3 MB. The texts themselves are not kept, only their digests."""


class RecentVectors:
    """TextEmbedder over another one; :meth:`embed` remembers the vectors used last. Thread-safe."""

    def __init__(self, embedder: TextEmbedder, most: int = MOST) -> None:
        self._embedder = embedder
        self._most = most
        self._lock = threading.Lock()
        self._vectors: OrderedDict[bytes, FloatArray] = OrderedDict()

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Pooled vectors [n, dimension], L2-normalised: one call to the embedder for all that are new."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        known: dict[bytes, FloatArray] = {}
        with self._lock:
            for key in keys:
                if key in self._vectors:
                    self._vectors.move_to_end(key)
                    known[key] = self._vectors[key]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            made = dict(zip(new, self._embedder.embed(list(new.values())), strict=True))
            known |= made
            with self._lock:
                self._vectors.update(made)
                while len(self._vectors) > self._most:
                    self._vectors.popitem(last=False)
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, self.dimension), np.float32)

    def embed_tokens(self, text: str) -> TextVectors:
        """Pooled and token vectors of one text, made anew."""
        return self._embedder.embed_tokens(text)
