"""The perceiver of one source: keyframes and sound in, percepts out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np

from perstream.config import PerceptionConfig
from perstream.errors import BackendUnavailable
from perstream.perception.codes import CodeObserver
from perstream.perception.color import ColorObserver
from perstream.perception.light import LightObserver
from perstream.perception.motion import MotionObserver
from perstream.perception.people import Known, PeopleObserver
from perstream.perception.place import PlaceObserver
from perstream.perception.reader import OnnxReader, Reader
from perstream.perception.recent import RecentSound
from perstream.perception.speech import RATE, SpeechObserver
from perstream.perception.text import TextObserver
from perstream.perception.transcript import heard
from perstream.perception.view import View
from perstream.types import AudioChunk, ByteArray, Cue, HalfArray, Keyframe, Observation, Percept, SampleArray, Withheld

WAIT_S = 1.5
"""What was heard waits this long for a keyframe to go with; transcript lines do not wait."""
SOUND_S = 10.0
"""Of the sound since the percept before, a percept carries this much at most."""
MAX_WAITING = 64
"""Heard observations kept before the first keyframe; the oldest go first."""

Encode = Callable[[Sequence[ByteArray]], list[HalfArray]]


class Observer(Protocol):
    """One sense: what it sees in a keyframe. It may remember the keyframes before."""

    def see(self, view: View) -> tuple[Observation, ...]:
        """Observations of this keyframe; empty is silence, never a statement."""


class Screen(Protocol):
    """Takes out what must not be kept, before anything is encoded or handed on."""

    def see(
        self, keyframe: Keyframe, observations: Sequence[Observation]
    ) -> tuple[Keyframe, tuple[Observation, ...], tuple[Withheld, ...]]:
        """The keyframe, what was perceived in it, and what is missing of that."""

    def hear(self, observations: Sequence[Observation]) -> tuple[tuple[Observation, ...], tuple[Withheld, ...]]:
        """What was heard, and what is missing of that."""


class Perceiver:
    """Runs the observers that the settings ask for and this machine can run.

    Not thread-safe: one source, one thread. ``unavailable`` holds (observer, reason) of those that
    were asked for and cannot run; the rest works without them.
    """

    def __init__(
        self,
        config: PerceptionConfig,
        encode: Encode,
        *,
        reader: Reader | None = None,
        keep_sound: bool = False,
        faces: Known | None = None,
        screen: Screen | None = None,
    ) -> None:
        """``encode`` is ``VisionEncoder.encode``; ``reader`` replaces the text models (tests).

        What leaves here went through ``screen`` first. ``faces`` tells those of a keyframe in which they were hidden before it came here. With
        ``keep_sound`` a percept carries the sound since the one before.

        Sets OpenCV to one thread for the process: pictures here are small, so its thread pool
        gains nothing and takes the cores that decode the video.
        """
        cv2.setNumThreads(1)
        self._encode = encode
        self.unavailable: dict[str, str] = {}
        self._observers: dict[str, Observer] = {}
        makers: dict[str, Callable[[], Observer]] = {
            "text": lambda: TextObserver(config, reader or OnnxReader()),
            "codes": CodeObserver,
            "people": lambda: PeopleObserver(faces),
            "color": ColorObserver,
            "light": LightObserver,
            "motion": MotionObserver,
            "place": PlaceObserver,
        }
        for name, make in makers.items():
            if getattr(config, name):
                try:
                    self._observers[name] = make()
                except BackendUnavailable as error:
                    self.unavailable[name] = str(error)
        self._speech: SpeechObserver | None = None
        if config.speech:
            try:
                self._speech = SpeechObserver()
            except BackendUnavailable as error:
                self.unavailable["speech"] = str(error)
        self._last: Percept | None = None
        self._waiting: list[Observation] = []
        self._screen = screen
        self._withheld: tuple[Withheld, ...] = ()
        """Of what waits."""
        self._sound = RecentSound(SOUND_S) if keep_sound else None

    def see(self, keyframe: Keyframe) -> Percept:
        """What is perceived in a keyframe, with what was heard since the one before."""
        return self.see_all([keyframe])[0]

    def see_all(self, keyframes: Sequence[Keyframe]) -> list[Percept]:
        """What is perceived in each keyframe, in their order; they are encoded together."""
        views = [View(keyframe) for keyframe in keyframes]
        seen = [[one for observer in self._observers.values() for one in observer.see(view)] for view in views]
        screened = [self._screened(*pair) for pair in zip(keyframes, seen, strict=True)]
        encoded = self._encode([np.ascontiguousarray(keyframe.rgb) for keyframe, _, _ in screened])
        percepts = []
        for (keyframe, observations, withheld), patches in zip(screened, encoded, strict=True):
            missing, heard_since = (*withheld, *self._withheld), self._heard()
            percept = Percept(
                keyframe, (*observations, *heard_since), patches, sound=self._take_sound(), withheld=missing
            )
            percepts.append(percept)
            self._last = percept
        return percepts

    def hear(self, item: AudioChunk | Cue) -> Percept | None:
        """Take sound or a transcript line in; a percept when something was said and waits for no keyframe.

        A transcript line comes out at once, with the last keyframe; a voice waits ``WAIT_S`` for a
        keyframe to go with. Before the first keyframe everything waits.
        """
        if isinstance(item, Cue):
            self._wait_for_keyframe(heard(item))
            return self._repeated() if self._waiting else None
        if self._sound is not None:
            self._sound.add(item)
        if self._speech is None:
            return None
        self._wait_for_keyframe(self._speech.hear(item))
        now_s = item.pts_s + len(item.samples) / RATE
        overdue = any(now_s - one.end_s >= WAIT_S for one in self._waiting)
        return self._repeated() if overdue else None

    def finish(self) -> Percept | None:
        """At the end of the source: what was heard and not given out yet, with the last keyframe."""
        if self._speech is not None:
            self._wait_for_keyframe(self._speech.finish())
        return self._repeated() if self._waiting else None

    def _screened(
        self, keyframe: Keyframe, observations: Sequence[Observation]
    ) -> tuple[Keyframe, tuple[Observation, ...], tuple[Withheld, ...]]:
        if self._screen is None:
            return keyframe, tuple(observations), ()
        return self._screen.see(keyframe, observations)

    def _wait_for_keyframe(self, observations: Sequence[Observation]) -> None:
        if self._screen is not None:
            observations, withheld = self._screen.hear(observations)
            self._withheld = (*self._withheld, *withheld)[-MAX_WAITING:]
        self._waiting = [*self._waiting, *observations][-MAX_WAITING:]

    def _heard(self) -> tuple[Observation, ...]:
        heard_since, self._waiting, self._withheld = tuple(self._waiting), [], ()
        return heard_since

    def _repeated(self) -> Percept | None:
        """The last keyframe again, with what was heard alone; None before the first."""
        if self._last is None:
            return None
        missing, heard_since = self._withheld, self._heard()
        last = self._last
        return Percept(last.keyframe, heard_since, last.patches, True, self._take_sound(), missing)

    def _take_sound(self) -> SampleArray | None:
        return self._sound.take() if self._sound is not None else None
