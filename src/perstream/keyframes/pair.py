"""Two views of one camera: how it moved between them, what differs, and whether they are alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from perstream.keyframes.cells import FLOOR, Noise, cell_means, difference, exposed_like
from perstream.keyframes.cuts import hellinger, likeness, shades
from perstream.keyframes.flow import Flow, Shift, shifted, warped
from perstream.keyframes.view import BLANK, View
from perstream.types import ByteArray, FloatArray

SOFT = 1 / 8
"""What varies over more than this share of the width is a shadow, not a thing."""
UPSET = 0.4
"""Share of cells that must differ before structure is compared."""
SPECK = 0.01
"""What changes in fewer cells than this share is no motion of the view."""
FOUND = 0.6
"""Likeness from which on the motion between two views counts as understood."""
SHAPE_PX = 2
SHAPELESS = 0.25
"""Correlation of a difference picture with itself so many pixels further; the blur reaches 1."""
SLACK_PX = 0.5
"""Edges may be off by this much, pixels of ``View.gray``, before it counts as a change of what is there."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How the view moved between two checks."""

    mean: float
    """Mean displacement of what can be followed, both components, in picture widths."""
    camera: float
    """Median displacement: deaf to things that move while the camera rests. Picture widths."""
    shift: Shift
    """Median displacement, x and y, pixels of the small picture."""


NO_MOTION = Motion(0.0, 0.0, (0.0, 0.0))


class Pair:
    """An earlier and a later view of equal size. What is costly is worked out when first asked for."""

    def __init__(self, before: View, now: View, flow: Flow, guess: Shift = (0.0, 0.0)) -> None:
        self.before = before
        self.now = now
        self._flow = flow
        self.guess = guess

    def _lit(self, picture: ByteArray) -> ByteArray:
        """A picture of the earlier view in the light of the later one."""
        return exposed_like(picture, self.before.quartiles, self.now.quartiles)

    @cached_property
    def _model(self) -> ByteArray:
        return self._lit(self.before.small)

    @cached_property
    def _rest(self) -> FloatArray:
        return difference(self._model, self.now.small)

    @cached_property
    def changes(self) -> FloatArray:
        """Mean absolute difference per cell [rows, columns], light evened out, grey levels."""
        return cell_means(np.abs(self._rest), self.now.grid)

    @cached_property
    def peak(self) -> float:
        """Of ``changes``."""
        return float(self.changes.max())

    @cached_property
    def field(self) -> FloatArray:
        """Displacement [h, w, 2], pixels of the small picture, at most its width."""
        # Between two blurred or unlike pictures the search can run away.
        width = float(self.now.small.shape[1])
        return self._flow(self._model, self.now.small, self.guess).clip(-width, width)

    @cached_property
    def _aligned(self) -> FloatArray:
        return warped(self.now.small, self.field)

    @cached_property
    def unexplained(self) -> FloatArray:
        """What of ``changes`` is left once motion is taken out: noise, where nothing else happened."""
        if self.peak < FLOOR:
            return self.changes
        return np.minimum(self.changes, cell_means(np.abs(difference(self._model, self._aligned)), self.now.grid))

    @cached_property
    def noise_only(self) -> bool:
        """Whether ``unexplained`` tells of noise: motion was found, or what differs has no shape.

        Noise differs from pixel to pixel; pictures of two places differ by shapes.
        """
        if self.peak < FLOOR or self.likeness > FOUND:
            return True
        rest = self._rest
        far = rest[:, :-SHAPE_PX] * rest[:, SHAPE_PX:]
        return far.size > 0 and float(far.mean()) < SHAPELESS * float(np.vdot(rest, rest)) / rest.size

    @cached_property
    def likeness(self) -> float:
        """Correlation of structure once motion is taken out, in [-1, 1]."""
        return likeness(self._model, self._aligned)

    @property
    def shades(self) -> float:
        """Hellinger distance of the two grey histograms, in [0, 1]."""
        return hellinger(shades(self.before.small), shades(self.now.small))

    def upset(self, noise: Noise) -> float:
        """Share of cells that differ beyond noise."""
        return float(np.count_nonzero(self.changes > noise.threshold)) / self.changes.size

    def understood(self, noise: Noise) -> bool:
        """Whether the motion between the two can be relied on."""
        return self.upset(noise) < UPSET or self.likeness > FOUND

    def motion(self, noise: Noise) -> Motion:
        """Displacement. Cells that do not differ beyond noise did not move."""
        if self.peak <= noise.threshold:
            return NO_MOTION
        changed = self.changes > noise.threshold
        seen = np.maximum(self.before.detail, self.now.detail) > max(BLANK, noise.level)
        moving, count = int(np.count_nonzero(changed & seen)), int(np.count_nonzero(seen))
        if moving < SPECK * seen.size:
            return NO_MOTION
        cells = cell_means(self.field, self.now.grid)
        cells[~changed] = 0.0
        x, y = cells[..., 0][seen], cells[..., 1][seen]
        length = np.sqrt(x * x + y * y)
        # With almost nothing to follow, the few cells that can be followed must not speak for all.
        share = min(1.0, 8.0 * count / seen.size) / self.now.small.shape[1]
        mean = share * float(length.sum()) / count
        if 2 * moving < count:  # most did not move at all: nor did the camera
            return Motion(mean, 0.0, (0.0, 0.0))
        return Motion(mean, share * _median(length), (_median(x), _median(y)))

    def replaced(self, shift: Shift) -> FloatArray:
        """By how much the content of cells [rows, columns] differs once the camera's shift is taken out.

        Grey levels. Half a pixel of misalignment at edges is forgiven, so that a hand-held rest is a rest.
        """
        if self.peak < FLOOR:
            return np.zeros_like(self.changes)
        model = self._lit(self.before.gray).astype(np.float32)
        h, w = model.shape
        shift = (shift[0] * w / self.now.small.shape[1], shift[1] * h / self.now.small.shape[0])
        if max(abs(shift[0]), abs(shift[1])) > 0.2:
            model = shifted(model, shift)
        # Sobel at 1/4 is twice the gradient: it makes up for what the blur took from edges.
        edges = cv2.magnitude(*(cv2.Sobel(model, cv2.CV_32F, dx, 1 - dx, scale=0.25 * SLACK_PX) for dx in (1, 0)))
        rest = np.abs(difference(model, self.now.gray, SOFT))
        rest -= edges
        np.maximum(rest, 0.0, out=rest)
        # What came into the picture at its edge was not there to be replaced.
        x, y = (math.ceil(abs(s)) * (1 if s >= 0 else -1) for s in shift)
        rest[: max(0, y)] = rest[h + min(0, y) :] = 0.0
        rest[:, : max(0, x)] = rest[:, w + min(0, x) :] = 0.0
        return cell_means(rest, self.now.grid)


def _median(values: FloatArray) -> float:
    """Of a list that is not empty; of two in the middle, the upper one. A tenth of numpy's overhead."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle])
