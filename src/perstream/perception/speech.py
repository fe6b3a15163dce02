"""Speech: that a voice is present, and when. No words are guessed.

Silero VAD's ONNX model, found inside the ``silero_vad`` package without importing it (the package
itself wants torch). It takes 512 samples of 16 kHz with the 64 before them and carries a state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from perstream.perception.sessions import model_file, open_session
from perstream.types import AudioChunk, FloatArray, Observation, ObservationKind

RATE = 16_000
WINDOW = 512
"""Samples per decision: 32 ms."""
CONTEXT = 64
"""Samples before a window that the model sees again."""
STARTS, ENDS = 0.5, 0.35
"""Voice probability at which a stretch begins, and below which it may end."""
PAUSE_S = 0.4
"""Silence that ends a stretch."""
SHORTEST_S = 0.25
"""A shorter stretch is a click or a cough."""
LONGEST_S = 4.0
"""A longer one is reported in parts, so that a talk is noticed while it goes on."""
JUMP_S = 0.2
"""A hole in the sound track this long starts anew."""


class SpeechObserver:
    """Follows the sound track of one source; 5 ms of CPU per second of sound."""

    def __init__(self) -> None:
        """Load the model. Raises BackendUnavailable."""
        self._model: Any = open_session(model_file("silero_vad", "data/silero_vad_16k_op15.onnx"))
        self._restart(0.0)

    def _restart(self, at_s: float) -> None:
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._at_s = at_s
        """Source clock at the first sample of ``_rest``."""
        self._start_s: float | None = None
        self._voiced_s = at_s
        self._scores: list[float] = []

    def hear(self, chunk: AudioChunk) -> tuple[Observation, ...]:
        """The stretches of speech that ended (or became long) in this chunk, oldest first."""
        found: list[Observation] = []
        expected = self._at_s + len(self._rest) / RATE
        if abs(chunk.pts_s - expected) > JUMP_S:
            found += self.finish()
            self._restart(chunk.pts_s)
        sound = np.concatenate([self._rest, chunk.samples.astype(np.float32) / 32768])
        used = len(sound) // WINDOW * WINDOW
        for at in range(0, used, WINDOW):
            found += self._step(self._probability(sound[at : at + WINDOW]))
        self._rest = sound[used:]
        return tuple(found)

    def finish(self) -> tuple[Observation, ...]:
        """The stretch that is still open, at the end of the sound."""
        return self._close()

    def _probability(self, window: FloatArray) -> float:
        sound = np.concatenate([self._context, window])[None]
        rate = np.array(RATE, np.int64)
        inputs = {"input": sound, "state": self._state, "sr": rate}
        (voice, self._state) = self._model.run(None, inputs)
        self._context = window[-CONTEXT:]
        return float(voice[0, 0])

    def _step(self, voice: float) -> tuple[Observation, ...]:
        began, self._at_s = self._at_s, self._at_s + WINDOW / RATE
        if self._start_s is None:
            if voice >= STARTS:
                self._start_s, self._voiced_s, self._scores = began, self._at_s, [voice]
            return ()
        if voice >= ENDS:
            self._voiced_s = self._at_s
            self._scores.append(voice)
        if self._at_s - self._voiced_s >= PAUSE_S:
            return self._close()
        if self._at_s - self._start_s < LONGEST_S:
            return ()
        part = self._close()
        self._start_s, self._voiced_s, self._scores = self._at_s, self._at_s, [voice]
        return part

    def _close(self) -> tuple[Observation, ...]:
        start_s, self._start_s = self._start_s, None
        if start_s is None or self._voiced_s - start_s < SHORTEST_S:
            return ()
        score = float(np.mean(self._scores))
        return (Observation(ObservationKind.SPEECH, "voice", min(1.0, score), start_s, self._voiced_s),)
