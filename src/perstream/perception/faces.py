"""Where faces are: surely, to count them, or possibly, to hide them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from perstream.errors import BackendUnavailable
from perstream.perception.sessions import FACE_CASCADES, PROFILE_CASCADE, model_file
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
HIDING_STEP, HIDING_AGREEING = 1.1, 2
"""Scale from size to size, and windows that must agree: to hide too much is better than too little."""
PROFILE_STEP, PROFILE_AGREEING = 1.2, 2


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
        """Load the cascades that OpenCV ships; with ``hiding`` the one of profiles too. Raises BackendUnavailable."""
        self._searcher, self._checker = (_cascade(name) for name in FACE_CASCADES)
        self._profile = _cascade(PROFILE_CASCADE) if hiding else None

    def count(self, gray: ByteArray) -> list[Face]:
        """Those in a grey picture [h, w] that are surely faces; its longer side should be ``SIDE`` pixels."""
        found = self._searcher.detectMultiScale(gray, 1.2, 4, minSize=(SMALLEST, SMALLEST))
        return [face for face in self._checked(gray, found) if face.sure]

    def hide(self, gray: ByteArray) -> list[Face]:
        """Everything in a grey picture [h, w] that could be a face, seen from the front or from a side."""
        near = _sized(gray, HIDING_SIDE)
        smallest = (HIDING_SMALLEST, HIDING_SMALLEST)
        front = self._searcher.detectMultiScale(near, HIDING_STEP, HIDING_AGREEING, minSize=smallest)
        return [*self._checked(near, front), *self._profiles(_sized(gray, SIDE))]

    def _checked(self, gray: ByteArray, found: object) -> Iterator[Face]:
        height, width = gray.shape
        for x, y, w, h in np.asarray(found).reshape(-1, 4).tolist():
            box = (x / width, y / height, (x + w) / width, (y + h) / height)
            yield Face(box, self._agreeing(gray, x, y, w, h))

    def _agreeing(self, gray: ByteArray, x: int, y: int, w: int, h: int) -> int:
        """Windows of the second cascade that agree on a face, in the candidate's close-up."""
        room = w // 3
        near = gray[max(0, y - room) : y + h + room, max(0, x - room) : x + w + room]
        size = (CLOSE_UP, max(1, round(near.shape[0] * CLOSE_UP / near.shape[1])))
        _, counts = self._checker.detectMultiScale2(cv2.resize(near, size), 1.1, 1, minSize=(SMALLEST, SMALLEST))
        return int(np.max(counts, initial=0))

    def _profiles(self, gray: ByteArray) -> Iterator[Face]:
        """Faces that look to either side: the cascade knows one of them, so the picture is mirrored for the other."""
        if self._profile is None:
            return
        height, width = gray.shape
        for mirrored in (False, True):
            seen = np.ascontiguousarray(gray[:, ::-1]) if mirrored else gray
            found = self._profile.detectMultiScale(
                seen, PROFILE_STEP, PROFILE_AGREEING, minSize=(HIDING_SMALLEST, HIDING_SMALLEST)
            )
            for x, y, w, h in np.asarray(found).reshape(-1, 4).tolist():
                left = width - x - w if mirrored else x
                yield Face((left / width, y / height, (left + w) / width, (y + h) / height), 0)


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
