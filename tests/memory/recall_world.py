"""What the recall tests share: an embedder in which the same word is the same vector, and short ways to ask.

A token's vector depends on its lower-case word alone; a text's is their mean. So texts are alike as far as they share words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from perstream.config import MemoryConfig
from perstream.memory.compress import compress_tokens
from perstream.memory.entry import IndexEntry, Scored
from perstream.memory.recall import RecallIndex
from perstream.types import FloatArray, Provenance, Query, TextVectors
from perstream.vectors import normalized

NOW = datetime(2024, 3, 13, 12, 0, tzinfo=timezone.utc)  # a Wednesday
DIMENSION = 384


def word_vector(word: str) -> FloatArray:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
    return normalized(np.random.default_rng(seed).standard_normal(DIMENSION))


class WordEmbedder:
    """TextEmbedder of the tests."""

    dimension = DIMENSION

    def embed_tokens(self, text: str) -> TextVectors:
        words = tuple(re.findall(r"\w+", text.lower()))[:256]
        tokens = np.stack([word_vector(word) for word in words]) if words else np.zeros((0, DIMENSION), np.float32)
        pooled = normalized(tokens.mean(axis=0)) if words else np.zeros(DIMENSION, np.float32)
        return TextVectors(pooled, tokens, words)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self.embed_tokens(text).pooled for text in texts])


EMBEDDER = WordEmbedder()


def entry(id: int, text: str, days_ago: float = 1.0, **more: Any) -> IndexEntry:
    vectors = EMBEDDER.embed_tokens(f"{more.get('context', '')} {text}")
    values: dict[str, Any] = {
        "id": id,
        "text": text,
        "context": "",
        "speaker": None,
        "source": None,
        "session": "",
        "start_s": None,
        "observed_at": (NOW - timedelta(days=days_ago)).timestamp(),
        "provenance": Provenance.TOLD,
        "category": "notes",
        "pooled": vectors.pooled,
        "tokens": compress_tokens(vectors.tokens),
    }
    return IndexEntry(**{**values, **more})


def index_of(*entries: IndexEntry, **settings: Any) -> RecallIndex:
    index = RecallIndex(MemoryConfig(**settings))
    index.add_many(entries)
    return index


def ask(index: RecallIndex, text: str, k: int = 5, **more: Any) -> list[Scored]:
    more.setdefault("vectors", EMBEDDER.embed_tokens(index.to_embed(text)))
    return index.search(Query(text=text, now=NOW, k=k, **more))


def ids(found: list[Scored]) -> list[int]:
    return [scored.id for scored in found]
