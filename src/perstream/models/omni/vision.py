"""The vision encoder: pictures to pooled grids of patch vectors, several in one pass."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from perstream.errors import BackendError, BackendUnavailable, BadOutput
from perstream.models.omni.faults import OutOfMemory, in_batches, numpy_half, spoken
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.pixels import Pixels, look, prepare
from perstream.types import ByteArray, HalfArray

BATCH = 8
"""Pictures per pass at most."""
OVERSAMPLING = 2
"""The tower gives so many vectors per side for each one kept: more would be averaged away."""
VECTOR_SIDE = 28
"""Pixels per side that one vector of a Qwen tower stands for."""

log = logging.getLogger(__name__)


class OmniVision:
    """``VisionEncoder`` by the tower of a loaded model. Thread-safe.

    A picture becomes [pool_size * pool_size, hidden_size] fp16, rows from the top, columns from the left: the tower's
    grid, averaged to that size. The tower keeps nothing from one pass to the next and no adapter touches it, so pictures
    are encoded while the decoder writes a caption: its lock is not waited for. Such a grid goes back into the model as an image of 2 * pool_size tower patches a side.
    """

    def __init__(self, loaded: Loaded, pool_size: int, *, batch: int = BATCH) -> None:
        """BackendUnavailable for a model whose picture vectors make no grid."""
        self._loaded = loaded
        self._pool = pool_size
        self._batch = batch
        self._lock = threading.Lock()
        self._max_pixels = (OVERSAMPLING * pool_size * VECTOR_SIDE) ** 2
        if loaded.family != "omni":
            self._require_grid()

    @property
    def dimension(self) -> int:
        """Length of one patch vector."""
        return self._loaded.hidden_size

    @property
    def batch(self) -> int:
        """Pictures per pass now: halved whenever the device had no room, and kept so."""
        return self._batch

    def encode(self, pictures: Sequence[ByteArray]) -> list[HalfArray]:
        """For each RGB picture its patch vectors.

        BadOutput for vectors that are no numbers, OutOfMemory (a BackendError) when not even one picture fits.
        """
        with spoken(self._loaded.name, "preparing pictures"):
            prepared = [prepare(self._loaded, rgb, self._max_pixels) for rgb in pictures]
        return in_batches(prepared, self._batch, self._pass, self._use)

    def _require_grid(self) -> None:
        """Other towers than Qwen2.5-Omni's are tried once: their vectors must make a grid."""
        try:
            self.encode([np.zeros((112, 112, 3), np.uint8)])
        except OutOfMemory:
            raise
        except BackendError as error:
            raise BackendUnavailable(f"{self._loaded.name} cannot be used for pictures: {error}") from error

    def _use(self, batch: int) -> None:
        log.warning("out of GPU memory with %s: pictures go in by %d from now on", self._loaded.name, batch)
        self._batch = batch

    def _pass(self, pictures: Sequence[Pixels]) -> list[HalfArray]:
        import torch

        with self._lock, torch.inference_mode(), spoken(self._loaded.name, "looking at pictures"):
            vectors = look(self._loaded, pictures).pooler_output
            pooled = [pool(v, p, self._pool) for v, p in zip(vectors, pictures, strict=True)]
            together = torch.stack(pooled)
            if not bool(torch.isfinite(together).all()):
                raise BadOutput(
                    f"{self._loaded.name} gave picture vectors that are no numbers: try backend.dtype bf16 or fp32"
                )
            return list(numpy_half(together))


def pool(vectors: Any, picture: Pixels, side: int) -> Any:
    """Vectors [rows * columns, d] of one picture as [side * side, d]: adaptive average pooling of the grid."""
    from torch.nn.functional import adaptive_avg_pool2d

    count, dimension = vectors.shape
    if picture.grid is None:
        rows = columns = math.isqrt(count)
    else:
        rows, columns = picture.grid[1] // picture.merge, picture.grid[2] // picture.merge
    if rows * columns != count:
        raise BackendError(f"{count} picture vectors do not make a grid of {rows} x {columns}")
    grid = vectors.float().reshape(rows, columns, dimension).permute(2, 0, 1)
    return adaptive_avg_pool2d(grid, side).permute(1, 2, 0).reshape(side * side, dimension)


def square(vectors: HalfArray, dimension: int) -> int:
    """Side of a stored grid [side * side, dimension]. BackendError when it is none, or of another encoder."""
    side = math.isqrt(len(vectors)) if vectors.ndim == 2 else 0
    if side == 0 or side * side != len(vectors) or vectors.shape[1] != dimension:
        raise BackendError(
            f"stored picture vectors are {list(vectors.shape)}, this model takes [side * side, {dimension}]: "
            "they come from another vision encoder"
        )
    # By the bits: the exponent of infinities and of what is no number is all ones; ten times faster than isfinite.
    bits = np.ascontiguousarray(vectors, np.float16).view(np.uint16)
    if (bits & 0x7FFF).max() >= 0x7C00:
        raise BackendError("stored picture vectors hold values that are no numbers")
    return side
