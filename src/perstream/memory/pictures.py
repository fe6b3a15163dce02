"""What memories looked like: one vector per picture, searched by picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.types import FloatArray
from perstream.vectors import normalized

_ENTRY_BYTES = 120
"""Of the dictionary and the array's head, about."""


class Pictures:
    """Unit vectors by slot. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._vectors: dict[int, FloatArray] = {}
        self.nbytes = 0
        """Bytes held."""

    def put(self, slot: int, patches: NDArray[np.floating] | None) -> None:
        """Keep a picture by its patch vectors [n, d]; None drops it."""
        gone = self._vectors.pop(slot, None)
        if gone is not None:
            self.nbytes -= gone.nbytes + _ENTRY_BYTES
        if patches is not None:
            self._vectors[slot] = vector = _unit(patches)
            self.nbytes += vector.nbytes + _ENTRY_BYTES

    def cosines(self, patches: NDArray[np.floating] | None, size: int) -> FloatArray:
        """Likeness [size] of every slot to a picture [n, d]; -1 where there is none, or none to compare with."""
        out = np.full(size, -1.0, np.float32)
        if patches is None or not self._vectors:
            return out
        wanted = _unit(patches)
        held = [slot for slot, vector in self._vectors.items() if vector.shape == wanted.shape]
        if held:
            out[held] = np.stack([self._vectors[slot] for slot in held]) @ wanted
        return out


def _unit(patches: NDArray[np.floating]) -> FloatArray:
    return normalized(np.atleast_2d(np.asarray(patches, np.float32)).mean(axis=0))
