"""Pictures cut into patches for the towers of the Qwen-VL line, on the device itself.

The library's own preparation of these models does the same on the CPU; on a GPU machine it would take longer than the
tower. Resizing differs between image libraries by about half a hundredth of the value range, cutting does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from perstream.types import ByteArray


@dataclass(frozen=True, slots=True)
class Patching:
    """What an image processor of that line says."""

    patch: int
    """Pixels per side of a patch."""
    merge: int
    """Patches per side that become one vector."""
    frames: int
    """A still picture is repeated so often in time."""
    mean: tuple[float, ...]
    """Of the three channels, in [0, 1]."""
    std: tuple[float, ...]
    least: int
    """Fewest pixels; smaller pictures are enlarged."""
    most: int
    """Most pixels."""


def patching_of(processor: Any) -> Patching | None:
    """The settings of a Qwen-VL image processor, or such settings themselves; None for any other."""
    if isinstance(processor, Patching):
        return processor
    if not type(processor).__name__.startswith("Qwen2VLImageProcessor"):
        return None
    size = processor.size
    return Patching(
        patch=int(processor.patch_size),
        merge=int(processor.merge_size),
        frames=int(processor.temporal_patch_size),
        mean=tuple(map(float, processor.image_mean)),
        std=tuple(map(float, processor.image_std)),
        least=int(size["shortest_edge"]),
        most=int(size["longest_edge"]),
    )


def size_within(height: int, width: int, factor: int, least: int, most: int) -> tuple[int, int]:
    """Nearest multiples of ``factor`` with an area from ``least`` to ``most`` and about the same proportions."""
    tall, wide = (round(side / factor) * factor for side in (height, width))
    if tall * wide > most:
        shrink = math.sqrt(height * width / most)
        tall, wide = (max(factor, math.floor(side / shrink / factor) * factor) for side in (height, width))
    elif tall * wide < least:
        grow = math.sqrt(least / (height * width))
        tall, wide = (math.ceil(side * grow / factor) * factor for side in (height, width))
    return tall, wide


def cut(rgb: ByteArray, how: Patching, most: int, device: str) -> tuple[Any, tuple[int, int, int]]:
    """Patches [n, 3 * frames * patch * patch] of an RGB picture of at most ``most`` pixels, and its grid in patches."""
    import torch
    from torch.nn.functional import interpolate

    most = min(how.most, most)
    factor = how.patch * how.merge
    height, width = size_within(rgb.shape[0], rgb.shape[1], factor, min(how.least, most), most)
    picture = torch.from_numpy(np.array(rgb)).to(device).permute(2, 0, 1).float()
    if (height, width) != rgb.shape[:2]:
        resized = interpolate(picture[None], (height, width), mode="bicubic", antialias=True, align_corners=False)
        picture = resized[0].round().clamp(0, 255)
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (how.mean, how.std))
    picture = (picture / 255 - mean) / std
    rows, columns = height // how.patch, width // how.patch
    blocks = picture.reshape(
        3, rows // how.merge, how.merge, how.patch, columns // how.merge, how.merge, how.patch
    ).permute(1, 4, 2, 5, 0, 3, 6)
    still = blocks.unsqueeze(5).expand(*blocks.shape[:5], how.frames, how.patch, how.patch)
    return still.reshape(rows * columns, -1), (1, rows, columns)
