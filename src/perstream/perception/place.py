"""Place: the view looks like one seen before, with something else in between.

A descriptor (gradient histograms, a tiny Lab picture, a hue-saturation histogram) proposes earlier
views; matched ORB points (Rublee et al., 2011) under one homography must confirm. That is precise
and misses often, so silence never means a new place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cv2
import numpy as np

from perstream.perception.view import View
from perstream.types import ByteArray, FloatArray, Observation, ObservationKind
from perstream.vectors import normalized

AGAIN_AFTER_S = 45.0
"""A view is called seen before when the earlier time is at least this long ago."""
LEFT = 0.55
"""Cosine below which a later keyframe shows something else: the place was left."""
PROPOSED = 0.6
"""Cosine from which an earlier view is compared point by point."""
SURE = 0.85
"""Cosine from which fewer points suffice."""
POINTS, SURE_POINTS = 18, 12
"""Matched points under one homography that confirm, below and above ``SURE``."""
NEW_VIEW = 0.8
"""Cosine to all views of this visit below which a view is kept for later."""
CAPACITY = 256
"""Views kept; the oldest goes first."""
PROPOSALS = 3


@dataclass(slots=True, eq=False)
class _Place:
    pts_s: float
    captured_at: datetime
    points: FloatArray
    """[n, 2] pixels at 320."""
    features: ByteArray
    """ORB [n, 32]."""
    left: bool = False
    """Whether something else was in view since."""


class PlaceObserver:
    """Remembers views of this source while it is watched."""

    def __init__(self) -> None:
        self._hog = cv2.HOGDescriptor((96, 64), (32, 32), (16, 16), (16, 16), 9)
        self._orb: Any = cv2.ORB.create(300)
        self._matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
        self._places: list[_Place] = []
        self._descriptors = np.zeros((0, 0), np.float32)

    def see(self, view: View) -> tuple[Observation, ...]:
        """One observation at the return to a place: its text is the earlier time (ISO 8601, UTC)."""
        descriptor = self._describe(view)
        if not self._places:
            self._keep(view, descriptor)
            return ()
        cosines = self._descriptors @ descriptor
        back = self._earlier(view, cosines)
        for place, cosine in zip(self._places, cosines, strict=True):
            place.left = place.left or bool(cosine < LEFT)
        if back is not None:
            for place, cosine in zip(self._places, cosines, strict=True):
                place.left = place.left and bool(cosine < PROPOSED)
            index, score = back
            self._places[index].left = False
            earlier = self._places[index].captured_at.isoformat(timespec="seconds")
            return (view.saw(ObservationKind.PLACE, earlier, score),)
        present = [c for place, c in zip(self._places, cosines, strict=True) if not place.left]
        if max(present, default=0.0) < NEW_VIEW:
            self._keep(view, descriptor)
        return ()

    def _earlier(self, view: View, cosines: FloatArray) -> tuple[int, float] | None:
        """The place that this view confirms point by point, and a score; None for most views."""
        proposed = [
            i
            for i, place in enumerate(self._places)
            if place.left and cosines[i] >= PROPOSED and view.pts_s - place.pts_s >= AGAIN_AFTER_S
        ]
        if not proposed:
            return None
        points, features = self._features(view)
        for i in sorted(proposed, key=lambda i: -cosines[i])[:PROPOSALS]:
            agreeing = self._agreeing(points, features, self._places[i])
            if agreeing >= (SURE_POINTS if cosines[i] >= SURE else POINTS):
                return i, min(1.0, 0.6 + agreeing / 100)
        return None

    def _agreeing(self, points: FloatArray, features: ByteArray, place: _Place) -> int:
        """Points of two views that match one to one and lie under one homography."""
        if len(points) < 8 or len(place.points) < 8:
            return 0
        pairs = [
            pair[0]
            for pair in self._matcher.knnMatch(features, place.features, k=2)
            if len(pair) == 2 and pair[0].distance < 0.8 * pair[1].distance and pair[0].distance < 64
        ]
        unique = {pair.trainIdx: pair.queryIdx for pair in pairs}
        if len(unique) < 8:
            return 0
        here, there = points[list(unique.values())], place.points[list(unique)]
        _, mask = cv2.findHomography(here, there, cv2.RANSAC, 4.0)
        return 0 if mask is None else int(np.count_nonzero(mask))

    def _keep(self, view: View, descriptor: FloatArray) -> None:
        points, features = self._features(view)
        self._places.append(_Place(view.pts_s, view.keyframe.captured_at, points, features))
        rows = [*self._descriptors, descriptor][-CAPACITY:]
        self._places = self._places[-CAPACITY:]
        self._descriptors = np.stack(rows)

    def _features(self, view: View) -> tuple[FloatArray, ByteArray]:
        found, features = self._orb.detectAndCompute(view.shrunk(320), None)
        points = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
        return points, np.zeros((0, 32), np.uint8) if features is None else features

    def _describe(self, view: View) -> FloatArray:
        """Unit vector; the cosine of two is the mean of the cosines of its three parts."""
        gray = cv2.resize(view.gray160, (96, 64), interpolation=cv2.INTER_AREA)
        gradients = np.asarray(self._hog.compute(gray), np.float32).ravel()
        tiny = cv2.resize(view.lab48, (8, 6), interpolation=cv2.INTER_AREA)
        tiny = (tiny - tiny.mean(axis=(0, 1))).ravel()
        lightness, a, b = (view.lab48[..., i].ravel() for i in range(3))
        hue, chroma = np.arctan2(b, a), np.hypot(a, b)
        histogram, _, _ = np.histogram2d(hue, np.minimum(chroma, 59.0), bins=(12, 4), range=((-np.pi, np.pi), (0, 60)))
        dark, _ = np.histogram(lightness, bins=6, range=(0, 100))
        colors = np.sqrt(np.concatenate([histogram.ravel(), dark]))
        parts = [gradients - gradients.mean(), tiny, colors - colors.mean()]
        return normalized(np.concatenate([normalized(part) for part in parts]))
