"""Embeddings kept on disk between runs of an evaluation, by content: the same text is embedded once.

A file holds what one run added. Token vectors are kept as recall uses them (64 dimensions), at half precision.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from perstream.memory.compress import project_tokens
from perstream.protocols import TextEmbedder
from perstream.types import FloatArray, TextVectors


def default_cache() -> Path:
    """A folder of this user among the machine's temporary files; PERSTREAM settings do not name it."""
    return Path(tempfile.gettempdir()) / f"perstream-embeddings-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


class CachedEmbedder:
    """TextEmbedder that asks another one only for what it has not seen. Use as a context manager to keep what is new."""

    def __init__(self, embedder: TextEmbedder, folder: Path | None = None) -> None:
        self._embedder = embedder
        self.dimension = embedder.dimension
        # Another model, or another build of it, has another folder.
        probe = np.round(embedder.embed_tokens("The quick brown fox jumps over the lazy dog.").pooled, 3).tobytes()
        self._folder = (folder or default_cache()) / hashlib.sha256(probe).hexdigest()[:16]
        self._known: dict[str, TextVectors] = {}
        self._new: list[str] = []
        for file in sorted(self._folder.glob("*.npz")):
            self._load(file)

    @property
    def folder(self) -> Path:
        """Where the files of this embedder are; its name is a digest of what the embedder makes of a sentence."""
        return self._folder

    def __contains__(self, text: str) -> bool:
        return _key(text) in self._known

    def __enter__(self) -> CachedEmbedder:
        return self

    def __exit__(self, *error: object) -> None:
        self.save()

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Pooled vectors [n, dimension]."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([self.embed_tokens(text).pooled for text in texts])

    def embed_tokens(self, text: str) -> TextVectors:
        """Pooled and projected token vectors of one text."""
        key = _key(text)
        if key not in self._known:
            vectors = self._embedder.embed_tokens(text)
            tokens = project_tokens(vectors.tokens).astype(np.float16).astype(np.float32)
            self._known[key] = TextVectors(vectors.pooled, tokens, vectors.words)
            self._new.append(key)
        return self._known[key]

    def save(self) -> None:
        """Write what is new; a cache that cannot be written is none."""
        if not self._new:
            return
        values = [self._known[key] for key in self._new]
        name = hashlib.sha256("".join(self._new).encode()).hexdigest()[:16]
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self._folder / f"{name}.{os.getpid()}.part"
            with part.open("wb") as file:
                np.savez(
                    file,
                    keys=np.array(self._new),
                    pooled=np.stack([v.pooled for v in values]),
                    tokens=np.concatenate([v.tokens for v in values]).astype(np.float16),
                    counts=np.array([len(v.tokens) for v in values]),
                    words=np.array([" ".join(v.words) for v in values]),
                )
            part.replace(self._folder / f"{name}.npz")
        except OSError:
            return
        self._new = []

    def _load(self, file: Path) -> None:
        try:
            with file.open("rb") as opened, np.load(opened) as data:
                keys, pooled, words = data["keys"].tolist(), data["pooled"], data["words"].tolist()
                tokens = np.split(data["tokens"].astype(np.float32), np.cumsum(data["counts"])[:-1])
        except (OSError, ValueError, KeyError, BadZipFile):
            return  # half-written or of another version: embedded again
        for i, key in enumerate(keys):
            self._known[key] = TextVectors(pooled[i], tokens[i], tuple(words[i].split()))


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
