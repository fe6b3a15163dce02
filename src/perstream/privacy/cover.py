"""Making a part of a picture unrecognisable, for good.

A region becomes one flat patch in the mean colour of what is *not* covered, so nothing that was in it, not even its
brightness, is left. A blur would not do: a Gaussian is a linear filter that can be undone up to noise, and people are
told apart in blurred and in mosaic pictures (McPherson, Shokri, Shmatikov: Defeating Image Obfuscation with Deep
Learning, 2016; Hill, Zhou, Saul, Shacham: On the (In)effectiveness of Mosaicing and Blurring as Tools for
Document Redaction, 2016). Cells that move over a face give away more with every frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from perstream.types import ByteArray

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture, in [0, 1]."""
MARGIN = 2
"""Pixels added on each side: averages and the colours of 4:2:0 pictures reach over a region's edge, and an odd row or
column that was cut while shrinking moves it by less than this."""
SAMPLE = 64
"""Rows and columns looked at, at most, for the mean colour of the rest."""
NOTHING = 128
"""Grey level where nothing is left uncovered."""


def cover(pixels: ByteArray, boxes: Sequence[Box]) -> ByteArray:
    """A copy of a picture [h, w] or [h, w, 3] in which the boxes are one flat colour; itself where there are none."""
    if not boxes:
        return pixels
    height, width = pixels.shape[:2]
    spans = [_span(box, width, height) for box in boxes]
    covered = np.array(pixels)
    color = _rest(pixels, spans)
    for left, top, right, bottom in spans:
        covered[top:bottom, left:right] = color
    return covered


def _span(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The box in pixels, outwards, with its margin, within the picture."""
    left, top = math.floor(box[0] * width) - MARGIN, math.floor(box[1] * height) - MARGIN
    right, bottom = math.ceil(box[2] * width) + MARGIN, math.ceil(box[3] * height) + MARGIN
    return max(0, left), max(0, top), min(width, right), min(height, bottom)


def _rest(pixels: ByteArray, spans: Sequence[tuple[int, int, int, int]]) -> ByteArray:
    """The mean colour of what no span covers, from a grid of its pixels."""
    height, width = pixels.shape[:2]
    rows, columns = np.arange(0, height, -(-height // SAMPLE)), np.arange(0, width, -(-width // SAMPLE))
    open_ = np.ones((rows.size, columns.size), bool)
    for left, top, right, bottom in spans:
        open_[np.ix_((rows >= top) & (rows < bottom), (columns >= left) & (columns < right))] = False
    seen = pixels[np.ix_(rows, columns)][open_]
    if not seen.size:
        return np.full(pixels.shape[2:], NOTHING, np.uint8)
    return np.asarray(seen.mean(axis=0) + 0.5, np.uint8)
