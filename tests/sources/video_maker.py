"""Tiny videos for the tests of the sources, made by PyAV."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TICKS = 12_800
ASS_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize\r\n"
    b"Style: Default,Arial,16\r\n\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, "
    b"Effect, Text\r\n"
)
Paint = Callable[[int], np.ndarray]


def bars(width: int, height: int) -> Paint:
    """Left half bright, right half dark, a stripe that moves down with time."""

    def paint(index: int) -> np.ndarray:
        pixels = np.full((height, width, 3), 40, np.uint8)
        pixels[:, : width // 2] = 210
        row = (index * 2) % max(1, height - 2)
        pixels[row : row + 2] = (200, 30, 60)
        return pixels

    return paint


def noise(width: int, height: int) -> Paint:
    """Hard to compress, so that a file has bytes to lose."""
    rng = np.random.default_rng(7)
    return lambda index: rng.integers(0, 255, (height, width, 3), np.uint8)


def make_video(
    path: Path,
    *,
    frames: int = 30,
    size: tuple[int, int] = (64, 48),
    rate: int = 30,
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    paint: Paint | None = None,
    tone_s: float = 0.0,
    subtitles: Iterable[tuple[float, float, str]] = (),
    container: str | None = None,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    gop: int = 10,
) -> Path:
    """Write a video. ``times`` are the frames' seconds (variable rate); ``tone_s`` adds a sound track."""
    paint = paint or bars(*size)
    times = times if times is not None else [index / rate for index in range(frames)]
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        out.metadata.update(metadata or {})
        video = out.add_stream(codec, rate=rate)
        video.width, video.height = size
        video.pix_fmt = pix_fmt
        video.gop_size = gop
        video.time_base = Fraction(1, TICKS)
        video.codec_context.time_base = Fraction(1, TICKS)
        sound = out.add_stream("aac", rate=16_000, layout="mono") if tone_s else None
        words = out.add_stream("subrip") if subtitles else None
        if words is not None:
            words.codec_context.subtitle_header = ASS_HEADER
            words.codec_context.time_base = Fraction(1, 1000)
        packets = []
        for index, time_s in enumerate(times):
            frame = av.VideoFrame.from_ndarray(paint(index), format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(time_s * TICKS), Fraction(1, TICKS)
            packets += video.encode(frame)
        packets += video.encode()
        if sound is not None:
            packets += _tone(sound, tone_s)
        for start_s, end_s, text in subtitles:
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base = words, Fraction(1, 1000)
            packet.pts = packet.dts = round(start_s * 1000)
            packet.duration = round((end_s - start_s) * 1000)
            packets.append(packet)
        packets.sort(key=lambda packet: float(packet.dts * packet.time_base))
        for packet in packets:
            out.mux(packet)
    return path


def make_sound(path: Path, seconds: float = 1.0) -> Path:
    """A file with sound alone."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=16_000, layout="mono")
        for packet in _tone(stream, seconds):
            out.mux(packet)
    return path


def rotate(path: Path, degrees_clockwise: int) -> Path:
    """Set the display matrix of the first track of an MP4, as a phone held upright does."""
    corner = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees_clockwise]
    a, b, c, d = (value * 0x10000 for value in corner)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(data)
    return path


def _tone(stream: av.AudioStream, seconds: float) -> list[av.Packet]:
    samples = (8000 * np.sin(np.arange(int(16_000 * seconds)) * 0.17)).astype(np.int16)
    packets = []
    for start in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
        packets += stream.encode(frame)
    return packets + stream.encode()
