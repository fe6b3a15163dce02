"""What watching costs: speed and memory of ``watch --fast``, latency from frame to memory in real time."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from perstream.app import build
from perstream.config import SourceConfig
from perstream.errors import PerStreamError, SourceError
from perstream.settings import load
from perstream.sources import open_source
from perstream.types import Frame

SAMPLE = Path(__file__).parents[3] / "sample_videos" / "day.mp4"
CLIP_S, WIDTH, HEIGHT, FPS = 40.0, 1920, 1080, 30
BIT_RATE = 8_000_000


@dataclass(frozen=True)
class WatchBench:
    """Result of ``bench_watch``; medians over the repeats."""

    video_s: float
    wall_s: float
    """From the first frame until the last moment is on disk; start-up is not in it."""
    speed: float
    """Seconds of video per second."""
    decode_speed: float
    """The same for decoding alone with the same decoder: the bound."""
    cpu_s: float
    peak_rss_mb: float
    """Of the whole process, models included."""
    frame_to_memory_p50_ms: float
    frame_to_memory_p95_ms: float
    """In real time: from the capture of a keyframe until the assistant has taken it in, which for the
    one that completes a moment includes caption, embedding and commit to disk."""
    keyframes: int
    memories: int


def bench_watch(video: Path | None, repeats: int) -> WatchBench:
    """Watch ``video`` (or 40 s of the sample day at 1080p30) ``repeats`` times fast, once in real time."""
    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder:
        clip = video or write_clip(Path(folder) / "clip.mp4")
        done = [_watch(clip, Path(folder) / f"store-{i}") for i in range(max(1, repeats))]
        decode = statistics.median(_decode_speed(clip) for _ in range(max(1, repeats)))
        p50, p95 = _latency(clip, Path(folder) / "store-realtime")
    median = {
        key: statistics.median(float(d[key]) for d in done) for key in ("video_s", "wall_s", "cpu_s", "peak_rss_mb")
    }
    return WatchBench(
        video_s=round(median["video_s"], 2),
        wall_s=round(median["wall_s"], 2),
        speed=round(statistics.median(float(d["video_s"]) / float(d["wall_s"]) for d in done), 2),
        decode_speed=round(decode, 2),
        cpu_s=round(median["cpu_s"], 2),
        peak_rss_mb=round(median["peak_rss_mb"], 1),
        frame_to_memory_p50_ms=p50,
        frame_to_memory_p95_ms=p95,
        keyframes=int(statistics.median(int(d["keyframes"]) for d in done)),
        memories=int(statistics.median(int(d["memories"]) for d in done)),
    )


def _watch(clip: Path, store: Path) -> dict[str, float]:
    """The ``done`` event of the real command in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "perstream",
        "watch",
        str(clip),
        "--store",
        str(store),
        "--fast",
        "--no-prompt",
        "--json",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    done = next((event for event in events if event.get("event") == "done"), None)
    if ended.returncode != 0 or done is None:
        raise PerStreamError(f"watching failed: {ended.stderr.strip() or 'no done event'}")
    return dict(done)


def _decode_speed(clip: Path) -> float:
    source = open_source(str(clip), SourceConfig(audio=False, transcript=False))
    begin, last = time.perf_counter(), 0.0
    try:
        for item in source.stream():
            if isinstance(item, Frame):
                last = item.pts_s
    finally:
        source.close()
    return last / max(1e-9, time.perf_counter() - begin)


def _latency(clip: Path, store: Path) -> tuple[float, float]:
    with build(load(overrides={"store": str(store)})) as app:
        name = app.watch(str(clip), realtime=True)
        if app.wait(name) is None:
            raise SourceError(f"watching {clip} did not come to an end")
        latency = app.sources()[0].latency
    return round(latency.p50_ms, 1), round(latency.p95_ms, 1)


def write_clip(path: Path, seconds: float = CLIP_S) -> Path:
    """The first ``seconds`` of the sample day as 1080p30 H.264 at 8 Mb/s: readable things, motion and rests."""
    if not SAMPLE.exists():
        raise SourceError(f"no sample video at {SAMPLE}: make it with scripts/make_sample.sh, or name one with --video")
    with av.open(str(SAMPLE)) as sample, av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", BIT_RATE
        for number, frame in enumerate(_at_rate(sample, seconds)):
            picture = frame.reformat(WIDTH, HEIGHT, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


def _at_rate(sample: av.container.InputContainer, seconds: float) -> Iterator[av.VideoFrame]:
    """Frames repeated or left out to give ``FPS``."""
    number = 0
    for frame in sample.decode(video=0):
        at = float(frame.time or 0.0)
        if at >= seconds:
            return
        while number / FPS <= at:
            yield frame
            number += 1
