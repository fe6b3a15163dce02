"""What choosing keyframes costs on top of decoding: CPU time of both, on a file or a generated clip."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from perstream.config import KeyframeConfig, SourceConfig
from perstream.errors import SourceError
from perstream.keyframes.sampler import KeyframeSampler
from perstream.sources.opener import open_source
from perstream.types import ByteArray, Frame

WIDTH, HEIGHT, FPS = 1920, 1080, 30
CLIP_S = 12
BIT_RATE = 8_000_000


@dataclass(frozen=True)
class KeyframeBench:
    """Result of ``bench_keyframes``; CPU times are medians, of all threads of the process."""

    frames: int
    keyframes: int
    decode_cpu_s: float
    """Decoding alone."""
    total_cpu_s: float
    """Decoding, resizing, optical flow, and converting the frames that are kept."""
    ratio: float
    """Median over the repeats of total to decode."""


def bench_keyframes(video: Path | None, repeats: int) -> KeyframeBench:
    """Read ``video`` with and without a sampler, ``repeats`` times in turn, with the same decoder settings.

    Without a video a 1080p30 clip of about 8 Mb/s is made for it. Raises SourceError.
    """
    if video is not None:
        return _measure(video, repeats)
    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip)
        return _measure(clip, repeats)


def _measure(video: Path, repeats: int) -> KeyframeBench:
    _read(video, KeyframeSampler(KeyframeConfig()))  # a first run loads libraries and fills the disk cache
    decode: list[float] = []
    total: list[float] = []
    frames = keyframes = 0
    for _ in range(max(1, repeats)):
        seconds, frames, _kept = _read(video, None)
        decode.append(seconds)
        seconds, frames, keyframes = _read(video, KeyframeSampler(KeyframeConfig()))
        total.append(seconds)
    if frames == 0:
        raise SourceError(f"{video.name} has no pictures to measure with: give another video")
    return KeyframeBench(
        frames=frames,
        keyframes=keyframes,
        decode_cpu_s=round(statistics.median(decode), 4),
        total_cpu_s=round(statistics.median(total), 4),
        ratio=round(statistics.median(t / max(d, 1e-9) for t, d in zip(total, decode, strict=True)), 4),
    )


def _read(video: Path, sampler: KeyframeSampler | None) -> tuple[float, int, int]:
    """CPU seconds, frames and keyframes of one pass over the file."""
    source = open_source(str(video), SourceConfig(audio=False, transcript=False))
    frames = keyframes = 0
    begin = time.process_time()
    try:
        for item in source.stream():
            if not isinstance(item, Frame):
                continue
            frames += 1
            if sampler is not None:
                keyframes += len(sampler.offer(item))
        if sampler is not None:
            keyframes += len(sampler.finish())
    finally:
        source.close()
    return time.process_time() - begin, frames, keyframes


def write_clip(path: Path, seconds: int = CLIP_S, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Encode a textured scene with rests, a pan, a walk and a cut, H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = BIT_RATE * width * height // (WIDTH * HEIGHT)
        for number, picture in enumerate(_scene(seconds, width, height)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _scene(seconds: int, width: int, height: int) -> Iterator[ByteArray]:
    rng = np.random.default_rng(20)
    size = (width * 3 // 2, height * 3 // 2)
    walls = [_wall(rng, size) for _ in range(2)]
    grain = np.repeat(rng.normal(0, 2, (2 * height, width, 1)).astype(np.int16), 3, axis=2)
    for number in range(seconds * FPS):
        t = number / FPS
        x, y = (size[0] - width) * _path(t), (size[1] - height) * (0.5 + 0.1 * np.sin(6.0 * t) * (4 < t < 8))
        matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        view = cv2.warpAffine(walls[int(t >= 0.8 * seconds)], matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        row = int(rng.integers(height))
        yield np.asarray(cv2.add(view, grain[row : row + height], dtype=cv2.CV_8U), dtype=np.uint8)


def _path(t: float) -> float:
    """Where the camera is: two seconds of rest, a pan, a rest, a walk to and fro, a rest. Share of the wall."""
    if t < 2:
        return 0.0
    if t < 3.5:
        return (t - 2) / 1.5
    if t < 4:
        return 1.0
    return 0.5 + 0.5 * float(np.cos((min(t, 8.0) - 4) * 1.5))


def _wall(rng: np.random.Generator, size: tuple[int, int]) -> ByteArray:
    total = np.full((size[1], size[0], 3), 128, np.float32)
    for cells, strength in ((8, 30), (40, 25), (200, 18), (600, 10)):
        coarse = rng.normal(0, strength, (cells * 9 // 16, cells, 3)).astype(np.float32)
        total += cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(total, 0, 255), dtype=np.uint8)
