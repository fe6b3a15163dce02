"""Frames of picked moments as JPEG files: a video is decoded once, however often its moments are asked about."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from perstream.errors import ConfigError
from perstream.lab.kit.frames import content_of, frames_at
from perstream.types import ByteArray

MAX_SIDE_PX = 448
"""Sixteen patches of 28 pixels, as vision language models cut them."""
QUALITY = 90


class Stills:
    """A folder with a subfolder per video, named by a digest of its content: another file, other stills."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self, video: Path, times_s: Sequence[float]) -> int:
        """Decode what is not there yet, and say how much that was. SourceError for a video that cannot be read."""
        home = self._home(video)
        left = [t for t in sorted(set(times_s)) if not (home / _name(t)).is_file()]
        if not left:
            return 0
        made = 0
        home.mkdir(parents=True, exist_ok=True)
        for time_s, rgb in frames_at(video, left, MAX_SIDE_PX):
            data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
            half = home / f"{_name(time_s)}.{os.getpid()}.part"
            try:
                half.write_bytes(data.tobytes())
                half.replace(home / _name(time_s))
            except OSError as error:
                raise ConfigError(f"cannot write {home} ({error.strerror}): choose another OUTPUT") from error
            made += 1
        return made

    def of(self, video: Path, times_s: Sequence[float]) -> list[ByteArray]:
        """Those of the times that the video has, [h, w, 3] each, in order."""
        home = self._home(video)
        found = []
        for time_s in times_s:
            path = home / _name(time_s)
            bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.is_file() else None
            if bgr is not None:
                found.append(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8))
        return found

    def _home(self, video: Path) -> Path:
        return self._folder / content_of(video)


def _name(time_s: float) -> str:
    return f"{round(time_s * 1000)}.jpg"
