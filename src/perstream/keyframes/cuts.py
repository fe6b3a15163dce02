"""Cuts: is this the same stretch of video as the check before?"""

from __future__ import annotations

import math

import cv2
import numpy as np

from perstream.types import ByteArray, FloatArray, Frame

OTHER_COLOURS = 0.45
OTHER_STRUCTURE = 0.60
"""A cut: Hellinger distance above the first and likeness below the second ..."""
SOME_COLOURS = 0.20
NO_STRUCTURE = 0.30
"""... or, between two rooms painted alike, these, if the camera was at rest just before: a camera
that is swung round shows another wall of the same room."""
LIKE_SHADES = 0.15
COLOUR_SIDE_PX = 96


def is_cut(before: Frame, now: Frame, alike: float, shades: float, rested: bool) -> bool:
    """Whether another shot begins at ``now``.

    ``alike``: ``likeness`` of the two after the motion between them was taken out. Both must speak
    for a cut: a lamp changes the colours only, a passing bus the structure only. ``shades``, the
    distance of the grey histograms, spares most frames the look at their colours.
    """
    if alike >= OTHER_STRUCTURE or (shades < LIKE_SHADES and not (rested and alike < NO_STRUCTURE)):
        return False
    a, b = (colours(frame.picture.rgb(COLOUR_SIDE_PX)) for frame in (before, now))
    distance = hellinger(a, b)
    return distance > OTHER_COLOURS or (rested and distance > SOME_COLOURS and alike < NO_STRUCTURE)


def colours(rgb: ByteArray) -> FloatArray:
    """Histogram of a small RGB picture [h, w, 3]: hue x saturation and value, each summing to 1/2.

    Value has few bins and is smoothed, so that a lamp switched on moves it less than another room.
    """
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    chroma = cv2.calcHist([hsv], [0, 1], None, [12, 4], [0, 180, 0, 256]).ravel()
    value = cv2.calcHist([hsv], [2], None, [16], [0, 256]).ravel()
    value = np.convolve(value, (0.25, 0.5, 0.25), mode="same")
    parts = [part / max(float(part.sum()), 1.0) / 2 for part in (chroma, value)]
    return np.asarray(np.concatenate(parts), dtype=np.float32)


def shades(gray: ByteArray) -> FloatArray:
    """Histogram of a grey picture [h, w], 16 bins, smoothed, summing to 1."""
    counts = cv2.calcHist([gray], [0], None, [16], [0, 256]).ravel()
    counts = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    return np.asarray(counts / max(float(counts.sum()), 1.0), dtype=np.float32)


def hellinger(a: FloatArray, b: FloatArray) -> float:
    """Hellinger distance of two histograms that sum to 1, in [0, 1]."""
    return float(np.sqrt(max(0.0, 1.0 - float(np.sqrt(a * b).sum()))))


def likeness(a: FloatArray | ByteArray, b: FloatArray | ByteArray) -> float:
    """Correlation of the fine structure of two aligned grey pictures [h, w], in [-1, 1].

    Deaf to brightness and contrast. Two pictures without structure are alike (1).
    """
    fine = [_structure(picture) for picture in (a, b)]
    energy = [float(np.vdot(f, f)) for f in fine]
    if max(energy) < a.size:
        return 1.0
    scale = math.sqrt(energy[0] * energy[1])
    return float(np.vdot(fine[0], fine[1])) / scale if scale > 0 else 0.0


def _structure(picture: FloatArray | ByteArray) -> FloatArray:
    values = picture.astype(np.float32, copy=False)
    side = max(3, min(picture.shape[1] // 6 | 1, 2 * min(picture.shape) - 1))
    return np.asarray(values - cv2.blur(values, (side, side)), dtype=np.float32)
