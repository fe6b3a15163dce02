"""QR codes and bar codes: their content, which is untrusted text like anything read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from perstream.perception.text import clean
from perstream.perception.view import View
from perstream.types import ByteArray, Observation, ObservationKind

INTERVAL_S = 0.5
"""At most one search per this many seconds of video, calm views excepted."""
MAX_CODES = 8
"""Codes reported per keyframe."""


class CodeObserver:
    """OpenCV's ArUco-based QR decoder (3 ms) and, on calm views, its bar code decoder (11 ms).

    A bar code needs sharp bars about two pixels wide: a moving view never holds one.
    """

    def __init__(self) -> None:
        self._qr = cv2.QRCodeDetectorAruco()
        self._bars = cv2.barcode.BarcodeDetector()
        self._next_s = float("-inf")

    def see(self, view: View) -> tuple[Observation, ...]:
        """Content of the codes in view; the score is 1 because codes carry check digits."""
        if not view.calm and view.pts_s < self._next_s:
            return ()
        self._next_s = view.pts_s + INTERVAL_S
        found: dict[str, Observation] = {}
        _, contents, corners, _ = self._qr.detectAndDecodeMulti(view.gray)
        self._add(found, view, contents, corners)
        if view.calm:
            self._read_bars(found, view, view.gray)
            if not found:  # bars five pixels wide are too wide for the decoder: half the size reads them
                self._read_bars(found, view, view.shrunk(view.side // 2))
        return tuple(found.values())

    def _read_bars(self, found: dict[str, Observation], view: View, gray: ByteArray) -> None:
        _, contents, kinds, corners = self._bars.detectAndDecodeWithType(gray)
        known = [content if kind else "" for content, kind in zip(contents, kinds, strict=True)]
        scale = view.gray.shape[1] / gray.shape[1]
        self._add(found, view, known, None if corners is None else np.asarray(corners) * scale)

    def _add(
        self,
        found: dict[str, Observation],
        view: View,
        contents: Sequence[str],
        corners: NDArray[Any] | None,
    ) -> None:
        if corners is None:
            return
        for content, quad in zip(contents, np.asarray(corners, np.float32).reshape(-1, 4, 2), strict=True):
            text = clean(content)
            if text and len(found) < MAX_CODES:
                (left, top), (right, bottom) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
                found.setdefault(text, view.saw(ObservationKind.CODE, text, 1.0, (left, top, right, bottom)))
