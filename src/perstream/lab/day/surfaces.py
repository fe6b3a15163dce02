"""Textures without words: plaster, tiles, bricks, wood, cloth, and what stands in rooms.

All return BGR [h, w, 3]. Nothing here can be read: it is what a reader must not be fooled by.
"""

from __future__ import annotations

import cv2
import numpy as np

from perstream.types import ByteArray

Bgr = tuple[int, int, int]
PX_PER_M = 130


def blank(width_m: float, height_m: float, colour: Bgr, px_per_m: int = PX_PER_M) -> ByteArray:
    """One colour."""
    size = (max(8, round(height_m * px_per_m)), max(8, round(width_m * px_per_m)), 3)
    return np.full(size, colour, np.uint8)


def shade(colour: Bgr, factor: float) -> Bgr:
    """The colour made lighter or darker."""
    b, g, r = (int(min(255, max(0, c * factor))) for c in colour)
    return b, g, r


def lit(
    texture: ByteArray, rng: np.random.Generator, *, top: float = 1.0, bottom: float = 0.86, grain: float = 5.0
) -> ByteArray:
    """Light that falls off downwards and sideways, and a little grain, so that a wall is not a flat colour."""
    h, w = texture.shape[:2]
    column = np.linspace(top, bottom, h, dtype=np.float32)[:, None]
    row = 1 - 0.14 * np.abs(np.linspace(-1, 1, w, dtype=np.float32) - np.float32(rng.uniform(-0.5, 0.5)))[None]
    spots = rng.normal(0, grain, (max(2, h // 24), max(2, w // 24))).astype(np.float32)
    specks = rng.normal(0, grain / 2, (96, 96)).astype(np.float32)
    rough = np.tile(specks, (-(-h // 96), -(-w // 96)))[:h, :w] + cv2.resize(spots, (w, h))
    light = cv2.multiply(texture, cv2.merge([column * row] * 3), dtype=cv2.CV_32F)
    return np.asarray(cv2.add(light, cv2.merge([rough] * 3), dtype=cv2.CV_8U), dtype=np.uint8)


def plaster(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """A painted wall with a skirting board."""
    wall = blank(w, h, colour)
    if rng.random() < 0.5:
        wall[: wall.shape[0] * 6 // 10] = shade(colour, 1.06)
        cv2.line(wall, (0, wall.shape[0] * 6 // 10), (wall.shape[1], wall.shape[0] * 6 // 10), shade(colour, 0.9), 3)
    cv2.rectangle(wall, (0, wall.shape[0] - 14), (wall.shape[1], wall.shape[0]), shade(colour, 0.62), -1)
    return lit(wall, rng)


def tiles(w: float, h: float, colour: Bgr, rng: np.random.Generator, tile_m: float = 0.3) -> ByteArray:
    """Tiles with joints; some a shade darker."""
    wall = blank(w, h, colour)
    step = round(tile_m * PX_PER_M)
    for y in range(0, wall.shape[0], step):
        for x in range(0, wall.shape[1], step):
            wall[y : y + step, x : x + step] = shade(colour, float(rng.uniform(0.93, 1.04)))
    wall[::step] = shade(colour, 0.75)
    wall[:, ::step] = shade(colour, 0.75)
    return lit(wall, rng)


def bricks(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """A brick wall."""
    wall = blank(w, h, shade(colour, 1.25))
    bh, bw = 12, 34
    for row, y in enumerate(range(0, wall.shape[0], bh)):
        for x in range(-(row % 2) * bw // 2, wall.shape[1], bw):
            cv2.rectangle(
                wall, (x + 1, y + 1), (x + bw - 2, y + bh - 2), shade(colour, float(rng.uniform(0.8, 1.1))), -1
            )
    return lit(wall, rng, bottom=0.8)


def planks(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """Boards along the first axis, with grain."""
    floor = blank(w, h, colour)
    step = 22
    for x in range(0, floor.shape[1], step):
        floor[:, x : x + step] = shade(colour, float(rng.uniform(0.82, 1.08)))
        floor[:, x : x + 1] = shade(colour, 0.6)
        for y in rng.integers(0, floor.shape[0], 3):
            floor[y : y + 1, x : x + step] = shade(colour, 0.6)
    streaks = cv2.blur(rng.normal(0, 22, floor.shape[:2]).astype(np.float32), (1, 25))
    return np.asarray(np.clip(floor + streaks[:, :, None] * 1.6, 0, 255), dtype=np.uint8)


def concrete(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """A rough, blotchy surface."""
    return lit(blank(w, h, colour), rng, bottom=0.94, grain=9)


def doors(w: float, h: float, colour: Bgr, rng: np.random.Generator, knob: Bgr = (170, 180, 190)) -> ByteArray:
    """The front of a cupboard."""
    front = blank(w, h, colour, 200)
    count = max(1, round(w / 0.55))
    fh, fw = front.shape[:2]
    for i in range(count):
        left, right = fw * i // count, fw * (i + 1) // count
        cv2.rectangle(front, (left + 6, 6), (right - 6, fh - 6), shade(colour, 0.72), 2)
        cv2.rectangle(front, (left + 22, 22), (right - 22, fh - 22), shade(colour, 1.08), 2)
        cv2.circle(front, (right - 18, fh // 3), 5, knob, -1, cv2.LINE_AA)
    return lit(front, rng, grain=3)


def rack(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """Open shelves full of boxes, bottles and spines: nothing on them is written."""
    front = blank(w, h, shade(colour, 0.42), 170)
    fh, fw = front.shape[:2]
    boards = max(2, round(h / 0.42))
    for i in range(boards):
        top, floor = fh * i // boards, fh * (i + 1) // boards - 8
        x = 8
        while x < fw - 14:
            width = int(rng.integers(9, 34))
            tall = int((floor - top) * rng.uniform(0.45, 0.86))
            tint: Bgr = tuple(int(c) for c in rng.integers(40, 220, 3))  # type: ignore[assignment]
            tint = shade(tint, 0.5 + 0.5 * float(rng.random()))
            cv2.rectangle(front, (x, floor - tall), (min(x + width, fw - 8), floor), tint, -1)
            if rng.random() < 0.5:
                cv2.rectangle(
                    front,
                    (x + 2, floor - tall * 2 // 3),
                    (min(x + width - 2, fw - 8), floor - tall // 3),
                    shade(tint, 1.5),
                    -1,
                )
            x += width + int(rng.integers(1, 5))
            x += int(rng.integers(14, 60)) if rng.random() < 0.15 else 0
        cv2.rectangle(front, (0, floor), (fw, floor + 8), colour, -1)
    cv2.rectangle(front, (0, 0), (fw - 1, fh - 1), colour, 10)
    return lit(front, rng, grain=3)


def window(w: float, h: float, rng: np.random.Generator, sky: Bgr = (236, 214, 178)) -> ByteArray:
    """A window with sky, a horizon and bars."""
    glass = blank(w, h, sky, 170)
    gh, gw = glass.shape[:2]
    ramp = np.linspace(0.88, 1.08, gh)[:, None, None]
    glass = np.asarray(np.clip(glass * ramp, 0, 255), dtype=np.uint8)
    horizon = int(gh * rng.uniform(0.55, 0.75))
    x = 0
    while x < gw:
        width, tall = int(rng.integers(20, 60)), int(rng.integers(4, gh // 4))
        cv2.rectangle(
            glass, (x, horizon - tall), (x + width, gh), shade((150, 150, 140), float(rng.uniform(0.7, 1.1))), -1
        )
        x += width
    cv2.rectangle(glass, (0, gh - gh // 8), (gw, gh), (88, 132, 96), -1)
    frame: Bgr = (232, 236, 238) if rng.random() < 0.6 else (60, 70, 90)
    cv2.rectangle(glass, (0, 0), (gw - 1, gh - 1), frame, 14)
    cv2.line(glass, (gw // 2, 0), (gw // 2, gh), frame, 9)
    if rng.random() < 0.5:
        cv2.line(glass, (0, gh // 3), (gw, gh // 3), frame, 7)
    return glass


def picture(w: float, h: float, rng: np.random.Generator) -> ByteArray:
    """Something abstract in a frame: stripes, discs or a hill."""
    art = blank(w, h, tuple(int(c) for c in rng.integers(90, 240, 3)), 260)  # type: ignore[arg-type]
    ah, aw = art.shape[:2]
    style = int(rng.integers(0, 3))
    for i in range(7):
        tint = tuple(int(c) for c in rng.integers(30, 240, 3))
        if style == 0:
            x = int(rng.integers(0, aw))
            cv2.rectangle(art, (x, 0), (x + int(rng.integers(6, aw // 5)), ah), tint, -1)
        elif style == 1:
            centre = (int(rng.integers(0, aw)), int(rng.integers(0, ah)))
            cv2.circle(art, centre, int(rng.integers(8, ah // 3)), tint, -1, cv2.LINE_AA)
        else:
            top = ah * (i + 1) // 8
            wave = [(x, int(top + 12 * np.sin(x / 30 + i))) for x in range(0, aw + 10, 10)]
            cv2.fillPoly(art, [np.array([*wave, (aw, ah), (0, ah)], np.int32)], tint, cv2.LINE_AA)
    cv2.rectangle(art, (0, 0), (aw - 1, ah - 1), (40, 50, 66) if rng.random() < 0.5 else (220, 222, 224), 12)
    return art


def fridge(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """Two doors with handles."""
    front = blank(w, h, colour, 170)
    fh, fw = front.shape[:2]
    split = int(fh * rng.uniform(0.3, 0.45))
    cv2.line(front, (0, split), (fw, split), shade(colour, 0.6), 4)
    for top, bottom in ((split - 60, split - 12), (split + 12, split + 90)):
        cv2.rectangle(front, (12, max(4, top)), (20, bottom), shade(colour, 0.5), -1)
    return lit(front, rng, grain=2)


def machine(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """A vending or ticket machine: a lit window, a slot, buttons."""
    front = blank(w, h, colour, 170)
    fh, fw = front.shape[:2]
    inside = rack(w * 0.6, h * 0.55, (150, 160, 170), rng)
    front[fh // 12 : fh // 12 + inside.shape[0] * 17 // 20, 14 : 14 + fw * 3 // 5] = cv2.resize(
        inside, (fw * 3 // 5, inside.shape[0] * 17 // 20)
    )
    for row in range(4):
        for column in range(2):
            at = (fw * 3 // 4 + column * 22, fh // 5 + row * 24)
            cv2.circle(front, at, 7, shade(colour, 1.7), -1, cv2.LINE_AA)
    cv2.rectangle(front, (20, fh * 4 // 5), (fw * 3 // 5, fh * 7 // 8), (28, 28, 30), -1)
    return lit(front, rng, grain=2)


def car(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """The lower side of a parked car: doors and wheels."""
    side = blank(w, h, colour, 170)
    sh, sw = side.shape[:2]
    cv2.rectangle(side, (0, sh * 4 // 5), (sw, sh), (40, 42, 44), -1)
    for x in (sw * 2 // 5, sw * 2 // 3):
        cv2.line(side, (x, 4), (x, sh * 4 // 5), shade(colour, 0.7), 3)
        cv2.rectangle(side, (x - 40, sh // 5), (x - 14, sh // 4), shade(colour, 0.5), -1)
    for x in (sw // 6, sw * 5 // 6):
        cv2.circle(side, (x, sh * 7 // 10), sh * 3 // 10, (26, 26, 28), -1, cv2.LINE_AA)
        cv2.circle(side, (x, sh * 7 // 10), sh * 3 // 20, (150, 150, 152), -1, cv2.LINE_AA)
    return lit(side, rng, grain=3)


def cabin(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """The windows of a car."""
    side = blank(w, h, colour, 170)
    sh, sw = side.shape[:2]
    for left, right in ((sw // 20, sw * 9 // 20), (sw * 11 // 20, sw * 19 // 20)):
        cv2.rectangle(side, (left, sh // 6), (right, sh - 4), (150, 140, 120), -1)
    return lit(side, rng, grain=2)


def cloth(w: float, h: float, colour: Bgr, rng: np.random.Generator) -> ByteArray:
    """Upholstery: seams and a weave."""
    front = blank(w, h, colour, 170)
    for x in np.linspace(0, front.shape[1], max(2, round(w / 0.7)) + 1).astype(int):
        cv2.line(front, (int(x), 0), (int(x), front.shape[0]), shade(colour, 0.7), 3)
    front[::3] = (front[::3] * 0.95).astype(np.uint8)
    return lit(front, rng, grain=4)
