"""Memories by number to measure with: sentences by pattern, and vectors drawn like those of real texts.

The vectors have what embeddings of chat and of records of daily life by all-MiniLM-L6-v2 show (13,000 texts): a common
part (mean cosine of any two .13, there .11), a spectrum that falls off (half of the variance in 25 of 384 directions,
there 31), topics of very different sizes and widths, questions at a cosine of about .78 to the best. To be sure of the
five or ten nearest, a search reads 1.4 to 6 times as many here as there.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import numpy as np

from perstream.lab.fit_token_pca import DAYS, NAMES, PATTERNS, TIMES
from perstream.memory.compress import DIMENSION, SCALE
from perstream.memory.entry import IndexEntry, TokenCodes
from perstream.types import FloatArray, Provenance, Query, TextVectors
from perstream.vectors import normalized

TOPICS = 500
"""Clusters of vectors; the first are large, the last small."""
COMMON = 0.55
"""Length of what all vectors share, beside a topic's 1."""
NARROW, WIDE = 0.4, 1.3
"""How far memories lie from their topic, by topic."""
ASIDE = 0.8
"""How far a question lies from the memory that it is about."""
FALL = 32
"""Variance falls to a quarter over so many directions."""
DRAWN = 1000
"""Vectors drawn at a time."""
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
NOUNS = (
    "key bowl train platform jar bread dog garden letter window ticket lamp river song book phone coffee wallet doctor table "
    "shoe bridge flower kitchen museum guitar bottle market camera picture street winter office paper bicycle concert jacket "
    "recipe tree station beach painting festival school hospital umbrella passport mountain birthday cake cat notebook"
).split()


class BenchWorld:
    """Memories by number, made when asked for: the same number is the same memory."""

    def __init__(self, nodes: int, seed: int, tokens: int) -> None:
        self.nodes, self._seed, self._tokens = nodes, seed, tokens
        rng = np.random.default_rng(seed)
        directions = np.linalg.qr(rng.standard_normal((384, 384)))[0]
        fall = 1 / (1 + np.arange(384) / FALL)
        self._axes = np.asarray((fall / np.linalg.norm(fall))[:, None] * directions, np.float32)
        self._topics = normalized(rng.standard_normal((TOPICS, 384)) @ self._axes)
        self._topics += COMMON * normalized(rng.standard_normal((1, 384)))
        self._widths = np.asarray(NARROW * (WIDE / NARROW) ** rng.random(TOPICS), np.float32)
        self._drawn = lru_cache(maxsize=8)(self._draw)

    def text(self, number: int) -> str:
        rng = random.Random(self._seed * 1_000_003 + number)
        a, b, c, e = rng.sample(NOUNS, 4)
        pattern = rng.choice(PATTERNS)
        return pattern.format(
            a=f"{a} {number % 9973}",
            b=b,
            c=c,
            e=e,
            n=rng.choice(NAMES),
            d=rng.choice(DAYS),
            m="May",
            t=rng.choice(TIMES),
        )

    def vector(self, number: int) -> FloatArray:
        """Unit vector [384]."""
        return np.asarray(self._drawn(number // DRAWN)[number % DRAWN], np.float32)

    def vectors(self, start: int, end: int) -> FloatArray:
        """Unit vectors [end - start, 384]."""
        return np.stack([self.vector(number) for number in range(start, end)])

    def _draw(self, block: int) -> FloatArray:
        rng = np.random.default_rng((self._seed, block))
        topics = (TOPICS * rng.random(DRAWN) ** 2).astype(np.int64)
        noise = rng.standard_normal((DRAWN, 384), np.float32) @ self._axes
        return normalized(self._topics[topics] + self._widths[topics, None] * noise)

    def tokens(self, number: int, count: int) -> TokenCodes | None:
        if not count:
            return None
        codes = np.random.default_rng(number).integers(-60, 60, (count, DIMENSION)).astype(np.int8)
        return TokenCodes(codes, SCALE)

    def entry(self, number: int) -> IndexEntry:
        return IndexEntry(
            id=number + 1,
            text=self.text(number),
            context="",
            speaker=None,
            source="camera",
            session="camera",
            start_s=float(number),
            observed_at=START.timestamp() + 30.0 * number,
            provenance=Provenance.SEEN,
            category="notes",
            pooled=self.vector(number),
            tokens=self.tokens(number, self._tokens),
        )

    def query(self, number: int) -> Query:
        wanted = random.Random(number).randrange(self.nodes)
        words = tuple(self.text(wanted).lower().split()[:8])
        tokens = normalized(np.random.default_rng(number).standard_normal((len(words), DIMENSION)))
        noise = ASIDE * np.random.default_rng(number).standard_normal(384, np.float32) @ self._axes
        vectors = TextVectors(normalized(self.vector(wanted) + noise), tokens, words)
        return Query(" ".join(words), vectors, START + timedelta(seconds=30.0 * self.nodes), k=5)
