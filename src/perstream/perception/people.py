"""Faces: a lower bound of the people in view. Silence says nothing, identity is never judged."""

from __future__ import annotations

import cv2
import numpy as np

from perstream.errors import BackendUnavailable
from perstream.perception.sessions import FACE_CASCADES, model_file
from perstream.perception.view import View
from perstream.types import ByteArray, Observation, ObservationKind

INTERVAL_S = 1.5
"""At most one search per this many seconds of video (20 ms each)."""
SIDE = 480
"""Longer side searched, pixels."""
SMALLEST = 24
"""Pixels; a face smaller than a twentieth of the picture is not found."""
CLOSE_UP = 72
"""Pixels on a side of the second look at a candidate."""
AGREEING = 8
"""Neighbouring windows that must agree in the second look: faces had 9 and more, texture 4 and fewer."""


class PeopleObserver:
    """Two of OpenCV's Haar cascades (Viola and Jones, 2001): one searches, the other must agree closely."""

    def __init__(self) -> None:
        """Load the cascades that OpenCV ships. Raises BackendUnavailable."""
        self._searcher, self._checker = (_cascade(name) for name in FACE_CASCADES)
        self._next_s = float("-inf")

    def see(self, view: View) -> tuple[Observation, ...]:
        """One observation with the number of faces, or nothing."""
        if view.pts_s < self._next_s:
            return ()
        self._next_s = view.pts_s + INTERVAL_S
        gray = view.shrunk(SIDE)
        scale = view.gray.shape[1] / gray.shape[1]
        boxes, scores = [], []
        for x, y, w, h in self._searcher.detectMultiScale(gray, 1.2, 4, minSize=(SMALLEST, SMALLEST)):
            agreeing = self._agreeing(gray, int(x), int(y), int(w), int(h))
            if agreeing >= AGREEING:
                boxes.append((x * scale, y * scale, (x + w) * scale, (y + h) * scale))
                scores.append(agreeing / (agreeing + 3))
        if not boxes:
            return ()
        left, top = (float(min(box[i] for box in boxes)) for i in (0, 1))
        right, bottom = (float(max(box[i] for box in boxes)) for i in (2, 3))
        return (view.saw(ObservationKind.PEOPLE, str(len(boxes)), min(scores), (left, top, right, bottom)),)

    def _agreeing(self, gray: ByteArray, x: int, y: int, w: int, h: int) -> int:
        """Windows of the second cascade that agree on a face, in the candidate's close-up."""
        room = w // 3
        near = gray[max(0, y - room) : y + h + room, max(0, x - room) : x + w + room]
        size = (CLOSE_UP, max(1, round(near.shape[0] * CLOSE_UP / near.shape[1])))
        _, counts = self._checker.detectMultiScale2(cv2.resize(near, size), 1.1, 1, minSize=(SMALLEST, SMALLEST))
        return int(np.max(counts, initial=0))


def _cascade(name: str) -> cv2.CascadeClassifier:
    loaded = cv2.CascadeClassifier(str(model_file("cv2", f"data/{name}")))
    if loaded.empty():
        raise BackendUnavailable(f"OpenCV cannot read its {name}: reinstall opencv-python-headless")
    return loaded
