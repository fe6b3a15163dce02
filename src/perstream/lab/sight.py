"""A wall with a sign and something small that moves: pictures that memories are made of, for benchmarks and faults."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIGNS = ("BAKERY OPEN", "PLATFORM 9", "ROOM 214", "NO PARKING")


def sight(words: str, step: int, width: int = 1280, height: int = 720) -> NDArray[np.uint8]:
    """RGB [height, width, 3]; ``step`` moves the small thing on."""
    wall = np.full((720, 1280, 3), (110, 130, 150), np.uint8)
    cv2.rectangle(wall, (200, 200), (1080, 520), (240, 240, 235), -1)
    cv2.putText(wall, words, (240, 400), cv2.FONT_HERSHEY_SIMPLEX, 3.2, (30, 30, 30), 7)
    cv2.circle(wall, (40 + step * 5 % 1200, 650), 12, (200, 60, 60), -1)
    if (width, height) == (1280, 720):
        return wall
    return np.asarray(cv2.resize(wall, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(rgb: NDArray[np.uint8], quality: int = 85) -> bytes:
    """The picture as a camera sends it."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
