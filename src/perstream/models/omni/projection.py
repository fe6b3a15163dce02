"""The projection MLP: patch vectors of a vision encoder into the space of the sentence embedder.

Two layers with a GELU between them, run on numpy, kept as safetensors with what they fit to in the file's metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perstream.errors import BackendError, BackendUnavailable
from perstream.types import FloatArray, HalfArray

FORMAT = "perstream-projection-1"
TEXT_DIM = 384
MAX_BYTES = 1 << 30
"""A larger file is no projection."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Weights and where they belong. Calling it projects."""

    first: FloatArray
    """[hidden, vision_dim]."""
    first_bias: FloatArray
    """[hidden]."""
    second: FloatArray
    """[text_dim, hidden]."""
    second_bias: FloatArray
    """[text_dim]."""
    sentence_model: str
    """The embedder into whose space it projects."""
    vision_model: str
    """The encoder whose vectors it takes."""
    pool_size: int
    """The grid it was trained on is pool_size x pool_size."""

    @property
    def vision_dim(self) -> int:
        """Length of a patch vector."""
        return int(self.first.shape[1])

    @property
    def text_dim(self) -> int:
        """Length of a projected vector."""
        return int(self.second.shape[0])

    def __call__(self, patches: HalfArray) -> FloatArray:
        """[n, vision_dim] to [n, text_dim], each L2-normalised. BackendError for vectors of another length."""
        if patches.ndim != 2 or patches.shape[1] != self.vision_dim:
            raise BackendError(
                f"the projection takes patch vectors [n, {self.vision_dim}], not {list(patches.shape)}: "
                "it belongs to another vision model"
            )
        hidden = gelu(patches.astype(np.float32) @ self.first.T + self.first_bias)
        projected = hidden @ self.second.T + self.second_bias
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.asarray(projected / np.maximum(length, np.float32(1e-12)), np.float32)


def gelu(x: FloatArray) -> FloatArray:
    """The tanh form (arXiv:1606.08415, section 2), as torch's ``gelu(approximate="tanh")``."""
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (1 + np.tanh(inner)), np.float32)


def save_projection(path: Path, projection: Projection) -> None:
    """Write one, whole or not at all. BackendError for shapes that do not fit together or values that are no numbers."""
    from safetensors.numpy import save

    _require_shapes(projection)
    metadata = {
        "format": FORMAT,
        "vision_dim": str(projection.vision_dim),
        "text_dim": str(projection.text_dim),
        "pool_size": str(projection.pool_size),
        "sentence_model": projection.sentence_model,
        "vision_model": projection.vision_model,
    }
    tensors = {
        name: np.ascontiguousarray(getattr(projection, name), np.float32)
        for name in ("first", "first_bias", "second", "second_bias")
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    half.write_bytes(save(tensors, metadata=metadata))
    half.replace(path)


def load_projection(path: str | Path, vision_dim: int, text_dim: int = TEXT_DIM) -> Projection:
    """Read one for a vision encoder of that dimension. BackendUnavailable says what is missing and what to do."""
    where = Path(path).expanduser()
    help_ = "train one for this model, or leave backend.projection_path empty: the gate then judges by words"
    if not where.is_file():
        raise BackendUnavailable(f"there is no projection {where}; {help_}")
    projection = _read(where, help_)
    if projection.vision_dim != vision_dim or projection.text_dim != text_dim:
        raise BackendUnavailable(
            f"{where} projects {projection.vision_dim} to {projection.text_dim} numbers, needed is {vision_dim} to "
            f"{text_dim}: it was trained for {projection.vision_model or 'another model'}; {help_}"
        )
    return projection


def _read(where: Path, help_: str) -> Projection:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise BackendUnavailable("reading a projection needs safetensors: pip install 'perstream[qwen]'") from error
    try:
        if where.stat().st_size > MAX_BYTES:
            raise BackendUnavailable(f"{where} is too large for a projection; {help_}")
        with safe_open(where, framework="numpy") as file:
            facts: dict[str, str] = file.metadata() or {}
            tensors: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if facts.get("format") != FORMAT:
            raise BackendUnavailable(f"{where} is no projection made by PerStream; {help_}")
        projection = Projection(
            **{name: tensors[name].astype(np.float32) for name in ("first", "first_bias", "second", "second_bias")},
            sentence_model=facts.get("sentence_model", ""),
            vision_model=facts.get("vision_model", ""),
            pool_size=int(facts.get("pool_size", "0")),
        )
        _require_shapes(projection)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, BackendError) as error:
        if isinstance(error, BackendUnavailable):
            raise
        raise BackendUnavailable(f"{where} cannot be read as a projection ({error}); {help_}") from error
    return projection


def _require_shapes(projection: Projection) -> None:
    parts = (projection.first, projection.first_bias, projection.second, projection.second_bias)
    if [part.ndim for part in parts] != [2, 1, 2, 1]:
        raise BackendError("its layers have the wrong number of dimensions")
    hidden = projection.first.shape[0]
    if (
        projection.first_bias.shape != (hidden,)
        or projection.second.shape[1] != hidden
        or projection.second_bias.shape != (projection.second.shape[0],)
    ):
        raise BackendError("its layers do not fit together")
    if not all(np.isfinite(part).all() for part in parts):
        raise BackendError("it holds values that are no numbers")
