"""What stands and hangs along walls: boxes with painted faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perstream.lab.day import surfaces
from perstream.lab.day.space import Quad, Vector, quad, vector
from perstream.lab.day.surfaces import Bgr, shade
from perstream.types import ByteArray

Surface = Callable[[float, float, Bgr, np.random.Generator], ByteArray]
UP = vector(0, -1, 0)


@dataclass(frozen=True, eq=False)
class Wall:
    """A wall as seen by who faces it."""

    base: Vector
    """Its lower left corner."""
    right: Vector
    normal: Vector
    """Into the room."""
    length: float


def body(
    wall: Wall, along: float, off: float, size: tuple[float, float, float], front: ByteArray, side: Bgr, *,
    lift: float = 0.0, turn: float = 0.0, layer: int = 2, rng: np.random.Generator,
) -> list[Quad]:  # fmt: skip
    """A box (width, height, depth) before a wall, its front's middle ``along`` it and ``off`` away; ``turn`` radians."""
    w, h, d = size
    c, s = np.cos(turn), np.sin(turn)
    right = c * wall.right + s * wall.normal
    normal = c * wall.normal - s * wall.right
    middle = wall.base + wall.right * along + wall.normal * off + UP * lift
    corner = middle - right * (w / 2) + UP * h
    ground = middle - normal * (d / 2) + UP * (h / 2)
    flank = surfaces.lit(surfaces.blank(max(d, 0.05), h, shade(side, 0.78), 90), rng, grain=2)
    lid = surfaces.lit(surfaces.blank(w, max(d, 0.05), shade(side, 1.12), 90), rng, bottom=1.0, grain=2)
    quads = [quad(corner, right * w, -UP * h, front, layer, ground)]
    if d > 0:
        quads += [
            quad(corner - normal * d, normal * d, -UP * h, flank, layer, ground),
            quad(corner + right * w, -normal * d, -UP * h, flank, layer, ground),
            quad(corner - normal * d, right * w, normal * d, lid, layer, ground),
        ]
    return quads


def flat(
    wall: Wall, along: float, lift: float, texture: ByteArray, width: float, layer: int = 1, off: float = 0.01
) -> Quad:
    """Something flat on a wall, its middle ``along`` it at height ``lift``."""
    height = width * texture.shape[0] / texture.shape[1]
    corner = wall.base + wall.right * (along - width / 2) + wall.normal * off + UP * (lift + height / 2)
    return quad(corner, wall.right * width, -UP * height, texture, layer)


STAND_SIZES = {
    "counter": (2.0, 0.92, 0.6), "table": (1.5, 0.76, 0.7), "cabinet": (1.3, 0.95, 0.45), "sofa": (1.9, 0.72, 0.8),
    "bench": (1.7, 0.5, 0.5), "rack": (1.7, 2.0, 0.4), "fridge": (0.7, 1.8, 0.6), "machine": (1.0, 1.9, 0.7),
    "pillar": (0.5, 2.35, 0.5), "car": (2.7, 0.8, 0.9),
}  # fmt: skip


FRONTS: dict[str, Surface] = {
    "sofa": surfaces.cloth,
    "rack": surfaces.rack,
    "fridge": surfaces.fridge,
    "machine": surfaces.machine,
    "pillar": surfaces.concrete,
    "car": surfaces.car,
}


def stand(kind: str, wall: Wall, along: float, wood: Bgr, rng: np.random.Generator) -> tuple[list[Quad], float, float]:
    """Furniture of a kind; its quads, the height of its top, and how far its front is from the wall."""
    w, h, d = STAND_SIZES[kind]
    w, off = w * float(rng.uniform(0.9, 1.15)), d
    if kind in ("table", "bench"):
        top = surfaces.lit(surfaces.blank(w, 0.06, shade(wood, 0.9), 170), rng)
        quads = body(wall, along, off, (w, 0.06, d), top, wood, lift=h - 0.06, rng=rng)
        for share in (-0.46, 0.46):
            leg = surfaces.blank(0.07, h, shade(wood, 0.6), 170)
            quads = body(wall, along + share * w, off, (0.07, h - 0.06, d), leg, shade(wood, 0.7), rng=rng) + quads
        return quads, h, off
    front = FRONTS.get(kind, surfaces.doors)(w, h, wood, rng)
    quads = body(wall, along, off, (w, h, d), front, wood, rng=rng)
    if kind == "car":
        windows = surfaces.cabin(1.5, 0.5, wood, rng)
        quads += body(wall, along, off - 0.08, (1.5, 0.5, 0.7), windows, wood, lift=h, layer=2, rng=rng)
    if kind == "sofa":
        back = surfaces.cloth(w, 0.4, shade(wood, 0.9), rng)
        quads += body(wall, along, 0.22, (w, 0.4, 0.2), back, wood, lift=h - 0.06, layer=2, rng=rng)
    return quads, h, off
