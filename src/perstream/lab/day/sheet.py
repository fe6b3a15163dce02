"""A sheet of paper, card or board to write on: the texture of a readable thing."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from perstream.types import ByteArray

Colour = tuple[int, int, int]

BLACK: Colour = (24, 24, 28)
WHITE: Colour = (246, 246, 243)
CAP_SHARE = 0.71
"""Height of a capital letter as a share of the font size, of Pillow's bundled font."""


class Sheet:
    """Draws text and simple shapes, and keeps count of how small the writing got.

    ``width`` and ``height`` are texture pixels; colours are RGB.
    """

    def __init__(self, width: int, height: int, paper: Colour = WHITE) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width, height), paper)
        self.pen = ImageDraw.Draw(self._image)
        self.lines: list[str] = []
        self.least_cap_px = float("inf")
        self.most_cap_px = 0.0

    def write(
        self, x: float, y: float, text: str, size: int, ink: Colour = BLACK, *, bold: bool = False, centre: bool = False
    ) -> float:
        """Write one line with its top at ``y``, shrunk to fit the sheet; returns the y below it."""
        room = self.width - 16 if centre else self.width - x - 10
        while size > 12 and self._length(text, size, bold) > room:
            size -= 1
        font = ImageFont.load_default(size=size)
        stroke = max(1, size // 26) if bold else 0
        if centre:
            x = (self.width - self._length(text, size, bold)) / 2
        self.pen.text((x, y), text, fill=ink, font=font, stroke_width=stroke, stroke_fill=ink)
        self.lines.append(text)
        self.least_cap_px = min(self.least_cap_px, size * CAP_SHARE)
        self.most_cap_px = max(self.most_cap_px, size * CAP_SHARE)
        return y + size * 1.22

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour, radius: int = 0) -> None:
        """A filled box, in pixels."""
        self.pen.rounded_rectangle((left, top, right, bottom), radius=radius, fill=fill)

    def frame(self, ink: Colour, width: int = 6, inset: int = 4) -> None:
        """A line around the sheet."""
        self.pen.rectangle((inset, inset, self.width - inset - 1, self.height - inset - 1), outline=ink, width=width)

    def rule(self, y: float, ink: Colour, width: int = 3, inset: int = 20) -> None:
        """A line across the sheet."""
        self.pen.line((inset, y, self.width - inset, y), fill=ink, width=width)

    def paste(self, picture: ByteArray, left: int, top: int) -> None:
        """Put an RGB picture [h, w, 3] on the sheet."""
        self._image.paste(Image.fromarray(picture), (left, top))

    def bgr(self) -> ByteArray:
        """The texture, BGR [h, w, 3]."""
        return np.ascontiguousarray(np.asarray(self._image, dtype=np.uint8)[:, :, ::-1])

    @staticmethod
    def _length(text: str, size: int, bold: bool) -> float:
        font = ImageFont.load_default(size=size)
        left, _, right, _ = font.getbbox(text, stroke_width=max(1, size // 26) if bold else 0)
        return float(right - left)
