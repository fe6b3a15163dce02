"""The perceiver: observers as asked for, percepts for pictures and for what is heard."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from perception_world import crop, keyframe, room, texture

from perstream.config import PerceptionConfig
from perstream.errors import BackendUnavailable
from perstream.perception import perceiver as module
from perstream.perception import sessions
from perstream.perception.capabilities import capabilities
from perstream.perception.perceiver import Perceiver
from perstream.types import AudioChunk, Cue, Observation, ObservationKind

OFF = dict.fromkeys(("text", "codes", "people", "color", "light", "motion", "place", "speech"), False)


def encode(pictures):
    return [np.full((4, 2), picture.mean(), np.float16) for picture in pictures]


def make(reader=None, **on):
    return Perceiver(PerceptionConfig(**{**OFF, **on}), encode, reader=reader)


class SilentReader:
    def regions(self, picture, side, min_score):
        return []

    def words(self, picture, region, *, upside_down=False):
        return "", 0.0


class ScriptedSpeech:
    """Says that a voice ended at the end of every chunk that is not silent."""

    def hear(self, chunk):
        if not chunk.samples.any():
            return ()
        end_s = chunk.pts_s + len(chunk.samples) / 16_000
        return (Observation(ObservationKind.SPEECH, "voice", 0.9, chunk.pts_s, end_s),)

    def finish(self):
        return ()


def sound(at, level=0, seconds=0.5):
    return AudioChunk("cam", at, np.full(int(16_000 * seconds), level, np.int16))


def test_all_observers_together():
    perceiver = make(SilentReader(), **dict.fromkeys(OFF, True))
    wall = room(2)
    first = perceiver.see(keyframe(crop(wall, 800, 450), 0.0))
    second = perceiver.see(keyframe(crop(wall, 880, 450), 0.5, "motion"))
    assert perceiver.unavailable == {}
    assert not first.repeated and first.patches.shape == (4, 2)
    kinds = {one.kind for one in second.observations}
    assert {ObservationKind.COLOR, ObservationKind.MOTION} <= kinds
    assert "turning right" in [one.text for one in second.observations]


def test_everything_off_perceives_nothing():
    percept = make().see(keyframe(texture(1)))
    assert percept.observations == ()


def test_a_transcript_line_comes_at_once_with_the_last_keyframe():
    perceiver = make()
    seen = perceiver.see(keyframe(texture(1), 1.0))
    percept = perceiver.hear(Cue("cam", 4.0, 5.0, "The train leaves from platform 4.", "Ben"))
    assert percept.repeated and percept.keyframe is seen.keyframe and percept.patches is seen.patches
    assert [(one.text, one.speaker) for one in percept.observations] == [("The train leaves from platform 4.", "Ben")]
    assert perceiver.finish() is None


def test_before_the_first_keyframe_it_waits():
    perceiver = make()
    assert perceiver.hear(Cue("cam", 0.0, 1.0, "Good morning.")) is None
    percept = perceiver.see(keyframe(texture(1), 0.5))
    assert not percept.repeated
    assert [one.text for one in percept.observations] == ["Good morning."]


def test_a_voice_goes_with_the_next_keyframe_or_after_a_while_alone(monkeypatch):
    monkeypatch.setattr(module, "SpeechObserver", ScriptedSpeech)
    perceiver = make(speech=True)
    perceiver.see(keyframe(texture(1), 0.0))
    assert perceiver.hear(sound(0.0, 100)) is None
    assert [one.text for one in perceiver.see(keyframe(texture(2), 1.0)).observations] == ["voice"]
    assert perceiver.hear(sound(1.0, 100)) is None
    heard = [perceiver.hear(sound(1.5 + 0.5 * step)) for step in range(4)]
    (percept,) = [one for one in heard if one is not None]
    assert percept is heard[2] and percept.repeated  # 1.5 s after the voice ended
    assert [one.end_s for one in percept.observations] == [1.5]


def test_finish_gives_out_what_waits(monkeypatch):
    monkeypatch.setattr(module, "SpeechObserver", ScriptedSpeech)
    perceiver = make(speech=True)
    perceiver.see(keyframe(texture(1), 0.0))
    perceiver.hear(sound(0.0, 100))
    assert [one.text for one in perceiver.finish().observations] == ["voice"]
    assert perceiver.finish() is None


def test_without_a_picture_nothing_is_given_out():
    perceiver = make()
    for at in range(200):
        assert perceiver.hear(Cue("cam", float(at), at + 1.0, f"line {at}")) is None
    assert perceiver.finish() is None
    kept = perceiver.see(keyframe(texture(1), 200.0)).observations
    assert (len(kept), kept[-1].text) == (64, "line 199")


def test_a_missing_package_switches_one_observer_off_and_says_why(monkeypatch):
    def missing(package):
        if package in ("silero_vad", "rapidocr"):
            raise BackendUnavailable(f"the package {package} is not installed: pip install {package}")
        return real(package)

    real = sessions.package_folder
    monkeypatch.setattr(sessions, "package_folder", missing)
    perceiver = make(speech=True, text=True, color=True)
    assert sorted(perceiver.unavailable) == ["speech", "text"]
    assert "pip install" in perceiver.unavailable["speech"]
    assert perceiver.see(keyframe(texture(1))).observations
    assert perceiver.hear(sound(0.0, 100)) is None
    found = {one.name: one for one in capabilities()}
    assert not found["speech"].available and "silero_vad" in found["speech"].reason
    assert found["color"].available


def test_capabilities_name_every_observer():
    found = capabilities()
    assert [one.name for one in found] == list(OFF)
    assert all(one.available and one.reason for one in found)


def test_a_package_without_its_model_is_unavailable():
    with pytest.raises(BackendUnavailable, match="carries no"):
        sessions.model_file("rapidocr", "models/*_no_such_model.onnx")


def test_nothing_heavy_is_loaded_that_is_not_asked_for():
    code = """
