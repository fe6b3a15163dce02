"""The seams: what a swappable part must be able to do.

Every part of a backend is one of these; ``perstream.models.registry`` finds them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from perstream.types import (
    ByteArray,
    Caption,
    FloatArray,
    HalfArray,
    Hit,
    Moment,
    Observation,
    TextVectors,
    Triplet,
)


class TextEmbedder(Protocol):
    """Text to vectors."""

    @property
    def dimension(self) -> int:
        """Length of a vector; 384 for all-MiniLM-L6-v2."""

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Pooled vectors [n, dimension], L2-normalised. Long texts are cut at the model's limit."""

    def embed_tokens(self, text: str) -> TextVectors:
        """Pooled and token vectors of one text."""


class VisionEncoder(Protocol):
    """Pictures to patch vectors."""

    @property
    def dimension(self) -> int:
        """Length of one patch vector; 3584 for Qwen2.5-Omni-7B."""

    def encode(self, pictures: Sequence[ByteArray]) -> list[HalfArray]:
        """For each RGB picture [h, w, 3] its patch vectors [rows * columns, dimension]."""


class Captioner(Protocol):
    """A moment in words."""

    def caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        """Say only what was perceived. ``cancelled`` is polled where stopping early is possible."""


class TripletExtractor(Protocol):
    """Words to edges of the graph."""

    def of_caption(self, caption: Caption) -> tuple[Triplet, ...]:
        """Triplets of a perceived moment."""

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        """Triplets of a sentence the owner said; the first person is ``I``."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """A question with what recall found for it."""

    question: str
    hits: tuple[Hit, ...]
    now: datetime
    question_vectors: TextVectors


@dataclass(frozen=True, slots=True)
class Answer:
    """What a generator makes of it."""

    text: str | None
    """None when the memories do not hold an answer."""
    memory_ids: tuple[int, ...] = ()
    """The memories it rests on, best first; empty only when ``text`` is None."""
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class ProactiveRequest:
    """What is in view now, and what memory holds about it."""

    observations: tuple[Observation, ...]
    """Merged over the current scene; the newest evidence counts."""
    hits: tuple[Hit, ...]
    """Told facts and earlier memories that recall connects with the view, best first."""
    now: datetime
    category: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word that could be said; the policy decides whether it is."""

    text: str
    why: str
    topic: str
    memory_ids: tuple[int, ...]
    priority: int
    """3 health and safety, 2 time-critical, 1 convenience."""
    confidence: float


class Generator(Protocol):
    """Answers and proactive words."""

    def answer(
        self,
        request: AnswerRequest,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Answer:
        """Answer from the hits alone; ``say`` receives the text piece by piece as it is made."""

    def propose(self, request: ProactiveRequest) -> tuple[Proposal, ...]:
        """Words worth saying now, the most urgent first; empty is silence."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One bundle of model parts."""

    name: str
    vision: VisionEncoder
    captioner: Captioner
    triplets: TripletExtractor
    embedder: TextEmbedder
    generator: Generator
