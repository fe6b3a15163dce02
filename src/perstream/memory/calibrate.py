"""From a ranking score to a confidence in [0, 1] that is comparable across questions."""

from __future__ import annotations

import numpy as np

from perstream.types import FloatArray


def confidence(total: FloatArray) -> FloatArray:
    """Logistic of the ranking score."""
    return np.asarray(1 / (1 + np.exp(-10.0 * (total - 0.62))), np.float32)
