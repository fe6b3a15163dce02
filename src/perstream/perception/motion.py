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

from perstream.perception.view import View, unlike
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
CELLS = 5
"""Textured cells there must be: fewer could all be one passing thing."""
RESIDUAL = 1.2
"""Pixels (of 160) a point may stray from the camera's motion."""
TEXTURE = 8.0
"""Grey levels of gradient from which a point can be followed."""
MIN_POINTS = 60
"""Points to follow; with fewer the camera is taken to rest."""
MOVING_SHARE = (0.015, 0.35)
"""Share of the picture that must differ for "something moves"; more is another view or light."""
MOVING_LEVEL = 18.0
"""Grey levels by which a block of ``BLOCK`` pixels (of 160) must differ."""
BLOCK = 5
RESTING_SHARE = 0.6
"""Share of what stands near edges that must have stayed as it was: else the camera moved after all."""
EDGES_SHARE = 0.03
"""Share of the picture that must stand near edges to tell."""
NEAR = 3
"""Pixels (of 160) around a point that may hold the same grey after a small sway."""
EXPLAINED = 0.6
"""The flow must explain this share of the difference between the pictures, else it is not trusted."""


class MotionObserver:
    """Compares each keyframe with the one before."""

    def __init__(self) -> None:
        self._flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._last: View | None = None

    def see(self, view: View) -> tuple[Observation, ...]:
        """The camera's motion, or "something moves" when the camera rests, or nothing."""
        last, self._last = self._last, view
        if (
            last is None
            or view.keyframe.scene != last.keyframe.scene
            or not 0 < view.pts_s - last.pts_s <= WITHIN_S
            or view.gray160.shape != last.gray160.shape
        ):
            return ()
        before, after = last.gray160, view.gray160
        flow = self._flow_between(before, after)
        points, moves = _textured(before, flow)
        fit = fit_similarity(points, moves) if len(points) >= MIN_POINTS else np.zeros(4, np.float32)
        strays = np.linalg.norm(moves - _moved(points, fit), axis=1) > RESIDUAL
        agreement = _agreement(points, strays, after.shape)
        words = _words(fit, after.shape[1])
        if words is not None:
            trusted = agreement >= AGREE and _explains(flow, before, after)
            return (view.saw(ObservationKind.MOTION, words, agreement),) if trusted else ()
        if not view.calm:  # the sampler saw the view move: what differs may be the camera's doing
            return ()
        share = _changed_share(before, after, fit)
        if MOVING_SHARE[0] <= share <= MOVING_SHARE[1]:
            return (view.saw(ObservationKind.MOTION, "something moves", min(1.0, 0.5 + 2 * share)),)
        return ()

    def _flow_between(self, before: ByteArray, after: ByteArray) -> FloatArray:
        """Dense flow [h, w, 2] in pixels. Keyframes lie far apart, so a common shift is taken out first."""
        shift = _common_shift(before, after)
        moved = cv2.warpAffine(
            after,
            np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32),
            (after.shape[1], after.shape[0]),
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(self._flow.calc(before, moved, None), np.float32) + np.array(shift, np.float32)


def _common_shift(before: ByteArray, after: ByteArray) -> tuple[float, float]:
    """By phase correlation, in whole pixels; none when that makes the pictures less alike."""
    height, width = before.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    dx, dy = round(x), round(y)
    if (dx, dy) == (0, 0) or abs(dx) > 0.45 * width or abs(dy) > 0.45 * height:
        return 0.0, 0.0
    there = after[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
    here = before[max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)]
    shifted = float(np.abs(there.astype(np.float32) - here).mean())
    plain = float(np.abs(after.astype(np.float32) - before).mean())
    return (float(dx), float(dy)) if shifted < 0.9 * plain else (0.0, 0.0)


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
    to_x, to_y = x + flow[y, x, 0], y + flow[y, x, 1]
    inside = (to_x >= 4) & (to_y >= 4) & (to_x < gray.shape[1] - 4) & (to_y < gray.shape[0] - 4)
    kept = inside & (np.hypot(down, right)[y, x] >= TEXTURE)
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
    if textured.sum() < CELLS:
        return 0.0
    return float((astray[textured] < 0.5 * seen[textured]).mean())


def _changed_share(before: ByteArray, after: ByteArray, fit: FloatArray) -> float:
    """Share of the picture that looks different once the camera's small sway is taken out; 1 for another view."""
    zoom, roll, shift_x, shift_y = (float(v) for v in fit)
    x, y = before.shape[1] / 2, before.shape[0] / 2
    sway = np.array(
        [
            [1 + zoom, -roll, shift_x - zoom * x + roll * y],
            [roll, 1 + zoom, shift_y - zoom * y - roll * x],
        ],
        np.float32,
    )
    size = (after.shape[1], after.shape[0])
    back = cv2.warpAffine(
        after, sway, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    difference = unlike(np.asarray(back, np.uint8), before)[4:-4, 4:-4]
    # A fit that is a pixel off makes every edge differ: what lies near has the same grey somewhere.
    near = np.ones((NEAR, NEAR), np.uint8)
    spread = cv2.subtract(cv2.dilate(before, near), cv2.erode(before, near))[4:-4, 4:-4].astype(np.float32)
    edges = spread >= 3 * TEXTURE
    if edges.mean() < EDGES_SHARE or float((difference[edges] < MOVING_LEVEL).mean()) < RESTING_SHARE:
        return 1.0
    beyond = np.maximum(difference - spread, 0)
    blocks = cv2.resize(beyond, (size[0] // BLOCK, size[1] // BLOCK), interpolation=cv2.INTER_AREA)
    return float((blocks > MOVING_LEVEL).mean())


def _explains(flow: FloatArray, before: ByteArray, after: ByteArray) -> bool:
    """Whether following the flow back makes the pictures alike; always, when they are alike anyway."""
    y, x = np.mgrid[0 : before.shape[0], 0 : before.shape[1]].astype(np.float32)
    x, y = x + flow[..., 0], y + flow[..., 1]
    back = cv2.remap(after, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # What left the picture cannot be followed and does not count.
    inside = (x >= 0) & (y >= 0) & (x < before.shape[1]) & (y < before.shape[0])
    if inside.mean() < 0.4:
        return False
    plain = float(np.abs(after.astype(np.float32) - before)[inside].mean())
    left = float(np.abs(back.astype(np.float32) - before)[inside].mean())
    return plain < 3.0 or left <= (1 - EXPLAINED) * plain or left < 3.0
