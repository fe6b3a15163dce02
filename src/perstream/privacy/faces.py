"""Pictures whose faces nobody can recognise: found anew in each picture, and still covered for a while after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perstream.privacy.cover import Box, cover
from perstream.types import ByteArray, Picture

LOOK_PX = 1279
"""Wide enough for a search at 640 pixels: a picture is made small by whole factors."""
PAD = 0.3
"""Share of a face's size that is covered beyond it on each side: boxes end at the brows and the chin."""
HOLD_S = 2.0
"""A face is covered where it last was for so long, before or after: between two looks one may be missed."""
SMALL_PX = 128
"""A picture this small is compared by its colours and never kept or shown: nobody searches it."""

Find = Callable[[ByteArray], Sequence[Box]]
"""Boxes of all that could be a face in a grey picture [h, w]."""


@dataclass(frozen=True, slots=True)
class _Look:
    pts_s: float
    boxes: tuple[Box, ...]


class Trail:
    """Where faces were in one source of late. Any thread."""

    def __init__(self) -> None:
        self._looks: tuple[_Look, ...] = ()
        self._lock = threading.Lock()

    def near(self, pts_s: float, now: Sequence[Box] = ()) -> list[Box]:
        """What was covered within ``HOLD_S`` of this time and is not where a face is ``now``."""
        return [
            box
            for look in self._looks
            if abs(look.pts_s - pts_s) <= HOLD_S
            for box in look.boxes
            if not any(_overlap(box, other) for other in now)
        ]

    def note(self, pts_s: float, boxes: Sequence[Box]) -> None:
        """Faces were found here."""
        with self._lock:
            kept = [look for look in self._looks if abs(look.pts_s - pts_s) <= HOLD_S]
            self._looks = (*kept, _Look(pts_s, tuple(boxes)))


class FacelessPicture:
    """A picture without faces. They are looked for when somebody first asks for its colours.

    Its grey form, which motion is measured on and which nobody keeps or shows, is as it was.
    """

    __slots__ = ("_find", "_found", "_inner", "_pts_s", "_trail")

    def __init__(self, inner: Picture, pts_s: float, find: Find, trail: Trail) -> None:
        self._inner = inner
        self._pts_s = pts_s
        self._find = find
        self._trail = trail
        self._found: tuple[Box, ...] | None = None

    @property
    def width(self) -> int:
        """Pixels, after rotation."""
        return self._inner.width

    @property
    def height(self) -> int:
        """Pixels, after rotation."""
        return self._inner.height

    def gray(self, width: int) -> ByteArray:
        """As the picture's own."""
        return self._inner.gray(width)

    def rgb(self, max_side: int) -> ByteArray:
        """As the picture's own, without what could be a face."""
        found = () if max_side <= SMALL_PX and self._found is None else self._look()
        return cover(self._inner.rgb(max_side), [*found, *self._trail.near(self._pts_s, found)])

    def _look(self) -> tuple[Box, ...]:
        if self._found is None:
            self._found = tuple(padded(box) for box in self._find(self._inner.gray(LOOK_PX)))
            self._trail.note(self._pts_s, self._found)
        return self._found


def padded(box: Box) -> Box:
    """The box with ``PAD`` of its size around it, within the picture."""
    left, top, right, bottom = box
    across, down = PAD * (right - left), PAD * (bottom - top)
    return max(0.0, left - across), max(0.0, top - down), min(1.0, right + across), min(1.0, bottom + down)


def _overlap(a: Box, b: Box) -> bool:
    """Whether the middle of ``a`` lies in ``b``: the same face, a little further on."""
    x, y = (a[0] + a[2]) / 2, (a[1] + a[3]) / 2
    return b[0] <= x <= b[2] and b[1] <= y <= b[3]
