"""What a safetensors file holds, read from its header: no torch, no weights in memory.

The format is eight bytes with the length of a JSON header, the header, and the numbers
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perstream.errors import BackendUnavailable

MAX_HEADER = 100_000_000
"""Longest header that the format allows, bytes."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a file."""

    shape: tuple[int, ...]
    dtype: str
    """As the format spells it, for example ``BF16``."""

    @property
    def numbers(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def read_header(path: Path) -> Mapping[str, Tensor]:
    """Tensors by name. BackendUnavailable when the file is no safetensors file, or is not whole."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(MAX_HEADER, size - 8):
                raise BackendUnavailable(f"{path} is no safetensors file, or only its beginning")
            header = json.loads(file.read(length))
        tensors = {name: _tensor(entry) for name, entry in header.items() if name != "__metadata__"}
        end = max(
            (int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"), default=0
        )
    except OSError as error:
        raise BackendUnavailable(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise BackendUnavailable(f"{path} has a broken header") from error
    if size != 8 + length + end:
        raise BackendUnavailable(f"{path} is not whole ({size:,} of {8 + length + end:,} bytes)")
    return tensors


def _tensor(entry: Mapping[str, object]) -> Tensor:
    shape = entry["shape"]
    if not isinstance(shape, list) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError(f"shape {shape!r}")
    return Tensor(tuple(shape), str(entry["dtype"]))
