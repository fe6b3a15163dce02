"""Running the command in this process, and small videos to run it on."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from perstream.cli.main import main

FPS = 10


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """Its output, one object per line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """``cli("ask", "…")`` with a store of its own; the scripted backend unless told otherwise."""

    def __init__(self, store: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.store = store
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *args: str, stdin: bytes | None = None) -> Ran:
        self._capfd.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["perstream", *args])
        self._monkeypatch.setenv("PERSTREAM_STORE", str(self.store))
        if stdin is not None:
            self._monkeypatch.setattr(sys, "stdin", _Stdin(stdin))
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        out, err = self._capfd.readouterr()
        return Ran(code, out, err)

    def use(self, backend: str) -> None:
        """Choose the brain by the environment, as a user would."""
        self._monkeypatch.setenv("PERSTREAM_BACKEND_NAME", backend)


class _Stdin:
    """Standard input that is a pipe."""

    def __init__(self, data: bytes) -> None:
        import io

        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def sign(text: str, width: int = 640, height: int = 360) -> np.ndarray:
    """A wall with a sign on it."""
    rng = np.random.default_rng(3)
    wall = cv2.resize(
        rng.integers(90, 130, (18, 32, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    size = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.4, 3)[0]
    left, base = (width - size[0]) // 2, height // 2
    cv2.rectangle(wall, (left - 25, base - 60), (left + size[0] + 25, base + 30), (250, 250, 250), -1)
    cv2.putText(wall, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (15, 15, 15), 3, cv2.LINE_AA)
    return wall


def write_video(path: Path, scenes: list[tuple[np.ndarray, float]]) -> Path:
    """Each picture for so many seconds, with a little sensor noise."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "18"})
        stream.height, stream.width = scenes[0][0].shape[:2]
        stream.pix_fmt = "yuv420p"
        number = 0
        for picture, seconds in scenes:
            for _ in range(int(seconds * FPS)):
                noisy = np.clip(picture.astype(np.int16) + rng.integers(-2, 3, picture.shape), 0, 255).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(noisy, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                number += 1
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
