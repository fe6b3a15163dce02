"""Reads text: the PP-OCRv6 models inside the ``rapidocr`` package, run by ONNX Runtime directly.

Only the two model files of the package are used, not its Python code: that keeps 200 MB of RAM, a
download path and a logger out of the process, and lets short lines be recognised at their own
width (5 ms) instead of padded to 320 px (13 ms). Detection follows DB, "Real-time Scene Text
Detection with Differentiable Binarization" (Liao et al., 2020), section 3.4; recognition is a CTC
line recogniser, decoded greedily. A test holds that the result is that of RapidOCR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from perstream.perception.sessions import model_file, open_session
from perstream.types import ByteArray

Quad = NDArray[np.float32]
"""Corners [4, 2] in pixels (x, y): top left, top right, bottom right, bottom left."""

PIXEL_THRESHOLD = 0.3
"""A pixel of the probability map is text above this (DB's binarization threshold)."""
UNCLIP = 1.6
"""How far a shrunken region is grown back: area * UNCLIP / perimeter on each side."""
LINE_HEIGHT = 48
"""Pixels; the recogniser's input height."""
MAX_LINE_WIDTH = 1200
"""Pixels; a longer line is squeezed, so that one banner cannot cost seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Where a line of text seems to be."""

    quad: Quad
    score: float
    """Mean text probability inside, in [0, 1]."""

    @property
    def height(self) -> float:
        """Height of the line in pixels."""
        return float(min(_side(self.quad, 0, 1), _side(self.quad, 0, 3)))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels."""
        low, high = self.quad.min(axis=0), self.quad.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


class Reader(Protocol):
    """What the text observer needs; tests use a scripted one."""

    def regions(self, picture: ByteArray, side: int, min_score: float) -> list[Region]:
        """Lines found in RGB [h, w, 3] looked at with its longer side shrunk to ``side`` pixels."""

    def words(self, picture: ByteArray, region: Region, *, upside_down: bool = False) -> tuple[str, float]:
        """Text of one region and its mean character confidence in [0, 1]; "" when there is none."""


class OnnxReader:
    """PP-OCRv6 small: detection 11 ms at 320 px, 50 ms at 640 px; a line 5-20 ms."""

    def __init__(self) -> None:
        """Load both models (about 80 MB of RAM). Raises BackendUnavailable."""
        self._detector: Any = open_session(model_file("rapidocr", "models/*_det_small.onnx"))
        self._recogniser: Any = open_session(model_file("rapidocr", "models/*_rec_small.onnx"))
        listed = self._recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._letters: list[str] = ["", *listed, " "]  # index 0 is CTC's blank
        self._detector_input: str = self._detector.get_inputs()[0].name
        self._recogniser_input: str = self._recogniser.get_inputs()[0].name

    def regions(self, picture: ByteArray, side: int, min_score: float) -> list[Region]:
        """See :class:`Reader`; in reading order (top to bottom, then left to right)."""
        height, width = picture.shape[:2]
        scale = min(1.0, side / max(height, width))
        w, h = (max(32, round(size * scale / 32) * 32) for size in (width, height))
        (heat,) = self._detector.run(None, {self._detector_input: _network_input(picture, w, h)})
        return _regions_of(heat[0, 0], width / w, height / h, min_score)

    def words(self, picture: ByteArray, region: Region, *, upside_down: bool = False) -> tuple[str, float]:
        """See :class:`Reader`."""
        line = _straightened(picture, region.quad)
        if upside_down:
            line = np.ascontiguousarray(line[::-1, ::-1])
        width = min(MAX_LINE_WIDTH, max(16, round(line.shape[1] * LINE_HEIGHT / line.shape[0])))
        # The model was trained on lines with room behind them: without it the last letter suffers.
        padded = np.zeros((1, 3, LINE_HEIGHT, max(64, -(-(width + 8) // 8) * 8)), np.float32)
        padded[:, :, :, :width] = _network_input(line, width, LINE_HEIGHT)
        (steps,) = self._recogniser.run(None, {self._recogniser_input: padded})
        best = steps[0].argmax(axis=1)
        sure = steps[0][np.arange(len(best)), best]
        kept = (best != 0) & (np.diff(best, prepend=-1) != 0)
        if not kept.any():
            return "", 0.0
        text = "".join(self._letters[index] for index in best[kept])
        return " ".join(text.split()), float(sure[kept].mean())


def _network_input(picture: ByteArray, width: int, height: int) -> NDArray[np.float32]:
    """RGB bytes [h, w, 3] resized and turned into the models' BGR floats [1, 3, height, width] in [-1, 1]."""
    way = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_LINEAR
    small = cv2.resize(picture, (width, height), interpolation=way)
    blob = cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
    return np.asarray(blob, np.float32)


def _regions_of(heat: NDArray[np.float32], scale_x: float, scale_y: float, min_score: float) -> list[Region]:
    """Connected text of a probability map [h, w] as rotated rectangles in the picture's pixels."""
    mask = cv2.dilate((heat > PIXEL_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found: list[Region] = []
    for contour in contours[:1000]:
        (x, y), (w, h), angle = cv2.minAreaRect(contour)
        if min(w, h) < 3:
            continue
        score = _mean_inside(heat, np.asarray(cv2.boxPoints(((x, y), (w, h), angle)), np.float32))
        if score < min_score:
            continue
        grow = 2 * (w * h) * UNCLIP / (2 * (w + h))
        corners = cv2.boxPoints(((x, y), (w + grow, h + grow), angle)) * (scale_x, scale_y)
        limit = (heat.shape[1] * scale_x - 1, heat.shape[0] * scale_y - 1)
        found.append(Region(_ordered(np.clip(corners, 0, limit).astype(np.float32)), score))
    return sorted(found, key=lambda region: (region.bounds[1] // 10, region.bounds[0]))


def _mean_inside(heat: NDArray[np.float32], corners: Quad) -> float:
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (heat.shape[1] - 1, heat.shape[0] - 1))
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, (heat.shape[1] - 1, heat.shape[0] - 1))
    inside = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.uint8)
    cv2.fillPoly(inside, [(corners - low).astype(np.int32)], (1,))
    return float(cv2.mean(heat[low[1] : high[1] + 1, low[0] : high[0] + 1], inside)[0])


def _ordered(corners: Quad) -> Quad:
    """Top left, top right, bottom right, bottom left."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def _side(quad: Quad, a: int, b: int) -> float:
    return float(np.linalg.norm(quad[a] - quad[b]))


def _straightened(picture: ByteArray, quad: Quad) -> ByteArray:
    """The region cut out and set upright [h, w, 3]; a tall one is turned on its side."""
    width = max(1, int(max(_side(quad, 0, 1), _side(quad, 2, 3))))
    height = max(1, int(max(_side(quad, 0, 3), _side(quad, 1, 2))))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(quad, target)
    line = cv2.warpPerspective(picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.rot90(line) if height >= 1.5 * width else line, np.uint8)
