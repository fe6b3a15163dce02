"""Colours: up to three names for the largest areas of the picture."""

from __future__ import annotations

import numpy as np

from perstream.perception.view import View
from perstream.types import FloatArray, Observation, ObservationKind

NAMES: dict[str, tuple[tuple[float, float, float], ...]] = {
    # Typical L*, a*, b* (D65) of each name; several where a name covers light and dark shades.
    "black": ((8, 0, 0), (18, 0, 0)),
    "gray": ((38, 0, 0), (55, 0, 0), (70, 0, 0)),
    "white": ((90, 0, 0), (98, 0, 0)),
    "red": ((45, 62, 42), (35, 50, 30), (28, 42, 25)),
    "orange": ((66, 38, 62), (60, 48, 60)),
    "brown": ((32, 16, 24), (45, 18, 30), (24, 12, 14)),
    "beige": ((82, 3, 18), (72, 5, 22)),
    "yellow": ((86, -4, 72), (78, 2, 62), (90, -8, 50)),
    "green": ((50, -42, 35), (35, -28, 22), (68, -35, 30), (30, -18, 12)),
    "turquoise": ((62, -30, -10), (72, -35, -8), (50, -22, -12)),
    "blue": ((42, 5, -48), (30, 22, -58), (60, -6, -32), (24, 8, -32)),
    "purple": ((36, 38, -34), (48, 40, -32), (28, 30, -26)),
    "pink": ((70, 38, 2), (80, 24, 4), (58, 55, -4)),
}
_PROTOTYPES = np.array([shade for shades in NAMES.values() for shade in shades], np.float32)
_OWNER = np.array([i for i, shades in enumerate(NAMES.values()) for _ in shades])
_WEIGHTS = np.array([0.45, 1.0, 1.0], np.float32)
"""Lightness separates names less than hue does."""
SMALLEST_SHARE = 0.12
"""A colour is named when it covers at least this share of the picture."""
VIVID_SHARE = 0.05
"""Vivid ones (all but the first three) from this share on: a red coat matters more than a gray wall."""


class ColorObserver:
    """Every pixel of a 48-pixel picture goes to the nearest named shade in CIE Lab."""

    def see(self, view: View) -> tuple[Observation, ...]:
        """One observation such as "white, blue"; nothing when no name covers enough."""
        shares = _shares(view.lab48)
        order = np.argsort(-shares, kind="stable")
        named = [i for i in order if shares[i] >= (SMALLEST_SHARE if i < 3 else VIVID_SHARE)][:3]
        if not named:
            return ()
        names = list(NAMES)
        text = ", ".join(names[i] for i in named)
        return (view.saw(ObservationKind.COLOR, text, float(sum(shares[i] for i in named))),)


def _shares(lab: FloatArray) -> FloatArray:
    """Share of the picture for each name of ``NAMES``, summing to 1."""
    pixels = lab.reshape(-1, 1, 3)
    nearest = (((pixels - _PROTOTYPES) * _WEIGHTS) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(_OWNER[nearest], minlength=len(NAMES))
    return np.asarray(counts / len(pixels), np.float32)
