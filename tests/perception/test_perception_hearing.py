"""Voice activity on made-up sound, and transcript lines.

The voice is synthetic (a buzzing source through three formants, syllables of 0.2 s): it shows that
the observer follows a voice-like sound and ignores silence, noise, tones and clicks. How well it
does on people is not shown here.
"""

from __future__ import annotations

import numpy as np
import pytest

from perstream.perception.speech import RATE, SpeechObserver
from perstream.perception.transcript import heard
from perstream.types import AudioChunk, Cue, ObservationKind


def voice(seconds, seed=0):
    """A vowel-like buzz in syllables, int16 at 16 kHz."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * t) + 6 * np.sin(2 * np.pi * 5 * t)
    buzz = np.zeros(len(t))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    vowels = np.array([[700, 1200, 2600], [300, 2300, 3000], [400, 800, 2600], [500, 1800, 2500]])
    formants = vowels[(t / 0.2).astype(int) % 4]
    for harmonic in range(1, 30):
        frequency = harmonic * pitch
        gain = sum(np.exp(-(((frequency - formants[:, i]) / (90 + 60 * i)) ** 2)) / (1 + i) for i in range(3))
        buzz += (gain + 0.02) * np.sin(harmonic * phase)
    syllables = 0.15 + 0.85 * np.clip(np.sin(2 * np.pi * 2.5 * t) + 0.6, 0, 1)
    return _pcm(0.12 * buzz * syllables + rng.normal(0, 0.002, len(t)))


def _pcm(sound):
    return np.clip(sound * 32767, -32768, 32767).astype(np.int16)


def silence(seconds):
    return np.zeros(int(seconds * RATE), np.int16)


def hear(sound, start_s=0.0, chunk=1600):
    observer, found = SpeechObserver(), []
    for at in range(0, len(sound), chunk):
        found += observer.hear(AudioChunk("cam", start_s + at / RATE, sound[at : at + chunk]))
    return [*found, *observer.finish()]


@pytest.mark.parametrize(
    "sound",
    [
        silence(3),
        _pcm(np.random.default_rng(0).normal(0, 0.1, 3 * RATE)),
        _pcm(0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)),
        _pcm(np.where(np.arange(3 * RATE) % 8000 == 0, 0.9, 0.0)),
    ],
    ids=["silence", "noise", "tone", "clicks"],
)
def test_what_is_no_voice(sound):
    assert hear(sound) == []


@pytest.mark.parametrize("chunk", [160, 1600, 7777])
def test_a_voice_between_silences_has_its_time(chunk):
    (seen,) = hear(np.concatenate([silence(1.0), voice(2.0), silence(1.5)]), 10.0, chunk)
    assert seen.kind is ObservationKind.SPEECH
    assert seen.start_s == pytest.approx(11.0, abs=0.3)
    assert seen.end_s == pytest.approx(13.0, abs=0.3)
    assert seen.score > 0.5


def test_a_long_talk_is_reported_in_parts_while_it_goes_on():
    parts = hear(voice(9.0))
    assert len(parts) == 3
    assert all(0 < part.end_s - part.start_s <= 4.1 for part in parts)


def test_a_hole_in_the_sound_ends_a_stretch():
    observer = SpeechObserver()
    assert observer.hear(AudioChunk("cam", 0.0, voice(1.0))) == ()
    (seen,) = observer.hear(AudioChunk("cam", 5.0, silence(0.5)))
    assert seen.end_s < 1.1


def test_an_empty_chunk():
    assert SpeechObserver().hear(AudioChunk("cam", 0.0, silence(0))) == ()


def test_a_transcript_line_keeps_its_words_speaker_and_time():
    (seen,) = heard(Cue("cam", 1.0, 2.5, "<i>See you</i> on\nFriday &amp; bring milk{\\an8}", "Anna"))
    assert (seen.kind, seen.text, seen.speaker) == (
        ObservationKind.TRANSCRIPT,
        "See you on Friday & bring milk",
        "Anna",
    )
    assert (seen.start_s, seen.end_s, seen.score) == (1.0, 2.5, 1.0)


@pytest.mark.parametrize("text", ["", "   ", "♪ ♪", "<b></b>", "..."])
def test_a_line_without_words_is_nothing(text):
    assert heard(Cue("cam", 0.0, 1.0, text)) == ()


def test_a_transcript_line_is_bounded_and_its_span_ordered():
    (seen,) = heard(Cue("cam", 5.0, 1.0, "x" * 100_000, "n" * 1000))
    assert (len(seen.text), len(seen.speaker), seen.end_s) == (500, 60, 5.0)
