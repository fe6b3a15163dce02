"""The sound of the last seconds."""

from __future__ import annotations

from collections import deque

import numpy as np

from perstream.perception.speech import RATE
from perstream.types import AudioChunk, SampleArray


class RecentSound:
    """Keeps the newest ``seconds`` of sound until it is taken. Memory is bounded: 32 kB a second."""

    def __init__(self, seconds: float) -> None:
        self._most = int(seconds * RATE)
        self._chunks: deque[SampleArray] = deque()
        self._held = 0

    def add(self, chunk: AudioChunk) -> None:
        """Take sound in; what is too old goes."""
        self._chunks.append(chunk.samples[-self._most :])
        self._held += len(self._chunks[-1])
        while self._held - len(self._chunks[0]) >= self._most:
            self._held -= len(self._chunks.popleft())

    def take(self) -> SampleArray | None:
        """The sound since the last time, None when there was none."""
        if not self._held:
            return None
        samples = np.concatenate(list(self._chunks))[-self._most :]
        self._chunks.clear()
        self._held = 0
        return np.asarray(samples, np.int16)
