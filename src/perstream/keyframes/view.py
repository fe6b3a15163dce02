"""A frame as a check of the sampler sees it."""

from __future__ import annotations

from copy import copy
from functools import cached_property

import cv2
import numpy as np

from perstream.keyframes.cells import cell_means, detail, grid_of, quartiles
from perstream.types import ByteArray, FloatArray, Frame

WIDTH_PX = 160
"""Width of the grey picture in which small changes are looked for. Motion is measured in half of it."""
BLANK = 1.5
"""Grey levels: a cell with less detail than this shows nothing that could be followed."""
SAME = 1.5
"""Grey levels, well below what counts as a change."""


class View:
    """A frame as a check sees it; does not hold on to the decoded picture."""

    def __init__(self, frame: Frame) -> None:
        self.pts_s = frame.pts_s
        self.size = (frame.picture.width, frame.picture.height)
        """Width and height of the full picture, pixels."""
        self.gray: ByteArray = np.asarray(cv2.GaussianBlur(frame.picture.gray(WIDTH_PX), (3, 3), 0), dtype=np.uint8)
        """[h, w], denoised; about ``WIDTH_PX`` wide."""
        self.grid = grid_of(self.gray)
        h, w = (max(1, side // 2) for side in self.gray.shape)
        self.small: ByteArray = np.asarray(cv2.resize(self.gray, (w, h), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        """``gray`` at half its size."""

    @cached_property
    def quartiles(self) -> tuple[float, float, float]:
        """Of ``small``."""
        return quartiles(self.small)

    @cached_property
    def detail(self) -> FloatArray:
        """How much there is to see in each cell [rows, columns], grey levels."""
        return detail(self.small, self.grid)

    @cached_property
    def blank(self) -> bool:
        """Nothing in it could be followed: a covered lens, a black picture between two scenes."""
        return float(self.detail.max()) < BLANK

    def same_as(self, other: View) -> bool:
        """No cell differs by ``SAME``: there is nothing to work out. Sizes must be equal."""
        differs = cv2.absdiff(self.small, other.small)
        return not differs.any() or float(cell_means(differs.astype(np.float32), self.grid).max()) < SAME

    def still_at(self, pts_s: float) -> View:
        """This view, seen once more at a later time."""
        again = copy(self)
        again.pts_s = pts_s
        return again
