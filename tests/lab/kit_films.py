"""Drawn videos for the tests of the research kit."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

COLORS = {
    "red": (200, 30, 30), "green": (30, 170, 50), "blue": (30, 60, 200), "yellow": (220, 200, 40),
    "violet": (140, 40, 190), "cyan": (30, 190, 200),
}  # fmt: skip


def film(path: Path, colors: list[str], seed: int) -> None:
    """Three seconds of each colour at 4 frames a second, the coloured area somewhere else in every frame."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for color in colors:
            for _ in range(12):
                picture = np.full((64, 96, 3), rng.integers(90, 160), np.uint8)
                top, left = rng.integers(0, 24), rng.integers(0, 40)
                picture[top : top + 40, left : left + 50] = COLORS[color]
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
