"""The videos and images of a folder, and image files as pictures."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from perstream.errors import SourceError
from perstream.types import ArrayPicture

IMAGES = frozenset(".jpg .jpeg .png .webp .bmp .tif .tiff .jp2 .ppm .pgm".split())
VIDEOS = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .3gp .flv .wmv .ogv .gif .h264 .hevc".split()
)
MAX_IMAGE_BYTES = 200_000_000
MAX_SIDE = 1920
"""Longer side of an image in pixels; a larger one is reduced once, when it is read."""


def list_folder(folder: Path) -> list[Path]:
    """Videos and images of a folder, sorted by name with numbers as numbers. Raises SourceError."""
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in IMAGES | VIDEOS and not p.name.startswith(".")]
        files = [p for p in found if p.is_file()]
    except OSError as error:
        raise SourceError(f"cannot read the folder {folder}: {error.strerror}") from error
    if not files:
        raise SourceError(f"{folder} holds no video and no image ({' '.join(sorted(VIDEOS | IMAGES))})")
    return sorted(files, key=_natural)


def is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGES


def load_image(path: Path) -> ArrayPicture | None:
    """An image file upright (EXIF) in RGB, or None when it cannot be decoded."""
    try:
        if path.stat().st_size > MAX_IMAGE_BYTES:
            return None
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except (OSError, cv2.error):
        return None
    if pixels is None:
        return None
    share = MAX_SIDE / max(pixels.shape[:2])
    if share < 1:
        size = (max(1, round(pixels.shape[1] * share)), max(1, round(pixels.shape[0] * share)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return ArrayPicture(np.ascontiguousarray(pixels[:, :, ::-1], dtype=np.uint8))


def _natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.findall(r"\d+|\D+", path.name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], path.name
