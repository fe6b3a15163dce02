"""Decoded sound to chunks of 16 kHz mono."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from perstream.types import SampleArray

RATE_HZ = 16_000
CHUNK = RATE_HZ // 2
"""Samples of one chunk: half a second."""
RESYNC_S = 0.1
"""A timestamp this far from where the samples have come to begins a new stretch."""


class SoundChunker:
    """Resamples whatever a decoder gives and cuts it into chunks with the time of their first sample."""

    def __init__(self) -> None:
        self._resampler = self._new_resampler()
        self._held: list[SampleArray] = []
        self._samples = 0
        self._start_s: float | None = None

    def offer(self, frame: AudioFrame) -> Iterator[tuple[float, SampleArray]]:
        """Chunks that this frame completes: (seconds on the file's clock, int16 [n])."""
        claimed = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
        if self._start_s is None:
            self._start_s = claimed or 0.0
        elif claimed is not None and abs(claimed - self._next_s(self._start_s)) > RESYNC_S:
            yield from self.finish()
            self._start_s = claimed
        frame.pts = None  # the resampler would fill or refuse jumps by itself
        try:
            resampled = self._resampler.resample(frame)
        except ValueError:  # the sound changed its format in mid-stream
            self._resampler = self._new_resampler()
            resampled = self._resampler.resample(frame)
        self._hold(resampled)
        while self._samples >= CHUNK:
            yield self._cut(CHUNK)

    def finish(self) -> Iterator[tuple[float, SampleArray]]:
        """What is left; the chunker then starts anew."""
        if self._start_s is None:
            return
        try:
            self._hold(self._resampler.resample(None))
        except FFmpegError:
            pass  # it never got a frame that it could use; there is nothing in it
        while self._samples:
            yield self._cut(min(CHUNK, self._samples))
        self._start_s = None
        self._resampler = self._new_resampler()

    @staticmethod
    def _new_resampler() -> AudioResampler:
        return AudioResampler(format="s16", layout="mono", rate=RATE_HZ)

    def _next_s(self, start_s: float) -> float:
        return start_s + self._samples / RATE_HZ

    def _hold(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            samples = np.asarray(frame.to_ndarray(), dtype=np.int16).reshape(-1)
            self._held.append(samples)
            self._samples += len(samples)

    def _cut(self, count: int) -> tuple[float, SampleArray]:
        joined = np.concatenate(self._held)
        start_s = self._start_s or 0.0
        self._held = [joined[count:]]
        self._samples -= count
        self._start_s = start_s + count / RATE_HZ
        return start_s, joined[:count].copy()
