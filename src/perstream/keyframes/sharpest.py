"""The sharpest frame of a stretch: the one worth reading."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from perstream.keyframes.view import View
from perstream.types import Frame

WIDTH_PX = 480
"""Sharpness is judged at this width: a blur that hides print is invisible in the small flow picture."""
CLEARLY = 1.1
"""An older frame is preferred to the newest only when it is sharper by this factor."""


def sharpness(frame: Frame) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000); compare within one source only."""
    _, deviation = cv2.meanStdDev(cv2.Laplacian(frame.picture.gray(WIDTH_PX), cv2.CV_16S, ksize=1))
    return float(deviation[0, 0]) ** 2


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame that may become a keyframe."""

    frame: Frame
    view: View
    sharpness: float


class Sharpest:
    """Holds one candidate: the sharpest frame offered lately. A decoded picture is big, so never two."""

    def __init__(self) -> None:
        self._held: Candidate | None = None

    def offer(self, frame: Frame, view: View, max_age_s: float) -> None:
        """Hold ``frame`` unless the held one is clearly sharper and not older than ``max_age_s``."""
        new, held = Candidate(frame, view, sharpness(frame)), self._held
        stale = held is None or frame.pts_s - held.frame.pts_s > max_age_s
        if held is None or stale or held.sharpness < new.sharpness * CLEARLY:
            self._held = new

    def take(self) -> Candidate | None:
        """The held candidate; holds nothing afterwards."""
        held, self._held = self._held, None
        return held
