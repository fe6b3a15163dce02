"""Transcript: lines of a side-car or embedded subtitle as observations. Untrusted text."""

from __future__ import annotations

import html
import re

from perstream.types import Cue, Observation, ObservationKind

MAX_CHARS = 500
"""Longest line kept."""
MAX_SPEAKER_CHARS = 60
_TAGS = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
"""WebVTT and SubRip mark-up, and ASS overrides such as {\\an8}."""


def heard(cue: Cue) -> tuple[Observation, ...]:
    """The cue as one observation without mark-up; nothing when no words are left."""
    text = _plain(cue.text, MAX_CHARS)
    if not any(letter.isalnum() for letter in text):
        return ()
    speaker = _plain(cue.speaker or "", MAX_SPEAKER_CHARS) or None
    end_s = max(cue.start_s, cue.end_s)
    return (Observation(ObservationKind.TRANSCRIPT, text, 1.0, cue.start_s, end_s, speaker=speaker),)


def _plain(text: str, limit: int) -> str:
    words = html.unescape(_TAGS.sub("", text[: 4 * limit]))
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:limit]
