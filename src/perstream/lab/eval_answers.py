"""Evaluation of answers: asked what a dataset asks, does the assistant answer it, and refuse what it cannot know?

The same two formats, stores and pools as :mod:`perstream.lab.eval_recall`; the same recall, answerer and number of
memories read as every question of a user. Gold answers are free text, so word overlap is a lower bound of being right.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from perstream.assistant.passive import PassiveAnswerer
from perstream.config import Config
from perstream.errors import ConfigError
from perstream.lab.answer_scores import AnswerEvaluation, Outcome, score_answers, score_refusals
from perstream.lab.drivenact import RESPONSE, SILENCE, Sample, is_samples, read_samples
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.eval_recall import POOLS, memory_of, pool_key, read_dataset, speakers, told_memory, turn_memories
from perstream.lab.locomo import ADVERSARIAL, Conversation, is_locomo, read_locomo
from perstream.memory.memory import Memory
from perstream.models.builtin import BuiltinGenerator
from perstream.models.builtin_caption import BuiltinCaptioner
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.models.builtin_vision import BuiltinVision
from perstream.models.text import sentences
from perstream.protocols import Backend, TextEmbedder
from perstream.types import Query


def evaluate_answers(
    dataset: Path,
    pool: str = "sample",
    embedder: TextEmbedder | None = None,
    *,
    cache: Path | None = None,
    config: Config | None = None,
) -> AnswerEvaluation:
    """Measure answers on a dataset file; ``pool``, ``embedder`` and ``cache`` are those of ``evaluate_recall``.

    Raises NotFound for a missing file, ConfigError for one that cannot be used.
    """
    if pool not in POOLS:
        raise ConfigError(f"no pool {pool!r}: sample, participant or all")
    data = read_dataset(dataset)
    if embedder is None:
        from perstream.models.minilm import MiniLM

        embedder = MiniLM()
    with CachedEmbedder(embedder, cache) as cached:
        if is_locomo(data):
            return _locomo(read_locomo(data), cached, config or Config())
        if is_samples(data):
            return _samples(read_samples(data), pool, cached, config or Config())
    raise ConfigError(f"{dataset} is neither a list of dataset records nor LoCoMo: see docs/DATASET.md")


class _House:
    """One store that is asked, as a user would; and what a plain baseline says to the same question."""

    def __init__(
        self, memory: Memory, places: Mapping[int, int], now: datetime, embedder: CachedEmbedder, config: Config
    ) -> None:
        backend = Backend(
            name="builtin",
            vision=BuiltinVision(config.moment.pool_size),
            captioner=BuiltinCaptioner(),
            triplets=GrammarTriplets(),
            embedder=embedder,
            generator=BuiltinGenerator(embedder, config.backend.answer_threshold),
        )
        self._memory, self._places, self._now, self._embedder = memory, places, now, embedder
        self._passive = PassiveAnswerer(memory, backend, config.memory)

    def ask(self, question: str, gold: str | None, category: str, golds: frozenset[int]) -> Outcome:
        """The shipped answer."""
        reply = self._passive.ask(question, self._now, lambda _: None, lambda: False)
        if reply.abstained:
            return Outcome(gold, None, category, None, reply.timings_ms["total"])
        named = {self._places[item.memory_id] for item in reply.evidence}
        on_gold = bool(named & golds) if golds else None
        return Outcome(gold, reply.answer, category, on_gold, reply.timings_ms["total"])

    def top_sentence(self, question: str, gold: str | None, category: str, golds: frozenset[int]) -> Outcome:
        """Baseline: of the memory found first, the sentence closest to the question; it never refuses."""
        vectors = self._embedder.embed_tokens(self._memory.to_embed(question))
        hits = self._memory.recall(Query(text=question, vectors=vectors, now=self._now, k=1))
        if not hits:
            return Outcome(gold, None, category)
        said = sentences(hits[0].memory.text) or [hits[0].memory.text]
        best = int(np.argmax(self._embedder.embed(said) @ vectors.pooled))
        return Outcome(gold, said[best], category, self._places[hits[0].memory.id] in golds if golds else None)


def _locomo(conversations: Sequence[Conversation], embedder: CachedEmbedder, config: Config) -> AnswerEvaluation:
    ours: list[Outcome] = []
    plain: list[Outcome] = []
    adversarial: list[Outcome] = []
    elsewhere: list[Outcome] = []
    count = 0
    for i, here in enumerate(conversations):
        count += len(here.turns)
        with memory_of(turn_memories(here, embedder), embedder, config.memory) as (memory, places):
            house = _House(memory, places, here.now, embedder, config)
            for asked in here.questions:
                if asked.category == ADVERSARIAL:
                    adversarial.append(house.ask(asked.text, None, ADVERSARIAL, frozenset()))
                elif asked.answer:
                    golds = frozenset(n for n, turn in enumerate(here.turns) if turn.key in asked.evidence)
                    ours.append(house.ask(asked.text, asked.answer, asked.category, golds))
                    plain.append(house.top_sentence(asked.text, asked.answer, asked.category, golds))
            for question in _of_others(here, conversations[i - 1]) if len(conversations) > 1 else ():
                elsewhere.append(house.ask(question, None, "never seen", frozenset()))
    return _evaluation(
        "locomo", "conversation", count, ours, plain, {"adversarial": adversarial, "never_seen": elsewhere}
    )


def _of_others(here: Conversation, there: Conversation) -> list[str]:
    """Another conversation's questions, put to the people of this one."""
    names = dict(zip(speakers(there), speakers(here), strict=False))
    out = []
    for asked in there.questions:
        if asked.category != ADVERSARIAL:
            text = asked.text
            for old, new in names.items():
                text = text.replace(old, new)
            out.append(text)
    return out


