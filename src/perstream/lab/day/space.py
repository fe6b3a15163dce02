"""A room as textured rectangles, and their picture from where the camera is.

World: metres, x right, y down (the floor is y = 0, eyes are at about y = -1.6), z forward.
A rectangle is seen from the side on which its ``across`` points right and its ``down`` points down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from perstream.types import ByteArray

Vector = NDArray[np.float64]
NEAR_M = 0.05


def vector(x: float, y: float, z: float) -> Vector:
    """A point or direction in metres."""
    return np.array([x, y, z], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Quad:
    """A textured rectangle."""

    origin: Vector
    """Its top left corner."""
    across: Vector
    """From the top left to the top right corner."""
    down: Vector
    """From the top left to the bottom left corner."""
    mips: tuple[ByteArray, ...]
    """BGR textures, each half the size of the one before."""
    layer: int
    """Painted in order of layer, then far to near: 0 walls, 1 flat on walls, 2 furniture, 3 on furniture."""
    ground: Vector
    """Centre of what it belongs to: sorts the faces of one body together."""
    away: Vector
    """Direction away from who can see it."""

    @property
    def centre(self) -> Vector:
        """Its middle."""
        return np.asarray(self.origin + (self.across + self.down) / 2)


def quad(
    origin: Vector, across: Vector, down: Vector, texture: ByteArray, layer: int = 0, ground: Vector | None = None
) -> Quad:
    """A rectangle with its texture pyramid."""
    mips = [texture]
    while min(mips[-1].shape[:2]) >= 32 and len(mips) < 5:
        mips.append(np.asarray(cv2.pyrDown(mips[-1]), dtype=np.uint8))
    middle = origin + (across + down) / 2
    return Quad(origin, across, down, tuple(mips), layer, middle if ground is None else ground, np.cross(across, down))


@dataclass(frozen=True)
class Pose:
    """Where the camera is and looks."""

    x: float
    y: float
    z: float
    yaw: float
    """Radians, positive to the right."""
    pitch: float = 0.0
    """Radians, positive is down."""
    roll: float = 0.0
    zoom: float = 1.0

    def axes(self) -> NDArray[np.float64]:
        """Rows: right, down, forward of the camera in the world."""
        cy, sy, cp, sp = np.cos(self.yaw), np.sin(self.yaw), np.cos(self.pitch), np.sin(self.pitch)
        forward = vector(sy * cp, sp, cy * cp)
        right = vector(cy, 0.0, -sy)
        low = np.cross(forward, right)
        cr, sr = np.cos(self.roll), np.sin(self.roll)
        return np.stack([cr * right + sr * low, cr * low - sr * right, forward])


@dataclass(frozen=True)
class Lens:
    """Size of the picture and the focal length at zoom 1, in pixels."""

    width: int
    height: int

    @property
    def focal_px(self) -> float:
        """About 70 degrees across."""
        return 0.72 * self.width


def project(points: NDArray[np.float64], pose: Pose, lens: Lens) -> NDArray[np.float64]:
    """World points [n, 3] to pixels [n, 2]; points must be in front of the camera."""
    seen = (points - vector(pose.x, pose.y, pose.z)) @ pose.axes().T
    scale = lens.focal_px * pose.zoom / seen[:, 2:3]
    return np.asarray(seen[:, :2] * scale + [lens.width / 2, lens.height / 2])


def corners(q: Quad) -> NDArray[np.float64]:
    """Top left, top right, bottom right, bottom left [4, 3]."""
    return np.stack([q.origin, q.origin + q.across, q.origin + q.across + q.down, q.origin + q.down])


def paint(quads: Sequence[Quad], pose: Pose, lens: Lens, out: ByteArray) -> None:
    """Paint the rectangles into ``out`` (BGR [height, width, 3]), farthest first.

    Walls, floor and ceiling are painted at half size: they are out of focus and most of the pixels.
    """
    eye = vector(pose.x, pose.y, pose.z)
    axes = pose.axes()
    half = Lens(lens.width // 2, lens.height // 2)
    coarse = np.empty((half.height, half.width, 3), np.uint8)
    coarse[:] = 60
    seen = [q for q in quads if float(q.away @ (q.origin - eye)) > 0]
    seen.sort(key=lambda q: (q.layer, -float(((q.ground - eye) ** 2).sum())))
    for q in seen:
        if q.layer == 0:
            _paint_one(q, eye, axes, _camera(half, pose), half, coarse)
    cv2.resize(coarse, (lens.width, lens.height), dst=out, interpolation=cv2.INTER_LINEAR)
    for q in seen:
        if q.layer > 0:
            _paint_one(q, eye, axes, _camera(lens, pose), lens, out)


def _camera(lens: Lens, pose: Pose) -> NDArray[np.float64]:
    """Camera space to homogeneous pixels."""
    focal = lens.focal_px * pose.zoom
    return np.array([[focal, 0, lens.width / 2], [0, focal, lens.height / 2], [0, 0, 1.0]])


def _paint_one(
    q: Quad, eye: Vector, axes: NDArray[np.float64], camera: NDArray[np.float64], lens: Lens, out: ByteArray
) -> None:
    outline = _clip_near((corners(q) - eye) @ axes.T)
    if len(outline) < 3:
        return
    pixels = outline @ camera.T
    polygon = np.clip(pixels[:, :2] / pixels[:, 2:3], -1e5, 1e5)
    left, top = np.maximum(np.floor(polygon.min(axis=0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(polygon.max(axis=0)) + 1, (lens.width, lens.height)).astype(int)
    if right <= left or bottom <= top:
        return
    texture = _mip(q, float(outline[:, 2].mean()), float(camera[0, 0]))
    th, tw = texture.shape[:2]
    matrix = camera @ axes @ np.column_stack([q.across / tw, q.down / th, q.origin - eye])
    matrix[:2] -= np.outer((left, top), matrix[2])
    size = (int(right - left), int(bottom - top))
    drawn = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(mask, np.round((polygon - (left, top)) * 16).astype(np.int32), 255, cv2.LINE_8, 4)
    cv2.copyTo(drawn, mask, out[top:bottom, left:right])


def _mip(q: Quad, distance: float, focal: float) -> ByteArray:
    """The texture with about as many pixels as the screen shows of it."""
    texels_per_pixel = q.mips[0].shape[1] / max(1e-6, float(np.linalg.norm(q.across))) * max(distance, NEAR_M) / focal
    level = int(np.clip(np.log2(max(texels_per_pixel, 1e-6)), 0, len(q.mips) - 1))
    return q.mips[level]


def _clip_near(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of a polygon [n, 3] in camera space that lies in front of the near plane."""
    kept: list[NDArray[np.float64]] = []
    if bool((points[:, 2] >= NEAR_M).all()):
        return points
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        if a[2] >= NEAR_M:
            kept.append(a)
        if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
            kept.append(a + (b - a) * (NEAR_M - a[2]) / (b[2] - a[2]))
    return np.array(kept).reshape(-1, 3)
