"""Two views of one camera: how it moved between them, what differs, and whether they are alike."""

from __future__ import annotations

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
SHAPE_PX = 4
SHAPELESS = 0.25
"""Correlation of a difference picture with itself so many pixels further; the blur reaches 2."""
SLACK_PX = 0.5
"""Edges may be off by this much before a difference counts as a change of what is there."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How the view moved between two checks."""

    mean: float
    """Mean displacement of what can be followed, both components, in picture widths."""
    camera: float
    """Median displacement: deaf to things that move while the camera rests. Picture widths."""
    shift: Shift
    """Median displacement, x and y, pixels of the small picture."""


class Pair:
    """An earlier and a later view of equal size. What is costly is worked out when first asked for."""

    def __init__(self, before: View, now: View, flow: Flow, guess: Shift = (0.0, 0.0)) -> None:
        self.before = before
        self.now = now
        self._flow = flow
        self.guess = guess

    @cached_property
    def _model(self) -> ByteArray:
        """The earlier picture in the light of the later one."""
        return exposed_like(self.before.gray, self.before.quartiles, self.now.quartiles)

    @cached_property
    def changes(self) -> FloatArray:
        """Mean absolute difference per cell [rows, columns], light evened out, grey levels."""
        return cell_means(np.abs(difference(self._model, self.now.gray)))

    @cached_property
    def field(self) -> FloatArray:
        """Displacement [h, w, 2], pixels of the small picture, at most its width."""
        # Between two blurred or unlike pictures the search can run away.
        width = float(self.now.gray.shape[1])
        return np.clip(self._flow(self._model, self.now.gray, self.guess), -width, width)

    @cached_property
    def _aligned(self) -> FloatArray:
        return warped(self.now.gray, self.field)

    @cached_property
    def unexplained(self) -> FloatArray:
        """What of ``changes`` is left once motion is taken out: noise, where nothing else happened."""
        if self.changes.max() < FLOOR:
            return self.changes
        return np.minimum(self.changes, cell_means(np.abs(difference(self._model, self._aligned))))

    @cached_property
    def noise_only(self) -> bool:
        """Whether ``unexplained`` tells of noise: motion was found, or what differs has no shape.

        Noise differs from pixel to pixel; pictures of two places differ by shapes.
        """
        if self.changes.max() < FLOOR or self.likeness > FOUND:
            return True
        rest = difference(self._model, self.now.gray)
        far = rest[:, :-SHAPE_PX] * rest[:, SHAPE_PX:]
        return far.size > 0 and float(far.mean()) < SHAPELESS * float((rest * rest).mean())

    @cached_property
    def likeness(self) -> float:
        """Correlation of structure once motion is taken out, in [-1, 1]."""
        return likeness(self._model, self._aligned)

    @property
    def shades(self) -> float:
        """Hellinger distance of the two grey histograms, in [0, 1]."""
        return hellinger(shades(self.before.gray), shades(self.now.gray))

    def upset(self, noise: Noise) -> float:
        """Share of cells that differ beyond noise."""
        return float((self.changes > noise.threshold).mean())

    def understood(self, noise: Noise) -> bool:
        """Whether the motion between the two can be relied on."""
        return self.upset(noise) < UPSET or self.likeness > FOUND

    def motion(self, noise: Noise) -> Motion:
        """Displacement. Cells that do not differ beyond noise did not move."""
        changed = self.changes > noise.threshold
        seen = np.maximum(self.before.detail, self.now.detail) > max(BLANK, noise.level)
        if float((changed & seen).mean()) < SPECK:
            return Motion(0.0, 0.0, (0.0, 0.0))
        moved = (cell_means(self.field) * changed[..., None])[seen]
        length = np.hypot(moved[:, 0], moved[:, 1])
        # With almost nothing to follow, the few cells that can be followed must not speak for all.
        share = min(1.0, 8.0 * float(seen.mean())) / self.now.gray.shape[1]
        return Motion(
            mean=share * float(length.mean()),
            camera=share * float(np.median(length)),
            shift=(float(np.median(moved[:, 0])), float(np.median(moved[:, 1]))),
        )

    def replaced(self, shift: Shift) -> FloatArray:
        """By how much the content of cells [rows, columns] differs once the camera's shift is taken out.

        Grey levels. Half a pixel of misalignment at edges is forgiven, so that a hand-held rest is a rest.
        """
        if self.changes.max() < FLOOR:
            return np.zeros_like(self.changes)
        model = self._model.astype(np.float32)
        if max(abs(shift[0]), abs(shift[1])) > 0.2:
            model = shifted(model, shift)
        # Sobel at 1/4 is twice the gradient: it makes up for what the blur took from edges.
        edges = np.hypot(*(cv2.Sobel(model, cv2.CV_32F, dx, 1 - dx, scale=0.25) for dx in (1, 0)))
        rest = np.abs(difference(model, self.now.gray, SOFT)) - SLACK_PX * edges
        # What came into the picture at its edge was not there to be replaced.
        h, w = rest.shape
        x, y = (int(np.ceil(abs(s))) * (1 if s >= 0 else -1) for s in shift)
        inside = np.zeros_like(rest)
        inside[max(0, y) : h + min(0, y), max(0, x) : w + min(0, x)] = 1
        return cell_means(np.asarray(np.maximum(rest, 0) * inside, dtype=np.float32))
