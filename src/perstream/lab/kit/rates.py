"""Means and rates with their uncertainty, as the results files hold them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from perstream.lab.metrics import RESAMPLES, interval

Z = 1.96


def mean(values: Sequence[float]) -> dict[str, Any]:
    """{"mean", "ci95", "n"}: 95 % bootstrap interval; None without values."""
    if not values:
        return {"mean": None, "ci95": None, "n": 0}
    low, high = interval(values)
    return {"mean": round(float(np.mean(values)), 4), "ci95": [round(low, 4), round(high, 4)], "n": len(values)}


def share(flags: Sequence[bool]) -> dict[str, Any]:
    """{"rate", "ci95", "n"}: Wilson's 95 % interval, which is not empty at 0 and 1; None without flags."""
    n = len(flags)
    if not n:
        return {"rate": None, "ci95": None, "n": 0}
    p = sum(flags) / n
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return {"rate": round(p, 4), "ci95": [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)], "n": n}


def resampled(count: int, measure: Callable[[np.ndarray[Any, Any]], float | None], seed: int = 0) -> list[float] | None:
    """95 % bootstrap interval of a measure of ``count`` items (it gets their places); None when it never had a value."""
    rng = np.random.default_rng(seed)
    values = [measure(rng.integers(0, count, count)) for _ in range(RESAMPLES)] if count else []
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return [round(float(low), 4), round(float(high), 4)]
