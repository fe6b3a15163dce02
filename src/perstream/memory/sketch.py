"""Sketches: 128 bytes that tell nearly how near two vectors are, so that a search reads less.

A sketch is the direction of a vector's projection to a random subspace. Whatever the vectors are, a cosine c comes out
of it about normally distributed in atanh around atanh(c), with variance 1/m for m of many dimensions (Johnson &
Lindenstrauss 1984; the transform is Fisher's, 1915), and (1/m)(1 - m/d) where the m directions are orthogonal among d.
That gives a bound below which nothing need be looked at, without assumptions about the data.

The scan is one integer matrix product per block in ONNX Runtime: MatMulInteger runs on the CPU's 8-bit dot products.
"""

from __future__ import annotations

import base64
import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perstream.types import FloatArray

WIDTH = 128
"""Bytes of a sketch; vectors of fewer dimensions are turned, not shortened."""
REACH = 6.0
"""Codes hold components of up to so many times the usual one; what is larger is cut."""
ROUNDING = 0.45
"""Standard deviation of a sketch's product by rounding, in steps of its codes: the root of 1/12, and the query's."""
_ZERO = 64
"""The query is unsigned: its zero point. Seven bits, so that two products never go beyond the 16 bits in which
processors without VNNI add them."""


class Sketcher:
    """Makes sketches of vectors of one dimension and says which are worth a look."""

    def __init__(self, dimension: int) -> None:
        self._axes = _axes(dimension)
        self.width = self._axes.shape[1]
        """Components of a sketch."""
        self._unit = np.float32(127 / min(1.0, REACH / math.sqrt(self.width)))
        self._spread = math.sqrt((1 - self.width / dimension) / self.width)
        self._session: Any = None

    def code(self, vectors: FloatArray) -> NDArray[np.int8]:
        """Sketches [n, width] of vectors [n, dimension]."""
        turned = vectors @ self._axes
        length = np.sqrt(np.einsum("ij,ij->i", turned, turned))
        turned *= (self._unit / np.maximum(length, np.float32(1e-12)))[:, None]
        np.rint(turned, out=turned)
        np.minimum(turned, 127, out=turned)
        return np.asarray(np.maximum(turned, -127, out=turned), np.int8)

    @staticmethod
    def sums(codes: NDArray[np.int8]) -> NDArray[np.int32]:
        """What the query's zero point adds to the product with each of some sketches [n, width]."""
        return np.asarray(_ZERO * codes.sum(axis=1, dtype=np.int32), np.int32)

    def query(self, vector: FloatArray) -> tuple[NDArray[np.uint8], float]:
        """Codes [1, width] of what is looked for, and the product that stands for a cosine of 1."""
        turned = vector @ self._axes
        turned /= max(float(np.linalg.norm(turned)), 1e-12)
        scale = (_ZERO - 1) / max(float(np.abs(turned).max()), 1e-6)
        return np.asarray(np.rint(turned * scale) + _ZERO, np.uint8)[None, :], float(self._unit) * scale

    def bound(self, cosine: float, deviations: float) -> float:
        """The cosine of sketches below which vectors of this cosine come only beyond so many standard deviations."""
        inner = math.atanh(min(max(cosine, -0.999999), 0.999999)) - deviations * self._spread
        return math.tanh(inner) - deviations * ROUNDING / float(self._unit)

    # One node, y = MatMulInteger(a: uint8[1, d], b: int8[d, n]) of opset 13. Without a zero point, which
    # would cost the fast path for one row; the sums of the columns make up for it.
    GRAPH = (
        "CAgSADpgChgKAWEKAWISAXkiDU1hdE11bEludGVnZXISAWdaFAoBYRIPCg0IAhIJCgIIAQoDEgFkWhUKAWISEAoOCAMSCgoDEgFk"
        "CgMSAW5iFAoBeRIPCg0IBhIJCgIIAQoDEgFuQgQKABAN"
    )

    def product(self, codes: NDArray[np.uint8], sketches: NDArray[np.int8]) -> NDArray[np.int32]:
        """Products [n] of the query's codes [1, width] with sketches [width, n], which numpy is slow at."""
        if self._session is None:
            import onnxruntime

            onnxruntime.disable_telemetry_events()  # also when it was imported before this package, which switches it off
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(
                base64.b64decode(self.GRAPH), options, providers=["CPUExecutionProvider"]
            )
        (product,) = self._session.run(None, {"a": codes, "b": sketches})
        return np.asarray(product[0], np.int32)


@lru_cache(maxsize=4)
def _axes(dimension: int) -> FloatArray:
    """[dimension, width]: orthonormal directions, drawn once. Sketches are never stored, so they may change."""
    drawn = np.random.default_rng(dimension).standard_normal((dimension, min(WIDTH, dimension)))
    return np.ascontiguousarray(np.linalg.qr(drawn)[0], np.float32)
