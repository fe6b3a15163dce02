"""The best few of very many scores, without sorting all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.memory.lexical import SlotArray

RUN = 64
"""Scores whose maximum is taken together."""


def best_slots(score: NDArray[np.floating], allowed: NDArray[np.bool_], k: int) -> SlotArray:
    """At most ``k`` allowed slots of the highest scores, in no order.

    The k-th largest of the maxima of runs is a bound: at least ``k`` scores reach it, and one pass finds those.
    """
    runs = len(score) // RUN
    if runs > 2 * k:
        masked = np.where(allowed, score, -np.inf)
        tops = masked[: runs * RUN].reshape(runs, RUN).max(axis=1)
        bound = np.partition(tops, runs - k)[runs - k]
        slots = np.flatnonzero(masked >= bound) if bound > -np.inf else np.flatnonzero(allowed)
    else:
        slots = np.flatnonzero(allowed)
    if len(slots) > k:
        slots = slots[np.argpartition(-score[slots], k - 1)[:k]]
    return slots
