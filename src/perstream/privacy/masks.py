"""Regions that nobody sees: which of a source's pictures, and the pictures without them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perstream.errors import ConfigError
from perstream.privacy.cover import Box, cover
from perstream.types import ByteArray, Picture

EVERY = "*"
MOST = 64
"""Masks of one source at most: more are a mistake, and each costs time per picture."""
_WANTED = "X Y W H in shares of the picture from 0 to 1, such as 0 0 0.25 1 for its left quarter"


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in shares of the upright picture, from its top left corner; what lies over the edge is cut."""

    x: float
    y: float
    width: float
    height: float

    def box(self) -> Box:
        """Left, top, right, bottom."""
        return self.x, self.y, min(1.0, self.x + self.width), min(1.0, self.y + self.height)

    def __str__(self) -> str:
        return f"{self.x:g} {self.y:g} {self.width:g} {self.height:g}"


@dataclass(frozen=True, slots=True)
class Mask:
    """One region of one source, or of every source."""

    source: str
    region: Region


def region_of(text: str) -> Region:
    """``X Y W H`` as a region. ConfigError names what was wrong with it."""
    words = text.replace(",", " ").split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise ConfigError(f"the mask {text[:80]!r} is not {_WANTED}")
    x, y, width, height = numbers
    if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 and 0 < height <= 1):
        raise ConfigError(f"the mask {text[:80]!r} lies outside the picture or is empty; give {_WANTED}")
    return Region(x, y, width, height)


def mask_of(entry: str) -> Mask:
    """``SOURCE=X Y W H``. ConfigError with the entry, where it is none."""
    source, found, region = entry.rpartition("=")  # an address may hold = itself
    if not found or not source.strip():
        raise ConfigError(f"privacy.masks: {entry[:80]!r} is not SOURCE={_WANTED}; SOURCE * is every source")
    try:
        return Mask(source.strip(), region_of(region))
    except ConfigError as error:
        raise ConfigError(f"privacy.masks: {entry[:80]!r}: {error}") from error


class Masks:
    """All that the settings name."""

    def __init__(self, entries: Iterable[str]) -> None:
        """ConfigError for an entry that is no mask: nothing is shown unmasked by mistake."""
        self._masks = tuple(mask_of(entry) for entry in entries)

    def of(self, names: Iterable[str]) -> tuple[Region, ...]:
        """The regions of the source that goes by any of these ``names``; large and small letters are one."""
        known = {EVERY} | {name.casefold() for name in names if name}
        found = dict.fromkeys(mask.region for mask in self._masks if mask.source.casefold() in known)
        if len(found) > MOST:
            raise ConfigError(f"a source can have {MOST} masks, not {len(found)}; join some")
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class MaskedPicture:
    """A picture without its masked regions, at whatever size somebody asks for.

    The regions are covered at that size, after the picture was made small, so a decoder's fast ways stay fast.
    """

    inner: Picture
    regions: Sequence[Region]

    @property
    def width(self) -> int:
        return self.inner.width

    @property
    def height(self) -> int:
        return self.inner.height

    def gray(self, width: int) -> ByteArray:
        return cover(self.inner.gray(width), [region.box() for region in self.regions])

    def rgb(self, max_side: int) -> ByteArray:
        return cover(self.inner.rgb(max_side), [region.box() for region in self.regions])
