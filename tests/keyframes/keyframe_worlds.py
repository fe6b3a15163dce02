"""Synthetic worlds for the sampler: a textured wall filmed by a camera of known motion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np

from perstream.config import KeyframeConfig
from perstream.keyframes.sampler import KeyframeSampler
from perstream.types import ArrayPicture, ByteArray, Frame, Keyframe

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=timezone.utc)
WIDTH, HEIGHT = 320, 180


def wall(seed: int, side: int = 1600, contrast: float = 1.0) -> ByteArray:
    """A wall [side, side, 3] with structure at several scales, mean about 128."""
    rng = np.random.default_rng(seed)
    total = np.zeros((side, side, 3), np.float32)
    for cells, strength in ((12, 30), (60, 28), (250, 18)):
        coarse = rng.normal(0, strength, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + contrast * total, 0, 255).astype(np.uint8)


def shot(world: ByteArray, x: float, y: float, width: int = WIDTH, height: int = HEIGHT) -> ByteArray:
    """What a camera with its upper left corner at (x, y) sees, pixels of the world."""
    matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    return cv2.warpAffine(world, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def film(look: Callable[[float], ByteArray], seconds: float, fps: float = 30) -> Iterator[Frame]:
    """Frames of ``look(t)``."""
    return frames((i / fps, lambda t=i / fps: look(t)) for i in range(int(seconds * fps)))


def frames(pictures: Iterable[tuple[float, Callable[[], ByteArray]]]) -> Iterator[Frame]:
    for index, (pts, look) in enumerate(pictures):
        yield Frame("test", index, pts, BEGIN + timedelta(seconds=pts), LazyPicture(look))


class LazyPicture:
    """Made only when looked at, as a decoded picture is; counts the looks."""

    def __init__(self, look: Callable[[], ByteArray]) -> None:
        self._look = look
        self._made: ArrayPicture | None = None

    def _picture(self) -> ArrayPicture:
        if self._made is None:
            self._made = ArrayPicture(self._look())
        return self._made

    @property
    def width(self) -> int:
        return self._picture().width

    @property
    def height(self) -> int:
        return self._picture().height

    def gray(self, width: int) -> ByteArray:
        return self._picture().gray(width)

    def rgb(self, max_side: int) -> ByteArray:
        return self._picture().rgb(max_side)

    @property
    def untouched(self) -> bool:
        return self._made is None


def sample(stream: Iterable[Frame], finish: bool = True, **settings: object) -> list[Keyframe]:
    """All keyframes of a stream."""
    sampler = KeyframeSampler(KeyframeConfig(**settings))  # type: ignore[arg-type]
    kept = [keyframe for frame in stream for keyframe in sampler.offer(frame)]
    return kept + list(sampler.finish() if finish else ())


def reasons(keyframes: Iterable[Keyframe]) -> list[str]:
    return [keyframe.reason for keyframe in keyframes]
