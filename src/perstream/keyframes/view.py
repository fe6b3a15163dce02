"""A frame as a check of the sampler sees it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from perstream.keyframes.cells import detail, quartiles
from perstream.types import ByteArray, FloatArray, Frame

WIDTH_PX = 160
"""Width of the small grey picture in which motion is measured."""
BLANK = 1.5
"""Grey levels: a cell with less detail than this shows nothing that could be followed."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A frame as a check sees it; does not hold on to the decoded picture."""

    pts_s: float
    size: tuple[int, int]
    """Width and height of the full picture, pixels."""
    gray: ByteArray
    """[h, w], denoised; about ``WIDTH_PX`` wide."""
    quartiles: tuple[float, float, float]
    """Of ``gray``."""
    detail: FloatArray
    """Grey levels per cell [rows, columns]."""

    @property
    def blank(self) -> bool:
        """Nothing in it could be followed: a covered lens, a black picture between two scenes."""
        return float(self.detail.max()) < BLANK


def view_of(frame: Frame) -> View:
    """Look at a frame: the one costly conversion of a check."""
    gray = np.asarray(cv2.GaussianBlur(frame.picture.gray(WIDTH_PX), (3, 3), 0), dtype=np.uint8)
    return View(frame.pts_s, (frame.picture.width, frame.picture.height), gray, quartiles(gray), detail(gray))
