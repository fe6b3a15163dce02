"""JPEG pictures from elsewhere, which may be anything."""

from __future__ import annotations

import cv2
import numpy as np

from perstream.errors import SourceError
from perstream.types import ByteArray

MOST_PIXELS = 4096 * 4096
"""A small file can claim to be a huge picture: more than this is not decoded."""
_SIZE_MARKERS = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
"""SOF0 to SOF15 without DHT, JPG and DAC (ITU T.81, table B.1)."""


def decode_jpeg(data: bytes) -> ByteArray:
    """RGB [h, w, 3], upright. SourceError for what is no JPEG, is broken, or is larger than MOST_PIXELS."""
    width, height = jpeg_size(data)
    if not 0 < width * height <= MOST_PIXELS:
        raise SourceError(f"the picture claims {width} x {height} pixels; at most {MOST_PIXELS:,} are taken")
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise SourceError("the picture is a broken JPEG") from error
    if bgr is None:
        raise SourceError("the picture is a broken JPEG")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """(width, height) as the header says, before anything is decoded. SourceError."""
    if data[:2] != b"\xff\xd8":
        raise SourceError("the picture is no JPEG")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _SIZE_MARKERS:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise SourceError("the picture is a broken JPEG")
