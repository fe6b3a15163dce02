"""Camera motion between keyframes in words, and whether something moves by itself.

Dense inverse search flow (Kroeger et al., 2016) at 160 pixels, then a similarity transform (shift,
zoom, roll: four parameters) fitted to the textured points, re-weighted so that a passing thing
cannot pull it. A word is said only when most textured parts of the picture agree.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from perstream.perception.view import View
from perstream.types import ByteArray, FloatArray, Observation, ObservationKind

WITHIN_S = 1.6
"""Keyframes further apart are not compared: too much may have happened."""
SHIFT = 0.02
"""Share of the picture's width that the view must shift to be called turning or looking."""
ZOOM = 0.025
"""Relative change of scale to be called moving forward or backward."""
ROLL = 0.04
"""Radians to be called tilting."""
AGREE = 0.75
"""Share of the textured cells of a 3 x 4 grid that must follow the camera's motion."""
RESIDUAL = 1.2
"""Pixels (of 160) a point may stray from the camera's motion."""
TEXTURE = 8.0
"""Grey levels of gradient from which a point can be followed."""
MOVING_SHARE = (0.03, 0.5)
"""Share of the textured points that must stray for "something moves"; more is no passing thing."""
EXPLAINED = 0.6
"""The flow must explain this share of the difference between the pictures, else it is not trusted."""


class MotionObserver:
    """Compares each keyframe with the one before."""

    def __init__(self) -> None:
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._last: View | None = None

    def see(self, view: View) -> tuple[Observation, ...]:
        """Up to two observations: the camera's motion, and "something moves"."""
        last, self._last = self._last, view
        if (
            last is None
            or view.keyframe.scene != last.keyframe.scene
            or not 0 < view.pts_s - last.pts_s <= WITHIN_S
            or view.gray160.shape != last.gray160.shape
        ):
            return ()
        flow = np.asarray(self._flow.calc(last.gray160, view.gray160, None), np.float32)
        if not _explains(flow, last.gray160, view.gray160):
            return ()
        points, moves = _textured(last.gray160, flow)
        if len(points) < 60:
            return ()
        fit = fit_similarity(points, moves)
        strays = np.linalg.norm(moves - _moved(points, fit), axis=1) > RESIDUAL
        agreement = _agreement(points, strays, view.gray160.shape)
        found = []
        words = _words(fit, view.gray160.shape[1])
        if words is not None and agreement >= AGREE:
            found.append(view.saw(ObservationKind.MOTION, words, agreement))
        share = float(strays.mean())
        if MOVING_SHARE[0] <= share <= MOVING_SHARE[1] and agreement >= 0.5 and words is None:
            found.append(view.saw(ObservationKind.MOTION, "something moves", min(1.0, 0.5 + 2 * share)))
        return tuple(found)


def fit_similarity(points: FloatArray, moves: FloatArray) -> FloatArray:
    """Robust least squares of (zoom, roll, shift x, shift y) to points [n, 2] and their moves [n, 2].

    ``points`` are relative to the picture's centre. Five rounds of re-weighting with 1 / (1 + r²).
    """
    x, y = points[:, 0], points[:, 1]
    zero, one = np.zeros_like(x), np.ones_like(x)
    system = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    target = np.concatenate([moves[:, 0], moves[:, 1]])
    fit = np.array([0, 0, *np.median(moves, axis=0)], np.float32)
    for _ in range(5):
        stray = np.linalg.norm(moves - _moved(points, fit), axis=1)
        weight = np.tile(1 / (1 + stray**2), 2)[:, None]
        fit = np.linalg.lstsq(system * weight, target * weight[:, 0], rcond=None)[0].astype(np.float32)
    return fit


def _moved(points: FloatArray, fit: FloatArray) -> FloatArray:
    zoom, roll, shift_x, shift_y = fit
    x, y = points[:, 0], points[:, 1]
    return np.stack([zoom * x - roll * y + shift_x, roll * x + zoom * y + shift_y], 1).astype(np.float32)


def _words(fit: FloatArray, width: int) -> str | None:
    """The camera moves against the picture: what shifts left in view was passed by turning right."""
    zoom, roll, shift_x, shift_y = (float(v) for v in fit)
    strengths = {
        "turning left" if shift_x > 0 else "turning right": abs(shift_x) / width / SHIFT,
        "looking up" if shift_y > 0 else "looking down": abs(shift_y) / width / SHIFT,
        "moving forward" if zoom > 0 else "moving backward": abs(zoom) / ZOOM,
        "tilting": abs(roll) / ROLL,
    }
    word = max(strengths, key=lambda w: strengths[w])
    return word if strengths[word] >= 1 else None


def _textured(gray: ByteArray, flow: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points (relative to the centre) on every third pixel that have texture, and how they moved."""
    small = cv2.GaussianBlur(gray, (3, 3), 0).astype(np.float32)
    down, right = np.gradient(small)
    y, x = np.mgrid[4 : gray.shape[0] - 4 : 3, 4 : gray.shape[1] - 4 : 3]
    kept = np.hypot(down, right)[y, x] >= TEXTURE
    y, x = y[kept], x[kept]
    points = np.stack([x - gray.shape[1] / 2, y - gray.shape[0] / 2], 1)
    return points.astype(np.float32), flow[y, x]


def _agreement(points: FloatArray, strays: NDArray[np.bool_], shape: tuple[int, ...]) -> float:
    """Share of the textured cells of a 3 x 4 grid in which most points follow the camera."""
    row = np.clip(((points[:, 1] / shape[0] + 0.5) * 3).astype(int), 0, 2)
    column = np.clip(((points[:, 0] / shape[1] + 0.5) * 4).astype(int), 0, 3)
    cell = row * 4 + column
    seen = np.bincount(cell, minlength=12)
    astray = np.bincount(cell, weights=strays, minlength=12)
    textured = seen >= 5
    return float((astray[textured] < 0.5 * seen[textured]).mean()) if textured.any() else 0.0


def _explains(flow: FloatArray, before: ByteArray, after: ByteArray) -> bool:
    """Whether following the flow back makes the pictures alike; always, when they are alike anyway."""
    y, x = np.mgrid[0 : before.shape[0], 0 : before.shape[1]].astype(np.float32)
    back = cv2.remap(after, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inner = (slice(8, -8), slice(8, -8))
    plain = float(np.abs(after[inner].astype(np.float32) - before[inner]).mean())
    left = float(np.abs(back[inner].astype(np.float32) - before[inner]).mean())
    return plain < 3.0 or left <= (1 - EXPLAINED) * plain or left < 3.0
