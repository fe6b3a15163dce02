"""What a pipeline is made of: the parts that the house injects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from perstream.types import AudioChunk, Cue, Frame, Gap, Keyframe, Percept, SourceItem


class Source(Protocol):
    """Where pictures and sound come from."""

    @property
    def name(self) -> str:
        """What events and memories call it."""

    @property
    def live(self) -> bool:
        """True when it goes on whether or not somebody looks."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """Frames the source itself had to drop so far, by reason."""

    def stream(self) -> Iterator[SourceItem]:
        """Items in the order of time. Raises SourceError."""

    def close(self) -> None:
        """End ``stream``; callable from another thread, and twice."""


class Sampler(Protocol):
    """Chooses keyframes."""

    def offer(self, frame: Frame) -> tuple[Keyframe, ...]:
        """The keyframes that this frame decides."""

    def finish(self) -> tuple[Keyframe, ...]:
        """What was still being considered when the stream ended."""


class Perceiver(Protocol):
    """Turns keyframes and sound into percepts."""

    def see_all(self, keyframes: Sequence[Keyframe]) -> Sequence[Percept]:
        """What is in each of some keyframes, in their order; they are encoded together."""

    def hear(self, item: AudioChunk | Cue) -> Percept | None:
        """What is heard, when it is something new."""

    def finish(self) -> Percept | None:
        """What was heard last."""


class Sink(Protocol):
    """Where percepts go; called on the assistant thread only."""

    def see(self, percept: Percept) -> object:
        """Take in one percept."""

    def gap(self, gap: Gap) -> object:
        """Record that nothing was seen."""

    def finish(self, source: str) -> object:
        """Remember what is buffered of this source. Called at its end and at each pause."""


@dataclass(frozen=True)
class Parts:
    """The factories and the sink, the same for all sources."""

    make_sampler: Callable[[], Sampler]
    """Called again after every gap: a new stretch starts with a fresh sampler."""
    make_perceiver: Callable[[], Perceiver]
    """Called once per source, on the thread that perceives."""
    sink: Sink
    clock: Callable[[], datetime]
    """UTC now."""
    file_keyframes: int = 8
    """Keyframes of a file that may wait to be perceived."""
    live_keyframes: int = 2
    """Keyframes of a live source that may wait; a newer one replaces the oldest."""
    batch: int = 1
    """Keyframes that are perceived together when so many wait."""
    sounds: int = 256
    """Sound chunks, transcript lines and gaps that may wait."""
