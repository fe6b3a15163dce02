"""What the memory tests share: a deterministic fake embedder, and short ways to make memories.

The embedder gives every text a random unit vector seeded by a hash of its case-folded words: equal
texts are equal, all others are unrelated. It says nothing about meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from perstream.config import MemoryConfig
from perstream.memory.engine import PLAIN, Keys
from perstream.memory.memory import Memory
from perstream.types import FloatArray, NewMemory, Provenance, Query, TextVectors, Triplet

T0 = datetime(2026, 5, 4, 9, 0, tzinfo=timezone.utc)
DIMENSION = 384


def vector(text: str) -> FloatArray:
    digest = hashlib.blake2b(text.casefold().encode(), digest_size=8).digest()
    drawn = np.random.default_rng(int.from_bytes(digest, "big")).standard_normal(DIMENSION).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


def embed(texts: Sequence[str]) -> FloatArray:
    return np.stack([vector(text) for text in texts]) if texts else np.zeros((0, DIMENSION), np.float32)


def vectors(text: str) -> TextVectors:
    words = tuple(text.split())
    return TextVectors(vector(text), embed(words), words)


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def told(text: str, hours: float = 0.0, *triplets: Triplet, category: str = "notes", pinned: bool = False) -> NewMemory:
    return NewMemory(
        text=text,
        category=category,
        provenance=Provenance.TOLD,
        observed_at=at(hours),
        ended_at=at(hours),
        vectors=vectors(text),
        triplets=triplets,
        pinned=pinned,
    )


def seen(
    text: str,
    hours: float = 0.0,
    *triplets: Triplet,
    source: str = "cam.mp4",
    category: str = "places",
    patches: int = 4,
) -> NewMemory:
    """A moment with all parts of the storage set."""
    rng = np.random.default_rng(len(text))
    return NewMemory(
        text=text,
        category=category,
        provenance=Provenance.SEEN,
        observed_at=at(hours),
        ended_at=at(hours) + timedelta(seconds=4),
        vectors=vectors(text),
        source=source,
        start_s=3600 * hours,
        end_s=3600 * hours + 4,
        triplets=triplets,
        mean_vector=rng.standard_normal((patches, 8)).astype(np.float16),
        nearest_vector=rng.standard_normal((patches, 8)).astype(np.float16),
        thumbnail=b"\xff\xd8JPEG of " + text.encode() + b"\xff\xd9",
    )


def has(thing: str, owner: str = "I") -> Triplet:
    return Triplet(owner, "has", thing)


def fact(predicate: str, value: str, subject: str = "I") -> Triplet:
    return Triplet(subject, predicate, value, functional=True)


def ask(text: str, hours: float = 1000.0, k: int = 5) -> Query:
    return Query(text, vectors(text), at(hours), k)


def opened(folder: Path, read_only: bool = False, keys: Keys = PLAIN, **settings: object) -> Memory:
    config = MemoryConfig(**settings)  # type: ignore[arg-type]
    return Memory.open(folder, config, embed, read_only=read_only, keys=keys)
