"""8-bit 4:2:0 pictures to RGB at a smaller size: planes are shrunk first, so most pixels are never converted."""

from __future__ import annotations

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from perstream.types import ByteArray

PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})
BT709 = 1
"""AVCOL_SPC_BT709."""
FULL_RANGE = 2
"""AVCOL_RANGE_JPEG: luma from 0 to 255."""
UNSPECIFIED = 2
"""AVCOL_SPC_UNSPECIFIED: the video does not say which YUV matrix it uses."""
HD_ROWS = 720
"""From this height on a video that does not say so means BT.709, below it BT.601."""


def planes_to_rgb(frame: VideoFrame, width: int, height: int) -> ByteArray:
    """RGB [height, width, 3] of a ``PLANAR_420`` frame, area-averaged. About 0.5 ms from 1080p to 960 x 540."""
    chroma = ((frame.width + 1) // 2, (frame.height + 1) // 2)
    if (width, height) == (frame.width, frame.height) and _is_plain_bt601(frame):
        return _same_size(frame)
    shrink = cv2.INTER_AREA if width <= chroma[0] else cv2.INTER_LINEAR
    size = (width, height)
    planes = [halved(_plane(frame, i, *(chroma if i else (frame.width, frame.height))), size) for i in range(3)]
    luma = cv2.resize(planes[0], size, interpolation=cv2.INTER_AREA)
    colors = [cv2.resize(plane, size, interpolation=shrink) for plane in planes[1:]]
    return np.asarray(cv2.transform(cv2.merge([luma, *colors]), _matrix(frame)), dtype=np.uint8)


def is_bt709(frame: VideoFrame) -> bool:
    """Whether the picture's colours are coded as ITU-R BT.709."""
    return bool(frame.colorspace == BT709 or (frame.colorspace == UNSPECIFIED and frame.height >= HD_ROWS))


def halved(plane: ByteArray, size: tuple[int, int]) -> ByteArray:
    """``plane`` [h, w] averaged 2 x 2 while it stays at least as large as ``size`` (width, height).

    The one average OpenCV has vector code for: ten times as fast as any other factor. An odd row or
    column at the end is left out.
    """
    h, w = plane.shape[0] // 2, plane.shape[1] // 2
    while w >= size[0] and h >= size[1]:
        plane = np.asarray(cv2.resize(plane[: 2 * h, : 2 * w], (w, h), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        h, w = h // 2, w // 2
    return plane


def _is_plain_bt601(frame: VideoFrame) -> bool:
    """Whether it is coded as OpenCV's own conversion takes it: BT.601, limited range, even sides."""
    even = frame.width % 2 == 0 and frame.height % 2 == 0
    return even and not (is_bt709(frame) or frame.color_range == FULL_RANGE or frame.format.name == "yuvj420p")


def _same_size(frame: VideoFrame) -> ByteArray:
    """A sixth of the time of the general way, which enlarges the colours first."""
    w, h = frame.width, frame.height
    stacked = np.empty((h * 3 // 2, w), np.uint8)
    stacked[:h] = _plane(frame, 0, w, h)
    for i, rows in ((1, stacked[h:].reshape(2, -1)[0]), (2, stacked[h:].reshape(2, -1)[1])):
        rows.reshape(h // 2, w // 2)[:] = _plane(frame, i, w // 2, h // 2)
    return np.asarray(cv2.cvtColor(stacked, cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)


def _plane(frame: VideoFrame, index: int, width: int, height: int) -> ByteArray:
    plane = frame.planes[index]
    rows: ByteArray = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[:height, :width]


def _matrix(frame: VideoFrame) -> NDArray[np.float64]:
    """[3, 4] from (Y, U, V, 1) to RGB (ITU-R BT.601 and BT.709, section on derived quantities)."""
    red, blue = (0.2126, 0.0722) if is_bt709(frame) else (0.299, 0.114)
    green = 1.0 - red - blue
    full = frame.color_range == FULL_RANGE or frame.format.name == "yuvj420p"
    luma, chroma, black = (1.0, 1.0, 0.0) if full else (255 / 219, 255 / 224, 16.0)
    to_rgb = np.array(
        [
            [luma, 0.0, 2 * (1 - red) * chroma],
            [luma, -2 * (1 - blue) * blue / green * chroma, -2 * (1 - red) * red / green * chroma],
            [luma, 2 * (1 - blue) * chroma, 0.0],
        ]
    )
    return np.hstack([to_rgb, -(to_rgb @ np.array([[black], [128.0], [128.0]]))])
