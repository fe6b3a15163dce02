"""The best few of very many scores, without sorting all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.memory.postings import SlotArray

RUN = 64
"""So many scores, each as far from the next, have their maximum taken together."""


def best_slots(score: NDArray[np.floating], allowed: NDArray[np.bool_] | None, k: int) -> SlotArray:
    """At most ``k`` slots of the highest scores, in no order; only the ``allowed`` ones where that is given.

    The k-th largest of the maxima of groups is a bound: at least ``k`` scores reach it, and one pass finds those.
    """
    if k == 1 and allowed is None:
        return np.array([score.argmax()]) if len(score) else np.zeros(0, np.int64)
    runs = len(score) // RUN
    if runs > 2 * k:
        masked = score if allowed is None else np.where(allowed, score, -np.inf)
        tops = masked[: runs * RUN].reshape(RUN, runs).max(axis=0)
        bound = np.partition(tops, runs - k)[runs - k]
        slots = np.flatnonzero(masked >= bound if bound > -np.inf else masked > -np.inf)
    else:
        slots = np.arange(len(score)) if allowed is None else np.flatnonzero(allowed)
    if len(slots) > k:
        slots = slots[np.argpartition(-score[slots], k - 1)[:k]]
    return slots
