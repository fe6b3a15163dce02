"""A keyframe at the sizes the observers look at, each made once and only when somebody looks."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from perstream.types import ByteArray, FloatArray, Keyframe, Observation, ObservationKind

CALM_REASONS = frozenset({"first", "settled", "dwell"})
"""Reasons for which the sampler keeps a view at rest, worth the dear looks. A cut may be the middle of a turn."""
CHANGED_LEVEL = 12.0
"""Grey levels; a block of the picture that differs more than this has changed."""
CHANGED_BLOCK = 5
"""Pixels of the 160-pixel grey picture on a side of such a block."""


class View:
    """One keyframe, as observers see it."""

    def __init__(self, keyframe: Keyframe) -> None:
        self.keyframe = keyframe
        self.rgb: ByteArray = np.ascontiguousarray(keyframe.rgb)

    @property
    def pts_s(self) -> float:
        """Source clock, seconds."""
        return self.keyframe.pts_s

    @property
    def calm(self) -> bool:
        """Whether the sampler says that this view is at rest."""
        return self.keyframe.reason in CALM_REASONS

    @property
    def side(self) -> int:
        """Pixels of the longer side."""
        return int(max(self.rgb.shape[:2]))

    @cached_property
    def gray(self) -> ByteArray:
        """Luma [h, w] at full size."""
        return np.asarray(cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY), np.uint8)

    @cached_property
    def gray160(self) -> ByteArray:
        """Luma, the longer side 160 pixels."""
        return self.shrunk(160)

    @cached_property
    def lab48(self) -> FloatArray:
        """CIE L*a*b* [n, n', 3], the longer side 48 pixels; L in [0, 100]."""
        small = cv2.resize(self.rgb, _size(self.rgb, 48), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)

    def shrunk(self, side: int) -> ByteArray:
        """Luma with the longer side ``side`` pixels (never upscaled)."""
        if self.side <= side:
            return self.gray
        return np.asarray(cv2.resize(self.gray, _size(self.gray, side), interpolation=cv2.INTER_AREA), np.uint8)

    def changed_since(self, earlier: View) -> bool:
        """Whether any block of the picture looks different than in an ``earlier`` view.

        Overall light is taken out first, so that a camera's auto-exposure changes nothing.
        """
        now, then = self.gray160, earlier.gray160
        if now.shape != then.shape:
            return True
        blocks = _block_means(unlike(now, then))
        return bool(blocks.max(initial=0.0) > CHANGED_LEVEL)

    def saw(
        self,
        kind: ObservationKind,
        text: str,
        score: float,
        box: tuple[float, float, float, float] | None = None,
    ) -> Observation:
        """An observation of this keyframe; ``box`` in pixels becomes shares of the picture."""
        height, width = self.rgb.shape[:2]
        shares = (box[0] / width, box[1] / height, box[2] / width, box[3] / height) if box else None
        return Observation(kind, text, min(1.0, max(0.0, score)), self.pts_s, self.pts_s, box=shares)


def unlike(now: ByteArray, then: ByteArray) -> FloatArray:
    """Grey levels [h, w] by which two pictures differ once gain and offset of the light are fitted out.

    Fitted twice, the second time without what differs much: that is what changed.
    """
    x, y = now.astype(np.float32), then.astype(np.float32)
    kept = np.ones(x.shape, bool)
    difference = np.abs(x - y)
    for _ in range(2):
        spread = float(x[kept].var())
        gain = float(((x[kept] - x[kept].mean()) * (y[kept] - y[kept].mean())).mean()) / spread if spread > 1 else 1.0
        if not 0.6 <= gain <= 1.7:  # no change of light looks like that: these are two views
            gain = 1.0
        difference = np.abs(gain * x - y - (gain * float(x[kept].mean()) - float(y[kept].mean())))
        kept = difference <= max(4.0, 2.5 * float(np.median(difference)))
    return np.asarray(difference, np.float32)


def _size(picture: NDArray[np.generic], side: int) -> tuple[int, int]:
    scale = side / max(picture.shape[:2])
    return max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))


def _block_means(values: FloatArray) -> FloatArray:
    rows, columns = (max(1, size // CHANGED_BLOCK) for size in values.shape)
    return np.asarray(cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