def _samples(samples: Sequence[Sample], pool: str, embedder: CachedEmbedder, config: Config) -> AnswerEvaluation:
    now = datetime(2024, 1, 1, tzinfo=timezone.utc)
    asked = [s for s in samples if s.passive and s.question and _gold(s)]
    groups: dict[object, list[Sample]] = {}
    for i, sample in enumerate(samples):
        groups.setdefault(pool_key(pool, sample, i), []).append(sample)
    ours: list[Outcome] = []
    plain: list[Outcome] = []
    elsewhere: list[Outcome] = []
    count = 0
    for members in groups.values():
        questions = [s for s in members if s.passive and s.question and _gold(s)]
        if not questions:
            continue
        texts = sorted({text for s in members for text in s.memories})
        random.Random(0).shuffle(texts)
        count += len(texts)
        with memory_of([told_memory(t, now, embedder) for t in texts], embedder, config.memory) as (memory, places):
            house = _House(memory, places, now, embedder, config)
            for sample in questions:
                golds = frozenset(n for n, text in enumerate(texts) if text in sample.golds)
                ours.append(house.ask(sample.question, _gold(sample), "", golds))
                plain.append(house.top_sentence(sample.question, _gold(sample), "", golds))
            here = {s.participant for s in members}
            for other in asked:
                if other.participant not in here:
                    elsewhere.append(house.ask(other.question, None, "never seen", frozenset()))
    return _evaluation("records", pool, count, ours, plain, {"never_seen": elsewhere})


def _gold(sample: Sample) -> str:
    """The answer to be given; empty where silence is."""
    return "" if SILENCE in sample.answer else sample.answer.replace(RESPONSE, "").strip()


def _evaluation(
    dataset: str,
    pool: str,
    memories: int,
    ours: Sequence[Outcome],
    plain: Sequence[Outcome],
    unanswerable: Mapping[str, Sequence[Outcome]],
) -> AnswerEvaluation:
    if not ours:
        raise ConfigError("the dataset has no question with an answer")
    several = len({one.category for one in ours}) > 1
    refusals = {name: score_refusals(ours, outcomes) for name, outcomes in unanswerable.items()}
    return AnswerEvaluation(
        dataset=dataset,
        pool=pool,
        memories=memories,
        scores=score_answers(ours, several),
        refusals={name: value for name, value in refusals.items() if value is not None},
        baselines={"top_sentence": score_answers(plain, several)},
    )
