"""Pictures as a vision tower takes them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perstream.errors import BackendError
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.patching import cut, patching_of
from perstream.types import ByteArray

LONGEST_RATIO = 20
"""A picture more elongated than this is widened at its edges; the processors refuse beyond 200."""
MERGE = 2
"""Tower patches per side of one patch vector, where the image processor does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """One picture, prepared: inputs of ``get_image_features`` and the grid of vectors that come of it."""

    inputs: dict[str, Any]
    grid: tuple[int, int, int] | None
    """Time, height and width in tower patches; None for towers that see a square of fixed size."""
    merge: int
    count: int = 0
    """Vectors that the tower makes of it, where the grid does not say."""

    @property
    def tokens(self) -> int:
        """Vectors that the tower makes of it, and places that it takes."""
        if self.grid is None:
            return self.count
        return self.grid[0] * self.grid[1] * self.grid[2] // self.merge**2


def prepare(loaded: Loaded, rgb: ByteArray, max_pixels: int) -> Pixels:
    """Resize, normalise and cut one RGB picture [h, w, 3] of any size of at least one pixel. Needs no lock."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape or rgb.dtype != np.uint8:
        raise BackendError(f"a picture must be RGB bytes [h, w, 3], not {rgb.dtype} {list(rgb.shape)}")
    import torch

    processor = loaded.processor.image_processor
    how = patching_of(processor)
    if how is not None:
        values, grid = cut(sturdy(rgb), how, max_pixels, loaded.device)
        return Pixels({"pixel_values": values, "image_grid_thw": torch.tensor([grid])}, grid, how.merge)
    from PIL import Image

    limits: dict[str, Any] = {"return_tensors": "pt"}
    if hasattr(processor, "do_image_splitting"):
        limits["do_image_splitting"] = False
    # As a PIL image: of an array of three rows the library cannot tell rows from channels.
    found = processor(images=[Image.fromarray(sturdy(rgb))], **limits)
    grid_thw = found.get("image_grid_thw")
    taken = inspect.signature(loaded.model.get_image_features).parameters
    return Pixels(
        inputs={name: value for name, value in found.items() if name in taken},
        grid=None if grid_thw is None else (int(grid_thw[0][0]), int(grid_thw[0][1]), int(grid_thw[0][2])),
        merge=int(getattr(processor, "merge_size", MERGE)),
    )


def sturdy(rgb: ByteArray) -> ByteArray:
    """The same picture with no ratio above ``LONGEST_RATIO``: its edge pixels are repeated."""
    least = -(-max(rgb.shape[:2]) // LONGEST_RATIO)
    short = [max(0, least - side) for side in rgb.shape[:2]]
    if any(short):
        rgb = np.pad(rgb, (*((n // 2, n - n // 2) for n in short), (0, 0)), mode="edge")
    return np.ascontiguousarray(rgb)


def look(loaded: Loaded, pictures: Sequence[Pixels]) -> Any:
    """One pass of the vision tower over prepared pictures; its output, with ``pooler_output`` a tuple per picture.

    The caller holds the lock and is in inference mode.
    """
    import torch

    together = {
        name: torch.cat([picture.inputs[name] for picture in pictures]).to(loaded.device) for name in pictures[0].inputs
    }
    outputs = loaded.model.get_image_features(**together, return_dict=True)
    vectors = outputs.pooler_output
    outputs.pooler_output = tuple(v.reshape(-1, v.shape[-1]) for v in vectors)
    if len(outputs.pooler_output) != len(pictures):
        raise BackendError(f"{loaded.name} gave vectors of {len(outputs.pooler_output)} pictures for {len(pictures)}")
    return outputs
