"""From a ranking score to a confidence in [0, 1] that is comparable across questions."""

from __future__ import annotations

import numpy as np

from perstream.types import FloatArray

BIAS, LATE, COVERED, SPEAKER, OTHER = -7.0, 8.0, 2.0, 1.0, -8.0


def confidence(late: FloatArray, covered: FloatArray, speaker: FloatArray, other: float) -> FloatArray:
    """Logistic."""
    z = BIAS + LATE * late + COVERED * covered + SPEAKER * speaker + OTHER * other
    return np.asarray(1 / (1 + np.exp(-z)), np.float32)
