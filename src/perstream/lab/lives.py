"""A dataset as lives: what one person's memory is given, in order of time, and what is asked about it.

Text-only datasets have no pictures, and without them a memory has two of its four parts only. So each memory
gets a v_mean and a v_nearest of the builtin encoder's true shape (8 x 8 patches of 17 numbers, fp16): drawn at
random from the memory's text, and never searched with. They weigh what real ones weigh; they say nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import numpy as np

from perstream.errors import ConfigError
from perstream.lab.drivenact import SILENCE, Sample, is_samples, read_samples
from perstream.lab.eval_recall import read_dataset, turn_memories
from perstream.lab.kit.cases import Case, case_of
from perstream.lab.locomo import ADVERSARIAL, Conversation, is_locomo, read_locomo
from perstream.memory.phrasing import embedding_text
from perstream.models.builtin_vision import BuiltinVision
from perstream.protocols import TextEmbedder
from perstream.types import HalfArray, NewMemory, Provenance

POOL_SIZE = 8
FIRST_DAY = datetime(2024, 1, 1, 8, tzinfo=timezone.utc)
"""Dataset records have no dates: a person's samples are put a day apart, in the order they were filmed."""
_RESPONSE = "</response>"

__all__ = ["Life", "LifeMoment", "LifeQuestion", "read_dataset", "read_lives"]


@dataclass(frozen=True, slots=True)
class LifeQuestion:
    """One question with an answer."""

    text: str
    answer: str
    golds: frozenset[int]
    """Places in the life's memories of those that hold the answer; never empty."""


@dataclass(frozen=True, slots=True)
class LifeMoment:
    """One scene at which a word may be due."""

    case: Case
    after: int
    """So many of the life's memories have come when it has all that its sample knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """One person (records) or one conversation (LoCoMo)."""

    name: str
    news: tuple[NewMemory, ...]
    """In order of time."""
    questions: tuple[LifeQuestion, ...]
    moments: tuple[LifeMoment, ...] = ()

    def ends(self, periods: int) -> list[int]:
        """How many memories have come by the end of each period; periods hold equally many."""
        return [round(len(self.news) * (i + 1) / periods) for i in range(periods)]

    def now(self, count: int) -> datetime:
        """When it is asked about the first ``count`` memories: the day after the last of them."""
        return (self.news[count - 1].ended_at if count else FIRST_DAY) + timedelta(days=1)


def read_lives(data: object, embedder: TextEmbedder) -> tuple[str, tuple[Life, ...]]:
    """The format (``locomo`` or ``records``) and all lives of a dataset's JSON. Raises ConfigError."""
    if is_locomo(data):
        lives = [_of_conversation(c, embedder) for c in read_locomo(data)]  # type: ignore[arg-type]
        return "locomo", tuple(lives)
    if is_samples(data):
        people: dict[int, list[tuple[int, Sample]]] = {}
        for i, sample in enumerate(read_samples(data)):  # type: ignore[arg-type]
            people.setdefault(sample.participant, []).append((i, sample))
        return "records", tuple(_of_person(str(who), samples, embedder) for who, samples in people.items())
    raise ConfigError("the dataset is neither a list of dataset records nor LoCoMo: see docs/DATASET.md")


def _of_conversation(conversation: Conversation, embedder: TextEmbedder) -> Life:
    order = sorted(range(len(conversation.turns)), key=lambda i: (conversation.turns[i].at, i))
    place = {conversation.turns[i].key: n for n, i in enumerate(order)}
    told = turn_memories(conversation, embedder)
    questions = [
        LifeQuestion(asked.text, asked.answer, frozenset(place[key] for key in asked.evidence))
        for asked in conversation.questions
        if asked.evidence and asked.answer and asked.category != ADVERSARIAL
    ]
    return Life(conversation.name, tuple(_pictured(told[i]) for i in order), tuple(questions))


def _of_person(name: str, numbered: Sequence[tuple[int, Sample]], embedder: TextEmbedder) -> Life:
    samples = [sample for _, sample in numbered]
    places: dict[str, int] = {}
    news: list[NewMemory] = []
    for day, sample in enumerate(sorted(samples, key=lambda s: (s.video, s.timestamp_s))):
        for text in sample.memories:
            if text not in places:
                places[text] = len(news)
                at = FIRST_DAY + timedelta(days=day, minutes=len(news))
                news.append(_pictured(_told(text, at, embedder)))
    questions = [
        LifeQuestion(s.question, _answer(s), frozenset(places[text] for text in s.golds))
        for s in samples
        if s.passive and s.question and s.golds and _answer(s)
    ]
    moments = [
        LifeMoment(case_of(i, name, s), max((places[text] + 1 for text in s.memories), default=0))
        for i, s in numbered
        if not s.passive
    ]
    return Life(name, tuple(news), tuple(questions), tuple(moments))


def _answer(sample: Sample) -> str:
    return "" if SILENCE in sample.answer else sample.answer.replace(_RESPONSE, "").strip()


def _told(text: str, at: datetime, embedder: TextEmbedder) -> NewMemory:
    vectors = embedder.embed_tokens(embedding_text(text))
    return NewMemory(text, "notes", Provenance.TOLD, at, at, vectors)


def _pictured(new: NewMemory) -> NewMemory:
    rng = np.random.default_rng(zlib.crc32(new.text.encode("utf-8", "replace")))
    return replace(new, mean_vector=_patches(rng), nearest_vector=_patches(rng))


def _patches(rng: np.random.Generator) -> HalfArray:
    """Patch vectors [64, 17] of length 1 together, as the builtin encoder's are."""
    drawn = rng.standard_normal((POOL_SIZE**2, BuiltinVision.dimension))
    return np.asarray(drawn / np.linalg.norm(drawn), np.float16)
