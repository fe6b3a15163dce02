"""Rooms: a box with walls, floor and ceiling, furniture along the walls, and places for things."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from perstream.lab.day import surfaces
from perstream.lab.day.draw import Draw
from perstream.lab.day.furniture import UP, Surface, Wall, body, flat, stand
from perstream.lab.day.space import Quad, Vector, quad, vector
from perstream.lab.day.surfaces import Bgr, shade
from perstream.lab.day.thing import Thing
from perstream.types import ByteArray


@dataclass(frozen=True)
class Style:
    """How rooms of a kind look. Colours are BGR."""

    walls: tuple[Surface, ...]
    paints: tuple[Bgr, ...]
    floors: tuple[Surface, ...]
    woods: tuple[Bgr, ...]
    ceiling: Bgr
    height_m: float
    stands: tuple[str, ...]
    """Furniture that carries things: ``counter``, ``table``, ``cabinet``, ``sofa``, ``bench``."""
    decor: tuple[str, ...] = ("rack", "window", "picture", "cabinet", "nothing", "picture")
    """What fills the rest of the walls: furniture, ``window``, ``picture`` or ``nothing``."""
    light: float = 1.0


@dataclass(frozen=True, eq=False)
class Place:
    """Where a thing is put: its centre and which way it faces."""

    centre: Vector
    right: Vector
    normal: Vector


@dataclass(frozen=True, eq=False)
class Room:
    """A furnished room with its things."""

    name: str
    quads: tuple[Quad, ...]
    places: tuple[Place, ...]
    """One for each thing, in order."""
    width: float
    depth: float
    light: float


def walls_of(width: float, depth: float) -> tuple[Wall, Wall, Wall, Wall]:
    """Back, left, right and front wall of a room."""
    x, z = vector(1, 0, 0), vector(0, 0, 1)
    return (
        Wall(vector(0, 0, depth), x, -z, width),
        Wall(vector(0, 0, 0), z, x, depth),
        Wall(vector(width, 0, depth), -z, -x, depth),
        Wall(vector(width, 0, 0), -x, z, width),
    )


def shell(width: float, depth: float, style: Style, draw: Draw, rng: np.random.Generator) -> list[Quad]:
    """Walls, floor and ceiling."""
    height, paint, surface = style.height_m, draw.any(style.paints), draw.any(style.walls)
    quads = []
    for wall, factor in zip(walls_of(width, depth), (1.0, 0.92, 0.96, 0.9), strict=True):
        texture = surface(wall.length, height, shade(paint, factor), rng)
        quads.append(quad(wall.base + UP * height, wall.right * wall.length, -UP * height, texture))
    floor = draw.any(style.floors)(width, depth, draw.any(style.woods), rng)
    quads.append(quad(vector(0, 0, depth), vector(width, 0, 0), vector(0, 0, -depth), floor))
    top = _ceiling(width, depth, style, rng)
    quads.append(quad(vector(0, -height, 0), vector(width, 0, 0), vector(0, 0, depth), top))
    return quads


def _ceiling(width: float, depth: float, style: Style, rng: np.random.Generator) -> ByteArray:
    texture = surfaces.lit(surfaces.blank(width, depth, style.ceiling, 60), rng, bottom=0.9, grain=2)
    if style.height_m < 4:
        for i in range(2):
            x, y = texture.shape[1] // 2, texture.shape[0] * (1 + 2 * i) // 4
            cv2.rectangle(texture, (x - 40, y - 8), (x + 40, y + 8), (250, 252, 252), -1)
    return texture


def furnish(name: str, style: Style, things: tuple[Thing, ...], draw: Draw) -> Room:
    """A room of a style with its things placed, each by a wall of its own, and clutter in between."""
    rng = np.random.default_rng(draw.rng.getrandbits(32))
    width, depth = draw.between(5.0, 6.6), draw.between(4.6, 6.0)
    quads = shell(width, depth, style, draw, rng)
    walls = walls_of(width, depth)
    free = draw.shuffled(walls[:3])
    places: list[Place] = []
    for item, wall in zip(things, free, strict=False):
        along = wall.length * draw.between(0.38, 0.62)
        shown, place = _put(item, wall, along, style, draw, rng)
        quads += shown
        places.append(place)
        quads += _clutter(wall, along, style, draw, rng)
    for wall in (*free[len(things) :], walls[3]):
        quads += _clutter(wall, None, style, draw, rng)
    tint = (draw.between(0.9, 1.04), draw.between(0.97, 1.02), draw.between(0.95, 1.06))
    return Room(name, tuple(_under(tint, q) for q in quads), tuple(places), width, depth, style.light)


def _under(tint: tuple[float, float, float], q: Quad) -> Quad:
    """A rectangle in light of a colour (factors of blue, green and red)."""
    mips = tuple(np.asarray(cv2.multiply(mip, np.array([*tint, 0.0])), dtype=np.uint8) for mip in q.mips)
    return replace(q, mips=mips)


def _put(
    item: Thing, wall: Wall, along: float, style: Style, draw: Draw, rng: np.random.Generator
) -> tuple[list[Quad], Place]:
    if item.depth_m == 0:
        lift = draw.between(1.45, 1.65) if item.width_m < 1.2 else draw.between(1.6, 1.9)
        board = flat(wall, along, lift, item.texture, item.width_m, layer=2, off=0.03)
        shadow = surfaces.blank(0.3, 0.3 * item.height_m / item.width_m, (50, 50, 52), 60)
        edge = flat(wall, along + 0.012, lift - 0.014, shadow, item.width_m * 1.02)
        return [edge, board], Place(board.centre, wall.right, wall.normal)
    quads, top, off = stand(draw.any(style.stands), wall, along, draw.any(style.woods), rng)
    turn = draw.between(-0.16, 0.16)
    size = (item.width_m, item.height_m, item.depth_m)
    side: Bgr = tuple(int(c) for c in item.texture[item.texture.shape[0] // 2, 2])  # type: ignore[assignment]
    faces = body(wall, along, off - 0.08, size, item.texture, side, lift=top, turn=turn, layer=3, rng=rng)
    for share in draw.shuffled((-1, 1))[: draw.any((0, 1, 2))]:
        quads += _blank_ware(wall, along + share * draw.between(0.42, 0.62), off - 0.15, top, draw, rng)
    normal = np.cos(turn) * wall.normal - np.sin(turn) * wall.right
    right = np.cos(turn) * wall.right + np.sin(turn) * wall.normal
    return quads + faces, Place(faces[0].centre, right, normal)


def _blank_ware(wall: Wall, along: float, off: float, top: float, draw: Draw, rng: np.random.Generator) -> list[Quad]:
    """A box or tin with stripes or a blank label."""
    w, h = draw.between(0.1, 0.22), draw.between(0.12, 0.34)
    tint: Bgr = tuple(int(c) for c in rng.integers(50, 210, 3))  # type: ignore[assignment]
    front = surfaces.blank(w, h, tint, 600)
    if draw.chance(0.5):
        front[front.shape[0] // 3 : front.shape[0] * 2 // 3, 8:-8] = (232, 236, 240)
    else:
        front[:: max(6, front.shape[0] // 9)] = shade(tint, 1.6)
        front[1 :: max(6, front.shape[0] // 9)] = shade(tint, 1.6)
    return body(wall, along, off, (w, h, 0.12), front, tint, lift=top, turn=draw.between(-0.5, 0.5), layer=3, rng=rng)


def _clutter(wall: Wall, taken: float | None, style: Style, draw: Draw, rng: np.random.Generator) -> list[Quad]:
    """What fills the rest of a wall: racks, windows, pictures, cupboards."""
    spots = [0.8, wall.length - 0.8]
    if taken is None:
        spots.append(wall.length / 2)
    quads: list[Quad] = []
    for spot in spots:
        if taken is not None and abs(spot - taken) < 1.25:
            continue
        what = draw.any(style.decor)
        if what == "window":
            quads.append(flat(wall, spot, draw.between(1.5, 1.7), surfaces.window(1.1, 1.2, rng), 1.1))
        elif what == "picture":
            art = surfaces.picture(draw.between(0.5, 0.8), draw.between(0.4, 0.8), rng)
            quads.append(flat(wall, spot, draw.between(1.4, 1.7), art, art.shape[1] / 260))
        elif what != "nothing":
            quads += stand(what, wall, spot, draw.any(style.woods), rng)[0]
    return quads
