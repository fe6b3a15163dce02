"""Dense optical flow between two small grey pictures: DIS, and Lucas-Kanade in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

from perstream.types import ByteArray, FloatArray

Shift = tuple[float, float]
"""Of a whole picture, x and y, pixels."""
Flow = Callable[[ByteArray, ByteArray, Shift], FloatArray]
"""(reference [h, w], current [h, w], guess) -> displacement [h, w, 2] in pixels, x then y, such that
``current(x + u, y + v) = reference(x, y)``. A good guess lets it find what is far away."""

SMALLEST_SIDE = 32
"""Pixels; the coarse-to-fine search of DIS needs room, so smaller pictures are enlarged for it."""
GUESS_PX = 2.0
"""DIS finds what is nearer than this without a guess."""
LK_WINDOW = 7
"""Side of the box in which Lucas-Kanade takes the motion as constant, pixels."""
LK_DAMPING = 2.0
"""Added to the mean squared gradients, (grey levels per pixel)^2."""
LK_COARSEST = 20
"""Pixels; the pyramid stops when the shorter side would fall below this."""


def optical_flow(mode: Literal["dis", "lk"]) -> Flow:
    """The flow function of a mode. Each call gives an independent one, for one thread."""
    if mode == "lk":
        return _roomy(lucas_kanade)
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    engine.setFinestScale(1)  # the preset stops at a quarter of the size, which pictures of 80 pixels cannot spare

    def dis(reference: ByteArray, current: ByteArray, guess: Shift) -> FloatArray:
        start = _constant(reference.shape, guess) if max(map(abs, guess)) > GUESS_PX else None
        return np.asarray(engine.calc(reference, current, start), dtype=np.float32)  # type: ignore[arg-type]

    return _roomy(dis)


def lucas_kanade(reference: ByteArray, current: ByteArray, guess: Shift = (0.0, 0.0)) -> FloatArray:
    """Lucas-Kanade for every pixel, coarse to fine.

    At each level of a picture pyramid (Bouguet 2000) the 2 x 2 normal equations of Lucas & Kanade
    (1981) are summed over a box and solved in closed form: Sobel gradients, box filter, Cramer's
    rule. Where the matrix is near singular (no texture) the coarser level's motion stands.
    """
    levels = [(reference.astype(np.float32), current.astype(np.float32))]
    while min(levels[-1][0].shape) >= 2 * LK_COARSEST:
        a, b = (np.asarray(cv2.pyrDown(picture), dtype=np.float32) for picture in levels[-1])
        levels.append((a, b))
    coarse = levels[-1][0].shape
    flow = _constant(coarse, (guess[0] * coarse[1] / reference.shape[1], guess[1] * coarse[0] / reference.shape[0]))
    for a, b in reversed(levels):
        if flow.shape[:2] != a.shape:
            larger = cv2.resize(flow, (a.shape[1], a.shape[0]), interpolation=cv2.INTER_LINEAR)
            flow = np.asarray(2.0 * larger, dtype=np.float32)
        for _ in range(2):
            flow += _solve(a, warped(b, flow))
        flow = np.asarray(cv2.blur(flow, (3, 3)), dtype=np.float32)
    return np.asarray(flow, dtype=np.float32)


def warped(picture: ByteArray | FloatArray, flow: FloatArray) -> FloatArray:
    """``picture`` [h, w] read at (x + u, y + v) as float32; outside it, the nearest pixel."""
    h, w = picture.shape
    moved = cv2.remap(
        picture.astype(np.float32, copy=False),
        flow[..., 0] + np.arange(w, dtype=np.float32),
        flow[..., 1] + np.arange(h, dtype=np.float32)[:, None],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, dtype=np.float32)


def shifted(picture: FloatArray, shift: Shift) -> FloatArray:
    """``picture`` [h, w] moved right and down by ``shift`` pixels; edge pixels fill what comes in."""
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    moved = cv2.warpAffine(picture, matrix, picture.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _solve(a: FloatArray, b: FloatArray) -> FloatArray:
    """One Lucas-Kanade step from ``a`` to the already aligned ``b``, at most two pixels long."""
    mean = (a + b) * 0.5
    gx = cv2.Sobel(mean, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    gy = cv2.Sobel(mean, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    gt = b - a
    sums = [cv2.blur(p, (LK_WINDOW, LK_WINDOW)) for p in (gx * gx, gx * gy, gy * gy, gx * gt, gy * gt)]
    xx, xy, yy, xt, yt = sums
    # A little weight on the diagonal keeps the step short where only noise or one edge is seen.
    xx, yy = xx + LK_DAMPING, yy + LK_DAMPING
    det = xx * yy - xy * xy
    step = np.stack([(xy * yt - yy * xt) / det, (xy * xt - xx * yt) / det], axis=-1)
    return np.asarray(np.clip(step, -2.0, 2.0), dtype=np.float32)


def _constant(shape: tuple[int, ...], shift: Shift) -> FloatArray:
    field = np.empty((*shape, 2), np.float32)
    field[..., 0] = shift[0]
    field[..., 1] = shift[1]
    return field


def _roomy(flow: Flow) -> Flow:
    """The same flow for pictures with a side below ``SMALLEST_SIDE``, which are enlarged for it."""

    def enlarged(reference: ByteArray, current: ByteArray, guess: Shift) -> FloatArray:
        h, w = reference.shape
        size = (max(w, SMALLEST_SIDE), max(h, SMALLEST_SIDE))
        if size == (w, h):
            return flow(reference, current, guess)
        a, b = (np.asarray(cv2.resize(picture, size), dtype=np.uint8) for picture in (reference, current))
        large = flow(a, b, (guess[0] * size[0] / w, guess[1] * size[1] / h))
        scale = np.array([w / size[0], h / size[1]], np.float32)
        return np.asarray(cv2.resize(large, (w, h)) * scale, dtype=np.float32)

    return enlarged
