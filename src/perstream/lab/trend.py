"""Does a series rise? Slope over time with an interval that knows of the series' own memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Trend:
    """A slope per unit of x."""

    slope: float
    low: float
    high: float
    """95 % interval."""
    n: int

    @property
    def is_flat(self) -> bool:
        """Zero lies in the interval."""
        return self.low <= 0.0 <= self.high


def trend(x: Sequence[float], y: Sequence[float], seed: int = 0) -> Trend:
    """Theil-Sen slope (median of all pairwise slopes; Sen, JASA 1968) and its bootstrap interval.

    Neighbouring samples of memory use are alike, so residuals are resampled in blocks of about the cube root of
    their number, twice over (moving-block bootstrap; Künsch, Ann. Stat. 1989). Needs three samples; O(n^2).
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    n = len(xs)
    if n < 3 or n != len(ys):
        raise ValueError("a trend takes at least three pairs")
    slope = _theil_sen(xs, ys)
    line = slope * xs + np.median(ys - slope * xs)
    residuals = ys - line
    block = min(n, max(1, 2 * round(n ** (1 / 3))))
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n - block + 1, (RESAMPLES, -(-n // block)))
    picks = (starts[:, :, None] + np.arange(block)).reshape(RESAMPLES, -1)[:, :n]
    low, high = np.percentile([_theil_sen(xs, line + residuals[pick]) for pick in picks], [2.5, 97.5])
    return Trend(slope, float(low), float(high), n)


def _theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    i, j = np.triu_indices(len(x), 1)
    apart = x[j] - x[i]
    kept = apart != 0
    return float(np.median((y[j] - y[i])[kept] / apart[kept]))
