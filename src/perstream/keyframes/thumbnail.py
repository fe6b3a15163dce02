"""Small JPEG pictures of keyframes."""

from __future__ import annotations

import cv2

from perstream.types import ByteArray

MAX_SIDE_PX = 320
QUALITY = 75


def thumbnail(rgb: ByteArray, max_side: int = MAX_SIDE_PX) -> bytes:
    """JPEG of an RGB picture [h, w, 3], the longer side at most ``max_side`` pixels: about 8-15 kB at 320."""
    scale = min(1.0, max_side / max(rgb.shape[:2]))
    if scale < 1.0:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(data)