import sys
from perstream.config import PerceptionConfig
from perstream.perception.perceiver import Perceiver
Perceiver(PerceptionConfig(text=False, speech=False), lambda p: [])
assert "onnxruntime" not in sys.modules
Perceiver(PerceptionConfig(), lambda p: [])
assert "onnxruntime" in sys.modules
assert not {"rapidocr", "silero_vad", "torch"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_keyframes_are_encoded_together_and_keep_their_order():
    calls = []

    def counting(pictures):
        calls.append(len(pictures))
        return encode(pictures)

    perceiver = Perceiver(PerceptionConfig(**OFF), counting)
    percepts = perceiver.see_all([keyframe(texture(n), float(n)) for n in range(3)])
    assert calls == [3]
    assert [p.keyframe.pts_s for p in percepts] == [0.0, 1.0, 2.0]
    assert [p.patches[0, 0] for p in percepts] == [np.float16(p.keyframe.rgb.mean()) for p in percepts]


def test_sound_goes_with_the_next_keyframe_and_only_where_it_is_wanted():
    hearing = Perceiver(PerceptionConfig(**OFF), encode, keep_sound=True)
    assert hearing.see(keyframe(texture(1), 0.0)).sound is None
    hearing.hear(sound(0.0, 5))
    hearing.hear(sound(0.5, 7))
    taken = hearing.see(keyframe(texture(2), 1.0)).sound
    assert taken.dtype == np.int16 and len(taken) == 16_000
    assert (taken[0], taken[-1]) == (5, 7)
    assert hearing.see(keyframe(texture(3), 1.5)).sound is None
    deaf = make()
    deaf.hear(sound(0.0, 5))
    assert deaf.see(keyframe(texture(1), 1.0)).sound is None


@pytest.mark.parametrize("seconds", [0.1, 0.5, 30.0])
def test_of_long_sound_the_newest_is_kept(seconds):
    hearing = Perceiver(PerceptionConfig(**OFF), encode, keep_sound=True)
    for n in range(int(40 / seconds)):
        hearing.hear(sound(n * seconds, n % 100, seconds))
    taken = hearing.see(keyframe(texture(1), 41.0)).sound
    assert len(taken) == (10 * 16_000)
    assert taken[-1] == (int(40 / seconds) - 1) % 100
