"""Where faces are: surely, to count them, or possibly, to hide them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from perstream.errors import BackendUnavailable
from perstream.perception.sessions import FACE_CASCADES, HIDING_CASCADES, model_file
from perstream.types import ByteArray

SIDE = 480
"""Longer side searched to count, pixels."""
SMALLEST = 24
"""Pixels; a face smaller than a twentieth of the picture is not counted."""
CLOSE_UP = 72
"""Pixels on a side of the second look at a candidate."""
AGREEING = 8
"""Neighbouring windows that must agree in the second look: faces had 9 and more, texture 4 and fewer."""
HIDING_SIDE = 640
"""Longer side searched to hide, pixels; smaller pictures are enlarged to it."""
HIDING_SMALLEST = 20
"""Pixels; a face smaller than a 32nd of the picture stays as it is."""
HIDING_STEP, HIDING_AGREEING = 1.2, 2
"""Scale from size to size, and windows that must agree: to hide too much is better than too little."""


@dataclass(frozen=True, slots=True)
class Face:
    """One place that looks like a face."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the picture."""
    agreeing: int
    """Windows of the second look that agreed."""

    @property
    def sure(self) -> bool:
        """Whether it may be counted."""
        return self.agreeing >= AGREEING


class FaceFinder:
    """OpenCV's Haar cascades (Viola and Jones, 2001): one searches, another must agree closely. One thread at a time."""

    def __init__(self, *, hiding: bool = False) -> None:
        """Load the cascades that OpenCV ships; with ``hiding`` two more. Raises BackendUnavailable."""
        self._searcher, self._checker = (_cascade(name) for name in FACE_CASCADES)
        self._others = tuple(_cascade(name) for name in HIDING_CASCADES) if hiding else None

    def count(self, gray: ByteArray) -> list[Face]:
        """Those in a grey picture [h, w] that are surely faces; its longer side should be ``SIDE`` pixels."""
        found = _search(self._searcher, gray, agreeing=4, smallest=SMALLEST)
        return [face for face in self._checked(gray, found) if face.sure]

    def hide(self, gray: ByteArray) -> list[Face]:
        """Everything in a grey picture [h, w] that could be a face, seen from the front or from a side."""
        near, far = _sized(gray, HIDING_SIDE), _sized(gray, SIDE)
        faces = list(self._checked(near, _search(self._searcher, near)))
        if self._others is None:
            return faces
        front, profile = self._others
        faces += (Face(box, 0) for box in _boxes(near, _search(front, near)))
        faces += (Face(box, 0) for box in _boxes(far, _search(profile, far)))
        # The cascade of profiles knows one side, so the picture is mirrored for the other.
        mirrored = np.ascontiguousarray(far[:, ::-1])
        faces += (
            Face((1 - right, top, 1 - left, bottom), 0)
            for left, top, right, bottom in _boxes(mirrored, _search(profile, mirrored))
        )
        return faces

    def _checked(self, gray: ByteArray, found: list[list[int]]) -> Iterator[Face]:
        for box, (x, y, w, h) in zip(_boxes(gray, found), found, strict=True):
            yield Face(box, self._agreeing(gray, x, y, w, h))

    def _agreeing(self, gray: ByteArray, x: int, y: int, w: int, h: int) -> int:
        """Windows of the second cascade that agree on a face, in the candidate's close-up."""
        room = w // 3
        near = gray[max(0, y - room) : y + h + room, max(0, x - room) : x + w + room]
        size = (CLOSE_UP, max(1, round(near.shape[0] * CLOSE_UP / near.shape[1])))
        _, counts = self._checker.detectMultiScale2(cv2.resize(near, size), 1.1, 1, minSize=(SMALLEST, SMALLEST))
        return int(np.max(counts, initial=0))


def _search(
    cascade: cv2.CascadeClassifier,
    gray: ByteArray,
    step: float = HIDING_STEP,
    agreeing: int = HIDING_AGREEING,
    smallest: int = HIDING_SMALLEST,
) -> list[list[int]]:
    """Left, top, width and height of each."""
    found = cascade.detectMultiScale(gray, step, agreeing, minSize=(smallest, smallest))
    boxes: list[list[int]] = np.asarray(found, np.int64).reshape(-1, 4).tolist()
    return boxes


def _boxes(gray: ByteArray, found: list[list[int]]) -> Iterator[tuple[float, float, float, float]]:
    """As shares of the picture."""
    height, width = gray.shape
    for x, y, w, h in found:
        yield x / width, y / height, (x + w) / width, (y + h) / height


def _sized(gray: ByteArray, side: int) -> ByteArray:
    share = side / max(gray.shape)
    size = (max(1, round(gray.shape[1] * share)), max(1, round(gray.shape[0] * share)))
    how = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, size, interpolation=how), np.uint8)


def _cascade(name: str) -> cv2.CascadeClassifier:
    loaded = cv2.CascadeClassifier(str(model_file("cv2", f"data/{name}")))
    if loaded.empty():
        raise BackendUnavailable(f"OpenCV cannot read its {name}: reinstall opencv-python-headless")
    return loaded
