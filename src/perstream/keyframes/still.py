"""Small things that change in a view at rest: an object put down, a page turned."""

from __future__ import annotations

import math

import cv2
import numpy as np

from perstream.keyframes.cells import TIMES_NOISE, Mask, Noise
from perstream.types import FloatArray

NEIGHBOURS = 3
"""This many cells that touch each other must have changed for good ..."""
FAINT = 5.0
PLAIN = 8.0
"""... by more than the first, one of them by more than the second, in grey levels. Soft shadows and
the refresh of a coarsely coded video stay below (at most 5.6 in a measured one), things put down
reach 15 to 70."""
LOOK_S = 0.19
"""One look in so long a time is enough while nothing is amiss: what counts stays for half a second and more."""
HABIT_RISE_S = 6.0
HABIT_FALL_S = 1.5
"""A cell that keeps moving (a fan, a screen) becomes noisy to us this fast, and quiet again this fast."""


class StillWatch:
    """Watches the cells of one resting view. A new one is made for every keyframe."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._for_s: FloatArray | None = None
        self._habit: FloatArray | None = None
        self._calm: Mask | None = None
        self._passed_s = 0.0
        self.changed = False
        """Cells differ from the keyframe and have been quiet in their new state for ``hold_s``."""
        self.disturbed = False
        """Something differs from the keyframe, a hand for example, as of the last look."""

    @property
    def pending(self) -> bool:
        """There was a check since the last look."""
        return self._calm is not None

    def due(self, lively: FloatArray, passed_s: float, noise: Noise) -> bool:
        """One more check, ``passed_s`` after the one before; whether it is time to ``look``.

        ``lively``: difference per cell [rows, columns] from the check before, grey levels.
        """
        if self._habit is None:
            self._habit = np.zeros(lively.shape, np.float32)
        calm: Mask = lively < np.maximum(TIMES_NOISE * self._habit, noise.threshold)
        self._calm = calm if self._calm is None else self._calm & calm
        more = lively - self._habit
        rise, fall = (1 - math.exp(-passed_s / tau) for tau in (HABIT_RISE_S, HABIT_FALL_S))
        self._habit += np.minimum(rise * more, fall * more)  # rise is the smaller of the two
        self._passed_s += passed_s
        return self._for_s is None or self.disturbed or self._passed_s >= LOOK_S

    def look(self, gone: FloatArray, noise: Noise) -> None:
        """Look at the view of the latest check.

        ``gone``: difference per cell [rows, columns] from the keyframe, camera shift taken out, grey levels.
        """
        if self._habit is None or self._calm is None:
            return
        bar = np.maximum(TIMES_NOISE * self._habit, max(FAINT, TIMES_NOISE * noise.level))
        apart = gone > bar
        before = 0.0 if self._for_s is None else self._for_s
        self._for_s = np.multiply(before + np.float32(self._passed_s), apart & self._calm, dtype=np.float32)
        self._calm, self._passed_s = None, 0.0
        self.changed = _group(gone, self._for_s >= self._hold_s, bar)
        self.disturbed = _group(gone, apart, bar)


def _group(gone: FloatArray, cells: Mask, bar: FloatArray) -> bool:
    """Is there a group among ``cells`` that is large and plain enough to be a thing?"""
    if np.count_nonzero(cells) < min(NEIGHBOURS, cells.size):
        return False
    around = np.ones((3, 3), np.float32)
    together = cv2.filter2D(cells.astype(np.float32), -1, around, borderType=cv2.BORDER_CONSTANT)
    # A group is read at its cell of most neighbours; its peak may be any cell around that one.
    peak = cv2.dilate(np.where(cells, gone, 0).astype(np.float32), around)
    return bool(((peak > np.maximum(PLAIN, bar)) & (together >= min(NEIGHBOURS, cells.size))).any())
