"""What the daemon tells the world while it runs: one frozen dataclass per kind of event.

The JSON form of each (``to_json`` in :mod:`perstream.jsonlines`) is a stable interface; it is
documented in docs/CLI.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from perstream.types import Evidence, Triplet


@dataclass(frozen=True, slots=True)
class Event:
    """Common to all events."""

    event: ClassVar[str] = ""
    at: datetime
    """UTC, when it happened."""
    source: str | None
    pts_s: float | None
    """On the source's clock, where there is one."""


@dataclass(frozen=True, slots=True)
class FrameDropped(Event):
    """Frames of a live source that nobody looked at; ``count`` since the last such event."""

    event: ClassVar[str] = "frame_dropped"
    reason: str
    """``behind`` (a newer frame replaced it), ``shed`` (let go under load), ``stuck`` (its perception hung),
    ``undecodable``, ``paused``."""
    count: int


@dataclass(frozen=True, slots=True)
class KeyframeKept(Event):
    """The sampler kept a frame and these things were perceived in it."""

    event: ClassVar[str] = "keyframe"
    reason: str
    motion: float
    scene: int
    seen: tuple[str, ...] = ()
    """Observations in words, for example ``text: PLATFORM 4``."""


@dataclass(frozen=True, slots=True)
class GateDecided(Event):
    """The remember gate looked at a keyframe."""

    event: ClassVar[str] = "gate"
    category: str
    score: float
    remembered: bool


@dataclass(frozen=True, slots=True)
class MemoryStored(Event):
    """A moment or a told fact is on disk."""

    event: ClassVar[str] = "memory"
    id: int
    caption: str
    category: str
    triplets: tuple[Triplet, ...]
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class ProactiveSaid(Event):
    """A word said unasked."""

    event: ClassVar[str] = "proactive"
    text: str
    evidence: tuple[Evidence, ...]
    why: str
    topic: str
    id: int = 0
    """Names the word when the owner gives feedback."""
    priority: int = 0
    """3 health and safety, 2 time-critical, 1 convenience."""


@dataclass(frozen=True, slots=True)
class GapRecorded(Event):
    """Part of a source's timeline has no pictures."""

    event: ClassVar[str] = "gap"
    reason: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """A source was paused or resumed."""

    event: ClassVar[str] = "paused"
    paused: bool


@dataclass(frozen=True, slots=True)
class ErrorRaised(Event):
    """A part failed; the daemon goes on."""

    event: ClassVar[str] = "error"
    kind: str
    """Class name of the error."""
    message: str


@dataclass(frozen=True, slots=True)
class AlertRaised(Event):
    """Something about the daemon itself needs its owner, or no longer does."""

    event: ClassVar[str] = "alert"
    rule: str
    """``source_gone``, ``disk_low``, ``budget``, ``latency``, ``backup_overdue``, ``stuck``, ``store_errors``,
    ``clock_jump``."""
    subject: str
    """What it is about, for example a source's name; may be empty."""
    text: str
    """One line that says what is wrong and what to do."""
    active: bool
    """False when it is over."""


@dataclass(frozen=True, slots=True)
class Redacted(Event):
    """Something was taken out before it was stored. It says what kind, never what."""

    event: ClassVar[str] = "redacted"
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Forgotten(Event):
    """Memories were forgotten: whoever shows one takes it away. It says nothing of what they said."""

    event: ClassVar[str] = "forgotten"
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Done(Event):
    """A source ended, or the daemon stopped watching it."""

    event: ClassVar[str] = "done"
    frames: int
    keyframes: int
    memories: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Frames not looked at, by reason."""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_rss_mb: float = 0.0
    video_s: float = 0.0
