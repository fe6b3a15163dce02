"""Small vector arithmetic that more than one room needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.types import FloatArray, HalfArray


def normalized(vectors: NDArray[np.floating]) -> FloatArray:
    """Rows scaled to unit L2 length as float32; rows of zeros stay zero."""
    array = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(array, axis=-1, keepdims=True)
    return np.asarray(array / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def cosine(left: NDArray[np.floating], right: NDArray[np.floating]) -> float:
    """Cosine of two arrays of one shape, taken as flat vectors; 0 when one is all zeros."""
    a = np.asarray(left, dtype=np.float32).ravel()
    b = np.asarray(right, dtype=np.float32).ravel()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale > 0 else 0.0


def mean_and_nearest(patches: list[HalfArray]) -> tuple[HalfArray, int]:
    """Mean of equally shaped patch vectors and the index of the one nearest it (paper: v_mean, v_nearest)."""
    stack = np.stack([p.astype(np.float32) for p in patches])
    mean = stack.mean(axis=0)
    distances = ((stack - mean) ** 2).sum(axis=tuple(range(1, stack.ndim)))
    return mean.astype(np.float16), int(np.argmin(distances))
