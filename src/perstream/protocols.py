"""The seams: what a swappable part must be able to do.

Every part of a backend is one of these; ``perstream.models.registry`` finds them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    Percept,
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
        """Say only what was perceived.

        ``cancelled`` is polled where stopping early is possible; Interrupted when it says so.
        """


class TripletExtractor(Protocol):
    """Words to edges of the graph."""

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = ...) -> tuple[Triplet, ...]:
        """Triplets of a perceived moment. Interrupted when ``cancelled`` says so."""

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        """Triplets of a sentence the owner said; the first person is ``I``."""


@dataclass(frozen=True, slots=True, eq=False)
class Visuals:
    """Stored patch vectors of one memory, as far as they were not given up."""

    mean: HalfArray | None
    """v_mean [rows * columns, dimension]."""
    nearest: HalfArray | None
    """v_nearest [rows * columns, dimension]."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """A question with what recall found for it."""

    question: str
    hits: tuple[Hit, ...]
    now: datetime
    question_vectors: TextVectors
    visuals: Mapping[int, Visuals] = field(default_factory=dict)
    """By memory id; empty unless the backend looks back."""
    view: tuple[Percept, ...] = ()
    """The short-term queue of the source in use, oldest first; empty unless the backend looks back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a generator makes of it."""

    text: str | None
    """None when the memories do not hold an answer."""
    memory_ids: tuple[int, ...] = ()
    """The memories it rests on, best first; empty only when ``text`` is None or it rests on the view."""
    confidence: float = 0.0
    rests_on_view: bool = False
    """It (also) rests on what is in view now, which is no memory yet."""


@dataclass(frozen=True, slots=True)
class ProactiveRequest:
    """What is in view now, and what memory holds about it."""

    observations: tuple[Observation, ...]
    """Merged over the current scene; the newest evidence counts."""
    hits: tuple[Hit, ...]
    """Told facts and earlier memories that recall connects with the view, best first."""
    now: datetime
    category: str
    visuals: Mapping[int, Visuals] = field(default_factory=dict)
    """By memory id; empty unless the backend looks back."""
    view: tuple[Percept, ...] = ()
    """The short-term queue, oldest first; empty unless the backend looks back."""


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
    asked_for: bool = False
    """The owner asked for this word at this very time: neither quiet hours nor the budget hold it back."""


class Generator(Protocol):
    """Answers and proactive words."""

    def answer(
        self,
        request: AnswerRequest,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Answer:
        """Answer from the hits alone; ``say`` receives the text piece by piece as it is made."""

    def propose(self, request: ProactiveRequest, cancelled: Callable[[], bool] = ...) -> tuple[Proposal, ...]:
        """Words worth saying now, the most urgent first; empty is silence.

        When ``cancelled`` says so, those that are found without a model.
        """


class Adapters(Protocol):
    """LoRA adapters of a backend that has any: switched while it runs."""

    @property
    def names(self) -> tuple[str, ...]:
        """Loaded ones."""

    @property
    def active(self) -> str | None:
        """The one in use; None is the model as it came."""

    def load(self, name: str, path: str) -> None:
        """Load one beside the others. BackendUnavailable for a missing folder or an adapter of another model."""

    def use(self, name: str | None) -> None:
        """Switch, or with None go back to the model as it came. NotFound for an unknown name."""

    def unload(self, name: str) -> None:
        """Let one go. NotFound for an unknown name."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What left this process for a model server, by kind of call."""

    server: str
    """Scheme, host and port; never a key."""
    model: str
    kind: str
    """``caption``, ``triplets``, ``answer`` or ``proactive``."""
    calls: int
    failed: int
    refused: int
    """Calls not made because the hourly budget was spent."""
    bytes_sent: int
    tokens_in: int
    tokens_out: int
    pictures: int
    sounds: int = 0
    estimated: int = 0
    """Calls whose tokens were guessed from lengths, because the server did not count them."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One bundle of model parts."""

    name: str
    vision: VisionEncoder
    captioner: Captioner
    triplets: TripletExtractor
    embedder: TextEmbedder
    generator: Generator
    project: Callable[[HalfArray], FloatArray] | None = None
    """Patch vectors [n, vision.dimension] to the embedder's space [n, embedder.dimension], L2-normalised (the
    projection MLP); None when there is no trained one, and then the gate judges by what was perceived in words."""
    looks_back: bool = False
    """Its generator takes stored patch vectors and the short-term queue."""
    batch: int = 1
    """Keyframes that its vision takes together to advantage."""
    hears: bool = False
    """Its captioner takes the sound of a moment."""
    slow: bool = False
    """A caption takes long: a question does not wait for the moment in the making but interrupts it."""
    adapters: Adapters | None = None
    sent: Callable[[], tuple[Sent, ...]] = tuple
    """What went to model servers so far."""
    spent: Callable[[], float] = lambda: 0.0
    """Share of this hour's budget for model servers that is used up, 0 to 1; what is kept for questions is not in it."""
    fell_back: Callable[[], Mapping[str, int]] = dict
    """How often a builtin part stood in for a model's, by part and reason."""
    notes: tuple[str, ...] = ()
    """How it was chosen and what it fell back from, one line each."""
    close: Callable[[], None] = lambda: None
