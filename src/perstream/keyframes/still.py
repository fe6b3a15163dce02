"""Small things that change in a view at rest: an object put down, a page turned."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from perstream.keyframes.cells import TIMES_NOISE, Mask, Noise
from perstream.types import FloatArray

NEIGHBOURS = 3
"""This many cells that touch each other must have changed for good ..."""
FAINT = 5.0
PLAIN = 8.0
"""... by more than the first, one of them by more than the second, in grey levels. Soft shadows and
the refresh of a coarsely coded video stay below (at most 5.6 in a measured one), things put down
reach 15 to 70."""
HABIT_RISE_S = 6.0
HABIT_FALL_S = 1.5
"""A cell that keeps moving (a fan, a screen) becomes noisy to us this fast, and quiet again this fast."""


class StillWatch:
    """Watches the cells of one resting view. A new one is made for every keyframe."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._for_s: NDArray[np.float64] | None = None
        self._habit: FloatArray | None = None
        self.changed = False
        """Cells differ from the keyframe and have been quiet in their new state for ``hold_s``."""
        self.disturbed = False
        """Something differs from the keyframe right now, a hand for example."""

    def look(self, gone: FloatArray, lively: FloatArray, passed_s: float, noise: Noise) -> None:
        """One more check, ``passed_s`` after the one before.

        ``gone``: difference per cell [rows, columns] from the keyframe, camera shift taken out;
        ``lively``: difference from the check before. Grey levels.
        """
        if self._for_s is None or self._habit is None:
            self._for_s, self._habit = np.zeros(gone.shape), np.zeros(gone.shape, np.float32)
        calm: Mask = lively < np.maximum(noise.threshold, TIMES_NOISE * self._habit)
        rise, fall = (1 - np.exp(-passed_s / tau) for tau in (HABIT_RISE_S, HABIT_FALL_S))
        step = np.where(lively > self._habit, rise, fall)
        self._habit = np.asarray(self._habit + step * (lively - self._habit), dtype=np.float32)
        bar = np.maximum(max(FAINT, TIMES_NOISE * noise.level), TIMES_NOISE * self._habit)
        self._for_s = np.where((gone > bar) & calm, self._for_s + passed_s, 0.0)
        self.changed = _group(gone, self._for_s >= self._hold_s, bar)
        self.disturbed = _group(gone, gone > bar, bar)


def _group(gone: FloatArray, cells: Mask, bar: NDArray[np.floating]) -> bool:
    """Is there a group among ``cells`` that is large and plain enough to be a thing?"""
    around = np.ones((3, 3), np.float32)
    together = cv2.filter2D(cells.astype(np.float32), -1, around, borderType=cv2.BORDER_CONSTANT)
    # A group is read at its cell of most neighbours; its peak may be any cell around that one.
    peak = cv2.dilate(np.where(cells, gone, 0).astype(np.float32), around)
    return bool(((peak > np.maximum(PLAIN, bar)) & (together >= min(NEIGHBOURS, cells.size))).any())
