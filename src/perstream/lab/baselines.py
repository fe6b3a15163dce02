"""Plain rankings to compare recall with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from perstream.memory.lexical import LexicalIndex, Stemmer
from perstream.protocols import TextEmbedder

DEPTH = 50
"""Results looked at per question: MRR counts no gold beyond."""


class Plain:
    """The baselines: cosine of pooled vectors, BM25, and the newest memories."""

    def __init__(self, texts: Sequence[str], times: Sequence[float], embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self._vectors = embedder.embed(texts)
        self._stemmer = Stemmer()
        self._words = LexicalIndex()
        for i, text in enumerate(texts):
            self._words.add(i, self._stemmer.terms(text))
        self._nobody = np.full(len(texts), -1, np.int32)
        self._newest = np.argsort(-np.asarray(times), kind="stable")[:DEPTH].tolist()

    def rankings(self, question: str) -> Iterator[tuple[str, list[int], float]]:
        """(name, order, milliseconds) of each baseline."""
        vector = self._embedder.embed_tokens(question).pooled
        for name, scores in (
            ("cosine", lambda: self._vectors @ vector),
            ("bm25", lambda: self._words.scores(set(self._stemmer.terms(question)), self._nobody, self._nobody)),
        ):
            yield (name, *_timed(scores))
        yield "last_n", self._newest, 0.0


def _timed(scores: Callable[[], np.ndarray[Any, Any]]) -> tuple[list[int], float]:
    started = time.perf_counter()
    order = np.argsort(-scores(), kind="stable")[:DEPTH].tolist()
    return order, (time.perf_counter() - started) * 1e3
