"""Token vectors in 64 bytes each: projection to the embedder's principal axes, then int8."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np

from perstream.errors import BackendError
from perstream.memory.entry import TokenCodes
from perstream.types import FloatArray
from perstream.vectors import normalized

DIMENSION = 64
AXES_FILE = "token_axes.npz"
SCALE = 1 / 254.0
"""Codes reach +-0.5; a component of a unit vector over 64 axes is seldom larger (then it is cut)."""


@lru_cache(maxsize=1)
def _axes() -> FloatArray:
    """[64, 384]; fitted by lab/fit_token_pca.py on text of its own making."""
    with resources.files("perstream.memory").joinpath(AXES_FILE).open("rb") as file, np.load(file) as data:
        return np.asarray(data["axes"], np.float32)


def project_tokens(tokens: FloatArray) -> FloatArray:
    """Token vectors [t, 384] as unit vectors [t, 64]. Raises BackendError for another dimension.

    Embedders of 64 dimensions or fewer are taken as they are, padded with zeros.
    """
    tokens = np.asarray(tokens, np.float32)
    if not len(tokens):
        return np.zeros((0, DIMENSION), np.float32)
    if tokens.shape[1] <= DIMENSION:
        return normalized(np.pad(tokens, ((0, 0), (0, DIMENSION - tokens.shape[1]))))
    axes = _axes()
    if tokens.shape[1] != axes.shape[1]:
        raise BackendError(
            f"token vectors have {tokens.shape[1]} dimensions, not {axes.shape[1]}: run lab/fit_token_pca.py for this embedder"
        )
    return normalized(tokens @ axes.T)


def compress_tokens(tokens: FloatArray) -> TokenCodes:
    """Token vectors [t, 384] as int8 codes [t, 64]: 1/24 of their size in float32."""
    codes = np.clip(np.rint(project_tokens(tokens) / SCALE), -127, 127).astype(np.int8)
    return TokenCodes(codes, SCALE)


def decompress_tokens(tokens: TokenCodes) -> FloatArray:
    """The projected vectors [t, 64] again, up to rounding."""
    return np.asarray(tokens.codes * np.float32(tokens.scale), np.float32)
