"""One decoded picture of PyAV that is converted only when somebody needs the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from av.video.frame import VideoFrame

from perstream.sources.yuv import PLANAR_420, UNSPECIFIED, halved, is_bt709, planes_to_rgb
from perstream.types import ByteArray

LUMA_FIRST = frozenset(
    [f"{family}4{sub}p" for family in ("yuv", "yuvj") for sub in ("20", "22", "44", "40", "11", "10")]
    + ["yuva420p", "yuva422p", "yuva444p", "nv12", "nv21", "nv16", "nv24", "gray"]
)
"""8-bit pixel formats whose first plane is the luma of every pixel: it can be looked at without a copy."""


@dataclass(frozen=True, slots=True, eq=False)
class AvPicture:
    """A frame of the decoder, upright. It keeps the decoder's buffer alive, so do not hoard it."""

    frame: VideoFrame
    turns: int = 0
    """Quarter turns counter-clockwise that make it upright, 0 to 3."""

    @property
    def width(self) -> int:
        return int(self.frame.height if self.turns % 2 else self.frame.width)

    @property
    def height(self) -> int:
        return int(self.frame.width if self.turns % 2 else self.frame.height)

    def gray(self, width: int) -> ByteArray:
        """Luma [h, w] as coded, area-averaged by a whole factor to at most ``width`` pixels wide."""
        factor = _factor(self.width, width, self.frame)
        if self.frame.format.name in LUMA_FIRST:
            return _upright(_average(luma_plane(self.frame), factor), self.turns)
        small = self.frame.reformat(
            max(1, self.frame.width // factor), max(1, self.frame.height // factor), "gray", interpolation="AREA"
        )
        return _upright(luma_plane(small).copy(), self.turns)  # the plane goes with its frame

    def rgb(self, max_side: int) -> ByteArray:
        """Colours [h, w, 3], the longer side at most ``max_side`` pixels, aspect kept."""
        longest = max(self.frame.width, self.frame.height)
        share = min(1.0, max(1, max_side) / longest)
        width, height = (max(1, round(side * share)) for side in (self.frame.width, self.frame.height))
        if self.frame.format.name in PLANAR_420:
            return _upright(planes_to_rgb(self.frame, width, height), self.turns)
        matrix = "ITU709" if self.frame.colorspace == UNSPECIFIED and is_bt709(self.frame) else None
        small = self.frame.reformat(width, height, "rgb24", src_colorspace=matrix, interpolation="AREA")
        return _upright(np.asarray(small.to_ndarray(), dtype=np.uint8), self.turns)


def quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns counter-clockwise that the file asks for; the nearest one for odd angles."""
    return round(frame.rotation / 90) % 4


def luma_plane(frame: VideoFrame) -> ByteArray:
    """The first plane [h, w] of an 8-bit frame without its row padding: a view, not a copy."""
    plane = frame.planes[0]
    rows: ByteArray = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _factor(upright_width: int, width: int, frame: VideoFrame) -> int:
    factor = -(-upright_width // max(1, width))
    return max(1, min(factor, frame.width, frame.height))


def _average(luma: ByteArray, factor: int) -> ByteArray:
    """Mean of ``factor`` x ``factor`` blocks; a remainder at the right and bottom edge is cut."""
    height, width = luma.shape[0] // factor, luma.shape[1] // factor
    block = halved(luma[: height * factor, : width * factor], (width, height))
    # Between one and two pixels per pixel bilinear weights are nearly those of the area, and much cheaper.
    return np.asarray(cv2.resize(block, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _upright(pixels: ByteArray, turns: int) -> ByteArray:
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
