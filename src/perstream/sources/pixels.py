"""A picture that is already an array and is often made small: a browser's camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from perstream.types import ArrayPicture, ByteArray


@dataclass(frozen=True, slots=True, eq=False)
class PixelPicture(ArrayPicture):
    """Shrinks with OpenCV: ten times as fast, and to the pixel asked for."""

    def gray(self, width: int) -> ByteArray:
        small = self._shrunk(min(1.0, max(1, width) / self.width))
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)

    def rgb(self, max_side: int) -> ByteArray:
        return self._shrunk(min(1.0, max(1, max_side) / max(self.width, self.height)))

    def _shrunk(self, share: float) -> ByteArray:
        if share == 1.0:
            return self.pixels
        size = (max(1, round(self.width * share)), max(1, round(self.height * share)))
        return np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
