"""Patch vectors of a picture without a trained model: edges and colours (VisionEncoder, numpy only)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perstream.types import ByteArray, FloatArray, HalfArray

BINS = 8
"""Edge directions, each 180 / 8 degrees wide."""
HUES = 6
"""Hues, each 60 degrees wide."""
EDGE_WEIGHT, LAB_WEIGHT, HUE_WEIGHT = 0.65, 0.55, 0.52
"""Lengths of the three parts in the unit vector of a picture (their squares sum to about 1)."""
FAINT_EDGES, FAINT_LAB, FAINT_HUES = 0.02, 2.0, 0.03
"""Root mean square per patch at which a part counts for half: the hues of a grey picture are noise."""
PATCH_PX = 16
"""Side of a patch in the small picture from which everything is computed."""
FAINT_EDGE = 2.0
"""Grey levels per pixel: a patch with less mean gradient than this counts for less."""

# sRGB to linear light, and linear light to XYZ over the D65 white (IEC 61966-2-1).
_LINEAR = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255])
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_TO_XYZ = _TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)


class BuiltinVision:
    """VisionEncoder: per patch a histogram of edge directions (Dalal & Triggs 2005), mean Lab colour, hues.

    All patches of a picture together have length 1, so that the cosine of two pictures' flattened
    vectors says how much they look like one place: near 1 for the same view, about 0 for another.
    Brightness and contrast of the whole picture are taken out. Deterministic, no state, thread-safe.
    """

    dimension = BINS + 3 + HUES

    def __init__(self, pool_size: int) -> None:
        """``pool_size``: patches per row and per column."""
        self._pool = pool_size

    def encode(self, pictures: Sequence[ByteArray]) -> list[HalfArray]:
        """For each RGB picture [h, w, 3] its vectors [pool_size * pool_size, 17], rows first."""
        return [self._encode(picture) for picture in pictures]

    def _encode(self, picture: ByteArray) -> HalfArray:
        small = _resampled(picture, self._pool * PATCH_PX)
        luma = np.asarray(small @ np.array([0.299, 0.587, 0.114], np.float32), dtype=np.float32)
        tiny = small.reshape(self._pool, PATCH_PX, self._pool, PATCH_PX, 3).mean(axis=(1, 3))
        parts = [
            (EDGE_WEIGHT, FAINT_EDGES, _spread(self._edges(luma))),
            (LAB_WEIGHT, FAINT_LAB, _spread(_lab(tiny))),
            (HUE_WEIGHT, FAINT_HUES, _spread(_hues(tiny))),
        ]
        vectors = np.concatenate([weight * _unit(part, faint * self._pool) for weight, faint, part in parts], axis=2)
        return _unit(vectors, 0.0).reshape(self._pool**2, self.dimension).astype(np.float16)

    def _edges(self, luma: FloatArray) -> FloatArray:
        """Edge directions [pool, pool, BINS] per patch, each patch about of one length, centred."""
        gy, gx = np.zeros_like(luma), np.zeros_like(luma)
        gx[:, 1:-1], gy[1:-1] = luma[:, 2:] - luma[:, :-2], luma[2:] - luma[:-2]
        strength = np.hypot(gx, gy) * 0.5
        place = np.arctan2(gy, gx) * np.float32(BINS / np.pi) + BINS
        low = place.astype(np.int32)
        share = place - low
        rows = np.arange(luma.shape[0]) // PATCH_PX
        patch = (rows[:, None] * self._pool + rows) * BINS
        size = self._pool**2 * BINS
        votes = np.bincount((patch + low % BINS).ravel(), (strength * (1 - share)).ravel(), size)
        votes += np.bincount((patch + (low + 1) % BINS).ravel(), (strength * share).ravel(), size)
        histogram = (votes / PATCH_PX**2).reshape(self._pool, self._pool, BINS)
        total = histogram.sum(axis=2, keepdims=True)
        # Root of shares (Arandjelovic & Zisserman 2012); their mean says nothing about direction.
        root = np.sqrt(histogram / (total + 1e-6))
        root -= root.mean(axis=2, keepdims=True)
        return np.asarray(root * total / (total + FAINT_EDGE), dtype=np.float32)


def _resampled(picture: ByteArray, side: int) -> FloatArray:
    """[side, side, 3], each pixel the mean of up to four samples; small pictures are enlarged."""
    h, w = picture.shape[:2]
    rows, columns = (((np.arange(2 * side) + 0.5) * length / (2 * side)).astype(np.intp) for length in (h, w))
    samples = picture[rows][:, columns].astype(np.uint16)
    halved = samples[0::2] + samples[1::2]
    return np.asarray((halved[:, 0::2] + halved[:, 1::2]) * np.float32(0.25), dtype=np.float32)


def _lab(tiny: FloatArray) -> FloatArray:
    """CIE Lab [pool, pool, 3] of mean colours; lightness relative to the picture's own mean and spread."""
    xyz = _LINEAR[np.clip(tiny + 0.5, 0, 255).astype(np.uint8)] @ _TO_XYZ.T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lightness = 116 * f[..., 1] - 16
    lightness = (lightness - lightness.mean()) * (20.0 / (lightness.std() + 3.0))
    return np.asarray(
        np.stack([lightness, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=2), dtype=np.float32
    )


def _hues(tiny: FloatArray) -> FloatArray:
    """Hue [pool, pool, HUES] of mean colours, each shared by its two nearest bins, as strong as saturated."""
    high, low = tiny.max(axis=2), tiny.min(axis=2)
    span = high - low
    r, g, b = (tiny[..., i] for i in range(3))
    safe = np.where(span > 0, span, 1)
    hue = np.where(high == r, (g - b) / safe, np.where(high == g, 2 + (b - r) / safe, 4 + (r - g) / safe)) % 6
    saturation = span / (high + 16.0)
    first = np.floor(hue).astype(np.intp) % HUES
    share = hue - np.floor(hue)
    bins = np.arange(HUES)
    votes = (first[..., None] == bins) * (1 - share)[..., None] + ((first[..., None] + 1) % HUES == bins) * share[
        ..., None
    ]
    return np.asarray(votes * saturation[..., None], dtype=np.float32)


def _spread(patches: FloatArray) -> FloatArray:
    """Each patch mixed with its neighbours 1-2-1, so that a small shift of the camera changes little."""
    padded = np.pad(patches, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return np.asarray(0.25 * rows[:, :-2] + 0.5 * rows[:, 1:-1] + 0.25 * rows[:, 2:], dtype=np.float32)


def _unit(values: FloatArray, faint: float) -> FloatArray:
    """Scaled to length 1 as a whole, or to less where the length is not far above ``faint``; zeros stay zero."""
    length = float(np.linalg.norm(values))
    return np.asarray(values / (length + faint) if length > 1e-6 else np.zeros_like(values), dtype=np.float32)
