"""Shots to video: one picture per frame time, with blur, light and noise, encoded as H.264."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path as FilePath

import av
import cv2
import numpy as np

from perstream.lab.day.path import Path
from perstream.lab.day.rooms import Room
from perstream.lab.day.space import Lens, Pose, paint
from perstream.types import ByteArray

SHUTTER = 0.5
"""Share of a frame's time during which the picture is exposed."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A stay in a room."""

    room: Room
    path: Path
    start_s: float
    lamp_s: float
    """When, within the shot, the light changes; negative is never."""
    lamp: float
    """The factor by which it changes."""

    @property
    def end_s(self) -> float:
        """When the next shot begins."""
        return self.start_s + self.path.seconds

    def gain(self, t: float) -> float:
        """Brightness at ``t`` seconds into the shot: the exposure adapts, lamps and clouds come and go."""
        gain = self.room.light * (1 + 0.4 * math.exp(-t / 0.3)) * (1 + 0.03 * math.sin(0.8 * t + self.start_s))
        left = self.path.seconds - t
        gain *= min(1.0, 0.25 + t / 0.25, 0.25 + left / 0.25)
        if self.lamp_s >= 0:
            gain *= 1 + (self.lamp - 1) * min(1.0, max(0.0, (t - self.lamp_s) / 0.4))
        return gain


class Darkroom:
    """Turns poses into finished pictures."""

    def __init__(self, lens: Lens, fps: int, seed: int) -> None:
        self.lens, self.fps = lens, fps
        rng = np.random.default_rng(seed % 2**32)
        size = (lens.height, lens.width, 3)
        y, x = np.mgrid[-1 : 1 : lens.height * 1j, -1 : 1 : lens.width * 1j]
        corners = 128 - 22 * ((x**2 + y**2) / 2)[:, :, None]
        self._veils = []
        for _ in range(6):
            grain = cv2.GaussianBlur(rng.normal(0, 1, size).astype(np.float32), (0, 0), 0.7)
            veil = np.clip(corners + grain / grain.std() * 2.0, 0, 255)
            self._veils.append(np.asarray(veil, dtype=np.uint8))
        self._order = rng.integers(0, len(self._veils), 997)

    def picture(self, shot: Shot, t: float, index: int) -> ByteArray:
        """The frame ``t`` seconds into the shot, BGR."""
        lens = self.lens
        here, later = shot.path.pose(t), shot.path.pose(t + SHUTTER / self.fps)
        frame = np.full((lens.height, lens.width, 3), 60, np.uint8)
        paint(shot.room.quads, here, lens, frame)
        across, along = smear(here, later, lens)
        if along > 3:
            second = frame.copy()
            paint(shot.room.quads, later, lens, second)
            frame = np.asarray(cv2.addWeighted(frame, 0.5, second, 0.5, 0), dtype=np.uint8)
            across = (across[0] / 2, across[1] / 2)
        kernel = (min(61, max(1, round(across[0]))), min(61, max(1, round(across[1]))))
        if max(kernel) > 1:
            frame = np.asarray(cv2.blur(frame, kernel), dtype=np.uint8)
        # Gain, darker corners and grain in one pass.
        veil = self._veils[self._order[index % len(self._order)]]
        return np.asarray(cv2.addWeighted(frame, shot.gain(t), veil, 1.0, -128.0), dtype=np.uint8)


def smear(a: Pose, b: Pose, lens: Lens) -> tuple[tuple[float, float], float]:
    """How far the picture moves between two poses: by turning (pixels across and down), and by walking (pixels)."""
    focal = lens.focal_px * a.zoom
    turn = ((b.yaw - a.yaw + math.pi) % (2 * math.pi) - math.pi) * focal
    nod = (b.pitch - a.pitch) * focal
    walked = math.dist((a.x, a.y, a.z), (b.x, b.y, b.z)) * focal / 2.0 + abs(b.zoom / a.zoom - 1) * lens.width / 3
    return (abs(turn), abs(nod)), walked


def pictures(shots: Sequence[Shot], lens: Lens, fps: int, seed: int) -> Iterator[ByteArray]:
    """All frames of the day, BGR."""
    room = Darkroom(lens, fps, seed)
    total = round(shots[-1].end_s * fps)
    turn = 0
    for i in range(total):
        t = i / fps
        while turn + 1 < len(shots) and t >= shots[turn].end_s:
            turn += 1
        yield room.picture(shots[turn], t - shots[turn].start_s, i)


def encode(frames: Iterator[ByteArray], lens: Lens, fps: int, target: FilePath, *, kbps: int) -> int:
    """Write H.264 in MP4 at about ``kbps``; returns the number of frames."""
    count = 0
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as box:
        stream = box.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = lens.width, lens.height, "yuv420p"
        stream.time_base = Fraction(1, fps)
        stream.bit_rate = kbps * 1000
        # One thread: the same bytes every time, and the other cores stay free.
        stream.codec_context.thread_count = 1
        stream.options = {"preset": "superfast", "g": str(fps * 8), "x264-params": "rc-lookahead=40:aq-mode=3"}
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = count
            count += 1
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return count
