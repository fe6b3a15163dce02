"""Cells of a small grey picture: where it differs from another one, and by how much beyond noise."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from perstream.types import ByteArray, FloatArray

CELL = 8
"""Side of a cell, pixels of a picture of full width (``view.WIDTH_PX``)."""
FLOOR = 2.5
"""Grey levels: a cell that differs by less than this on average has not changed."""
TIMES_NOISE = 3.0
"""A cell has changed when it differs by this many times the camera's own noise."""
NOISE_WINDOW_S = 8.0
LESSON_S = 0.3
NOISE_CEILING = 12.0
"""Grey levels; nothing that differs by more is taken for noise."""

Mask = NDArray[np.bool_]
Grid = tuple[int, int]
"""Columns and rows of cells."""


def grid_of(picture: ByteArray | FloatArray) -> Grid:
    """The cells of a picture [h, w]."""
    h, w = picture.shape[:2]
    return max(1, round(w / CELL)), max(1, round(h / CELL))


def cell_means(values: FloatArray, grid: Grid | None = None) -> FloatArray:
    """Means of the cells [rows, columns(, 2)] of [h, w(, 2)]; the cells share out what is left over.

    ``grid`` is that of the picture itself unless told: a shrunk picture is given that of the large one.
    """
    grid = grid or grid_of(values)
    h, w = values.shape[:2]
    if w % grid[0] == 0 and h > grid[1]:  # whole factors first: OpenCV is twice as fast with them
        values = cv2.resize(values, (grid[0], h), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return np.asarray(cv2.resize(values, grid, interpolation=cv2.INTER_AREA), dtype=np.float32)


def quartiles(picture: ByteArray) -> tuple[float, float, float]:
    """25th, 50th and 75th percentile of an 8-bit picture, grey levels."""
    counts = cv2.calcHist([picture], [0], None, [256], [0, 256]).ravel().cumsum()
    low, middle, high = counts.searchsorted([share * picture.size for share in (0.25, 0.5, 0.75)])
    return float(low), float(middle), float(high)


def exposed_like(picture: ByteArray, own: tuple[float, float, float], wanted: tuple[float, float, float]) -> ByteArray:
    """``picture`` of the quartiles ``own`` with brightness and contrast changed to those ``wanted``.

    So that light alone is no motion. Quartiles are deaf to a small thing that came or went.
    """
    if own == wanted:
        return picture
    gain = min(2.5, max(0.4, (wanted[2] - wanted[0] + 6.0) / (own[2] - own[0] + 6.0)))
    return np.asarray(cv2.addWeighted(picture, gain, picture, 0.0, wanted[1] - gain * own[1]), dtype=np.uint8)


def difference(a: ByteArray | FloatArray, b: ByteArray | FloatArray, share: float = 1 / 3) -> FloatArray:
    """``a - b`` [h, w] without what varies over more than ``share`` of the width (light, vignetting)."""
    plain: FloatArray = np.subtract(a, b, dtype=np.float32)
    side = max(3, min(int(plain.shape[1] * share) | 1, 2 * min(plain.shape) - 1))
    plain -= cv2.blur(plain, (side, side))
    return plain


def detail(picture: ByteArray, grid: Grid) -> FloatArray:
    """How much there is to see in each cell [rows, columns]: mean distance from the local mean, grey levels."""
    values = picture.astype(np.float32)
    side = min(5, 2 * min(picture.shape) - 1)
    return cell_means(cv2.absdiff(values, cv2.blur(values, (side, side))), grid)  # type: ignore[arg-type]


class Noise:
    """The camera's own noise: what cells differ by when nothing happens, in grey levels.

    Minimum statistics (Martin 2001, for speech): the least lively quarter of the cells, at the
    calmest check of the last seconds. It needs no still stretch and follows dusk and gain.
    """

    def __init__(self) -> None:
        self._calmest: deque[tuple[float, float]] = deque()

    def due(self, pts_s: float, peak: float) -> bool:
        """Whether it is time to learn from a check that differs by ``peak`` at most.

        A moving camera needs no lesson at every one.
        """
        return peak < FLOOR or not self._calmest or pts_s - self._calmest[-1][0] >= LESSON_S

    def learn(self, pts_s: float, changes: FloatArray) -> None:
        """``changes``: mean absolute difference per cell between two successive checks."""
        value = min(float(np.partition(changes.ravel(), changes.size // 4)[changes.size // 4]), NOISE_CEILING)
        while self._calmest and self._calmest[-1][1] >= value:
            self._calmest.pop()
        self._calmest.append((pts_s, value))
        while self._calmest[0][0] < pts_s - NOISE_WINDOW_S:
            self._calmest.popleft()

    @property
    def level(self) -> float:
        """Grey levels; 0 before anything was learned."""
        return self._calmest[0][1] if self._calmest else 0.0

    @property
    def threshold(self) -> float:
        """A cell that differs by more than this, in grey levels, has changed."""
        return max(FLOOR, TIMES_NOISE * self.level)
