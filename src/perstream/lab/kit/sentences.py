"""Sentence embedders by name: the daemon's own, and any other that sentence-transformers has on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from perstream.errors import BackendUnavailable
from perstream.types import FloatArray
from perstream.vectors import normalized

OWN = "all-MiniLM-L6-v2"

Embed = Callable[[Sequence[str]], FloatArray]


def sentence_embedder(name: str = OWN) -> Embed:
    """A function from texts to vectors [n, dimension] of length 1. BackendUnavailable says what is missing."""
    if name in (OWN, f"sentence-transformers/{OWN}"):
        from perstream.models.minilm import MiniLM

        return MiniLM().embed
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise BackendUnavailable(
            f"the sentence model {name} needs sentence-transformers: pip install 'perstream[sentence]'"
        ) from error
    try:
        model: Any = SentenceTransformer(name, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError) as error:
        raise BackendUnavailable(
            f"the sentence model {name} is not on this machine: hf download {name}, or SENTENCE_MODEL={OWN}"
        ) from error

    def embed(texts: Sequence[str]) -> FloatArray:
        return normalized(np.asarray(model.encode(list(texts), show_progress_bar=False), np.float32))

    return embed
