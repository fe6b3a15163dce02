"""Pictures and sound as a chat request carries them: JPEG and WAV in base64."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np

from perstream.types import ByteArray, SampleArray

MAX_SIDE = 768
"""Longer side of a sent picture, pixels: text on signs stays legible, and no server makes more than ~800 tokens of it."""
QUALITY = 85
RATE = 16_000
MAX_SOUND_S = 30
_PATCH = 28
"""Pixels that vision language models of the Qwen family make one token of; a fair guess for others."""
_SOUND_TOKENS_PER_S = 25


def jpeg(rgb: ByteArray) -> tuple[str, int]:
    """A picture [h, w, 3] as (data URI, guessed tokens), its longer side at most MAX_SIDE pixels."""
    from PIL import Image  # late: slow to import, and a text-only server needs none

    picture = Image.fromarray(np.ascontiguousarray(rgb))
    if max(picture.size) > MAX_SIDE:
        picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    tokens = -(-picture.width // _PATCH) * -(-picture.height // _PATCH)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii"), tokens


def wav(samples: SampleArray) -> tuple[str, int]:
    """Mono 16 kHz int16 [n] as (base64 of a WAV file, guessed tokens); only the latest MAX_SOUND_S seconds."""
    samples = samples[-MAX_SOUND_S * RATE :]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    tokens = -(-len(samples) * _SOUND_TOKENS_PER_S // RATE)
    return base64.b64encode(out.getvalue()).decode("ascii"), tokens
