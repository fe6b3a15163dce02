"""Sound as an audio tower takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perstream.errors import BackendError
from perstream.models.omni.loaded import Loaded
from perstream.types import SampleArray

RATE = 16_000
SHORTEST = RATE // 10
"""Less than this is filled up with silence: the tower needs a few frames."""
LONGEST_S = 60
"""Of longer stretches the newest are heard: 25 tokens a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Mel:
    """One stretch of sound, prepared."""

    features: Any
    """Log-mel tensor [bins, frames], float32."""
    tokens: int
    """Places it takes in a prompt."""

    @property
    def frames(self) -> int:
        """Ten milliseconds each."""
        return int(self.features.shape[1])


def prepare_sound(loaded: Loaded, samples: SampleArray) -> Mel:
    """Log-mel features of mono 16 kHz int16 samples [n], n > 0. CPU work: needs no lock."""
    if samples.ndim != 1 or samples.dtype != np.int16 or not len(samples):
        raise BackendError(f"sound must be int16 samples [n] with n > 0, not {samples.dtype} {list(samples.shape)}")
    extractor = loaded.processor.feature_extractor
    most = min(LONGEST_S * RATE, extractor.n_samples - extractor.n_fft)
    wave = samples[-most:].astype(np.float32) / 32768
    wave = np.pad(wave, (0, max(0, SHORTEST - len(wave))))
    heard = -(-len(wave) // extractor.hop_length)
    # A window of silence behind, as the model's own processor leaves it: else the end is mirrored into the last frames.
    wave = np.pad(wave, (0, extractor.n_fft))
    found = extractor(wave, sampling_rate=RATE, padding="longest", return_tensors="pt")
    return Mel(found["input_features"][0, :, :heard].float(), audio_tokens(heard))


def audio_tokens(frames: int) -> int:
    """Tokens for that many frames: a convolution of stride two, then a pooling of two (the audio tower's own rule)."""
    return ((frames - 1) // 2 + 1 - 2) // 2 + 1


def sound_inputs(loaded: Loaded, sounds: Sequence[Mel]) -> dict[str, Any]:
    """Keyword arguments of the model for these sounds, in the order of their places in the prompt."""
    import torch

    if not sounds:
        return {}
    longest = max(sound.frames for sound in sounds)
    features = torch.zeros(len(sounds), sounds[0].features.shape[0], longest)
    mask = torch.zeros(len(sounds), longest, dtype=torch.long)
    for row, sound in enumerate(sounds):
        features[row, :, : sound.frames] = sound.features
        mask[row, : sound.frames] = 1
    return {
        "input_features": features.to(loaded.device, loaded.model.dtype),
        "feature_attention_mask": mask.to(loaded.device),
    }
