"""Light: how dark or bright the view is, and when the light itself changed."""

from __future__ import annotations

import numpy as np

from perstream.perception.view import View
from perstream.types import Observation, ObservationKind

DARK, DIM, BRIGHT = 12.0, 30.0, 85.0
"""Mean L* of the picture: dark and dim below, bright above."""
CHANGE = 12.0
"""Step in mean L* that is a change of light."""
WITHIN_S = 3.0
"""Between keyframes at most this far apart."""
ALIKE = 0.75
"""Correlation of the two pictures: the light changed, not the view."""


class LightObserver:
    """Mean lightness of the keyframe, against fixed levels and against the keyframe before."""

    def __init__(self) -> None:
        self._last: View | None = None

    def see(self, view: View) -> tuple[Observation, ...]:
        """Up to two observations: the level unless ordinary, and "brighter" or "darker"."""
        level = float(view.lab48[..., 0].mean())
        found = []
        name = "dark" if level < DARK else "dim" if level < DIM else "bright" if level > BRIGHT else None
        if name is not None:
            edge = {"dark": DARK, "dim": DIM, "bright": BRIGHT}[name]
            found.append(view.saw(ObservationKind.LIGHT, name, 0.5 + abs(level - edge) / 20))
        step = self._step(view, level)
        if abs(step) >= CHANGE:
            word = "brighter" if step > 0 else "darker"
            found.append(view.saw(ObservationKind.LIGHT, word, 0.5 + (abs(step) - CHANGE) / 40))
        self._last = view
        return tuple(found)

    def _step(self, view: View, level: float) -> float:
        """Change of lightness since the last keyframe, 0 when that showed something else."""
        last = self._last
        if last is None or view.pts_s - last.pts_s > WITHIN_S or last.gray160.shape != view.gray160.shape:
            return 0.0
        now, then = view.gray160.astype(np.float32), last.gray160.astype(np.float32)
        now, then = now - now.mean(), then - then.mean()
        scale = float(np.sqrt((now**2).sum() * (then**2).sum()))
        if scale <= 0 or float((now * then).sum()) < ALIKE * scale:
            return 0.0
        return level - float(last.lab48[..., 0].mean())
