"""Measures of a ranking: recall@k, MRR, nDCG@10, AUC, and bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Ranking:
    """One question's outcome: the golds' ranks, from 0; golds that were not found are missing."""

    ranks: tuple[int, ...]
    golds: int
    category: str = ""
    latency_ms: float = 0.0

    def recall(self, k: int) -> float:
        """Share of the golds among the first ``k``."""
        return sum(rank < k for rank in self.ranks) / self.golds

    def reciprocal_rank(self) -> float:
        """1 / place of the first gold, 0 without one."""
        return 1 / (1 + min(self.ranks)) if self.ranks else 0.0

    def ndcg(self, k: int = 10) -> float:
        """Binary nDCG (Järvelin & Kekäläinen 2002)."""
        gain = sum(1 / math.log2(rank + 2) for rank in self.ranks if rank < k)
        return gain / sum(1 / math.log2(i + 2) for i in range(min(k, self.golds)))


def ranks_of(found: Sequence[int], golds: Collection[int]) -> tuple[int, ...]:
    """At which places of ``found`` the golds stand."""
    return tuple(i for i, item in enumerate(found) if item in golds)


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, percentile method."""
    if not values:
        return (0.0, 0.0)
    array = np.asarray(values, np.float64)
    picks = np.random.default_rng(seed).integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.percentile(array[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def auc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Chance that a positive scores above a negative, ties half; None without both."""
    if not positive or not negative:
        return None
    both: NDArray[np.float64] = np.asarray([*positive, *negative], np.float64)
    _, place, count = np.unique(both, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    n, m = len(positive), len(negative)
    return float((rank[:n].sum() - n * (n + 1) / 2) / (n * m))


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile; zeros without values."""
    if not values:
        return (0.0, 0.0)
    p50, p95 = np.percentile(np.asarray(values, np.float64), [50, 95])
    return float(p50), float(p95)
