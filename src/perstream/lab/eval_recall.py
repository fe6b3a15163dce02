"""Evaluation of recall: does it find the memories that hold the answer?

Two data formats, told apart by their content: the dataset record (a passive sample's question against its
memories; gold is its reference) and LoCoMo (turns of conversations as memories; gold is the evidence). The
memories go through the same store, index and ranking that a user's do. Their order in the file is shuffled
away before, where they have no time of their own.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from perstream.config import MemoryConfig
from perstream.errors import ConfigError, NotFound
from perstream.lab.baselines import DEPTH, Plain
from perstream.lab.drivenact import Sample, is_samples, read_samples
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.locomo import ADVERSARIAL, Conversation, Turn, is_locomo, read_locomo
from perstream.lab.metrics import Ranking, auc, ranks_of
from perstream.lab.recall_scores import RecallEvaluation, mean_scores
from perstream.memory.memory import Memory
from perstream.memory.phrasing import embedding_text, last_question
from perstream.protocols import TextEmbedder
from perstream.types import NewMemory, Provenance, Query

POOLS = ("sample", "participant", "all")
MAX_BYTES = 1 << 30


def evaluate_recall(
    dataset: Path,
    pool: str = "sample",
    ks: Sequence[int] = (5, 10),
    embedder: TextEmbedder | None = None,
    *,
    cache: Path | None = None,
    config: MemoryConfig | None = None,
) -> RecallEvaluation:
    """Measure recall on a dataset file.

    ``pool`` says for the dataset record whose memories are searched: the sample's own, all of the participant,
    or everybody's; LoCoMo's pool is always the conversation. ``embedder`` None is the builtin one. ``cache`` is
    where embeddings are kept between runs. Raises NotFound for a missing file, ConfigError for one that cannot be used.
    """
    if not ks or min(ks) < 1 or max(ks) > DEPTH:
        raise ConfigError(f"k must lie between 1 and {DEPTH}")
    if pool not in POOLS:
        raise ConfigError(f"no pool {pool!r}: sample, participant or all")
    data = read_dataset(dataset)
    if embedder is None:
        from perstream.models.minilm import MiniLM

        embedder = MiniLM()
    with CachedEmbedder(embedder, cache) as cached:
        if is_locomo(data):
            return _locomo(read_locomo(data), tuple(ks), cached, config or MemoryConfig())
        if is_samples(data):
            return _samples(read_samples(data), pool, tuple(ks), cached, config or MemoryConfig())
    raise ConfigError(f"{dataset} is neither a list of dataset records nor LoCoMo: see docs/DATASET.md")


def read_dataset(path: Path) -> Any:
    """The JSON of a dataset file. Raises NotFound and ConfigError."""
    if not path.is_file():
        raise NotFound(f"there is no dataset file {path}")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path} is larger than a gigabyte")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}") from error


# --- LoCoMo ---------------------------------------------------------------------------------


def turn_memories(conversation: Conversation, embedder: TextEmbedder) -> list[NewMemory]:
    """A conversation's turns as memories: what was heard, from whom, and the question it may answer."""
    out: list[NewMemory] = []
    before: Turn | None = None
    for turn in conversation.turns:
        asked = ""
        if before is not None and before.session == turn.session and before.speaker != turn.speaker:
            asked = last_question(before.text)
        out.append(
            NewMemory(
                text=turn.text,
                category="chat",
                provenance=Provenance.HEARD,
                observed_at=turn.at,
                ended_at=turn.at,
                vectors=embedder.embed_tokens(embedding_text(turn.text, turn.speaker, asked)),
                source=turn.session,
                speaker=turn.speaker,
                context=asked,
            )
        )
        before = turn
    return out


def _locomo(
    conversations: Sequence[Conversation], ks: tuple[int, ...], embedder: CachedEmbedder, config: MemoryConfig
) -> RecallEvaluation:
    ours: list[Ranking] = []
    others: dict[str, list[Ranking]] = {"cosine": [], "bm25": [], "last_n": []}
    answerable: list[float] = []
    wrong: list[float] = []
    elsewhere: list[float] = []
    sessions = count = 0
    for i, conversation in enumerate(conversations):
        turns = conversation.turns
        count += len(turns)
        plain = Plain([f"{t.speaker}: {t.text}" for t in turns], [t.at.timestamp() for t in turns], embedder)
        with memory_of(turn_memories(conversation, embedder), embedder, config) as (memory, places):
            for asked in conversation.questions:
                golds = {n for n, turn in enumerate(turns) if turn.key in asked.evidence}
                if not golds and asked.category != ADVERSARIAL:
                    continue
                found, scores, took = _recalled(memory, places, asked.text, conversation.now, embedder)
                top = scores[0] if scores else 0.0
                (wrong if asked.category == ADVERSARIAL else answerable).append(top)
                if not golds:
                    continue
                ours.append(Ranking(ranks_of(found, golds), len(golds), asked.category, took))
                for name, order, ms in plain.rankings(asked.text):
                    others[name].append(Ranking(ranks_of(order, golds), len(golds), asked.category, ms))
                if asked.category != ADVERSARIAL:
                    wanted = {turns[n].session for n in golds}
                    sessions += not wanted.isdisjoint(list(dict.fromkeys(turns[n].session for n in found))[:10])
            if len(conversations) > 1:
                elsewhere += _asked_elsewhere(memory, places, conversation, conversations[i - 1], embedder)
    headline = [r for r in ours if r.category != ADVERSARIAL]
    if not headline:
        raise ConfigError("the dataset has no question with evidence")
    return RecallEvaluation(
        dataset="locomo",
        pool="conversation",
        memories=count,
        scores=mean_scores(headline, ks, ours),
        baselines={
            name: mean_scores([r for r in rankings if r.category != ADVERSARIAL], ks, rankings)
            for name, rankings in others.items()
        },
        session_hit10=sessions / len(headline),
        wrong_person_auc=auc(answerable, wrong),
        elsewhere_auc=auc(answerable, elsewhere),
    )


def _asked_elsewhere(
    memory: Memory, places: Mapping[int, int], here: Conversation, there: Conversation, embedder: CachedEmbedder
) -> list[float]:
    """Scores of another conversation's questions, put to the people of this one."""
    names = dict(zip(speakers(there), speakers(here), strict=False))
    out = []
    for asked in there.questions:
        if asked.category == ADVERSARIAL:
            continue
        text = asked.text
        for old, new in names.items():
            text = text.replace(old, new)
        _, scores, _ = _recalled(memory, places, text, here.now, embedder)
        out.append(scores[0] if scores else 0.0)
    return out


def speakers(conversation: Conversation) -> list[str]:
    return sorted({turn.speaker for turn in conversation.turns})


# --- dataset records ------------------------------------------------------------------------


def _samples(
    samples: Sequence[Sample], pool: str, ks: tuple[int, ...], embedder: CachedEmbedder, config: MemoryConfig
) -> RecallEvaluation:
    now = datetime(2024, 1, 1, tzinfo=timezone.utc)
    asked = [s for s in samples if s.passive and s.question and s.golds]
    if not asked:
        raise ConfigError("the dataset has no passive sample whose reference names a memory")
    groups: dict[object, list[Sample]] = {}
    for i, sample in enumerate(samples):
        groups.setdefault(pool_key(pool, sample, i), []).append(sample)
    ours: list[Ranking] = []
    others: dict[str, list[Ranking]] = {"cosine": [], "bm25": [], "last_n": []}
    answerable: list[float] = []
    elsewhere: list[float] = []
    count = 0
    for members in groups.values():
        questions = [s for s in members if s.passive and s.question and s.golds]
        if not questions:
            continue
        texts = sorted({text for s in members for text in s.memories})
        random.Random(0).shuffle(texts)
        count += len(texts)
        plain = Plain(texts, [0.0] * len(texts), embedder)
        with memory_of([told_memory(text, now, embedder) for text in texts], embedder, config) as (memory, places):
            for sample in questions:
                golds = {n for n, text in enumerate(texts) if text in sample.golds}
                found, scores, took = _recalled(memory, places, sample.question, now, embedder)
                answerable.append(scores[0] if scores else 0.0)
                ours.append(Ranking(ranks_of(found, golds), len(golds), _kind(sample), took))
                for name, order, ms in plain.rankings(sample.question):
                    others[name].append(Ranking(ranks_of(order, golds), len(golds), _kind(sample), ms))
            here = {s.participant for s in members}
            for sample in asked:
                if sample.participant not in here:
                    _, scores, _ = _recalled(memory, places, sample.question, now, embedder)
                    elsewhere.append(scores[0] if scores else 0.0)
    return RecallEvaluation(
        dataset="records",
        pool=pool,
        memories=count,
        scores=mean_scores(ours, ks, ours),
        baselines={name: mean_scores(rankings, ks, rankings) for name, rankings in others.items()},
        elsewhere_auc=auc(answerable, elsewhere),
    )


def pool_key(pool: str, sample: Sample, index: int) -> object:
    return {"sample": ("sample", index), "participant": sample.participant, "all": "all"}[pool]


def _kind(sample: Sample) -> str:
    usual = bool(sample.golds & set(sample.usual))
    return "both" if usual and sample.golds - set(sample.usual) else "type_1" if usual else "type_2"


def told_memory(text: str, at: datetime, embedder: CachedEmbedder) -> NewMemory:
    return NewMemory(
        text=text,
        category="notes",
        provenance=Provenance.TOLD,
        observed_at=at,
        ended_at=at,
        vectors=embedder.embed_tokens(embedding_text(text)),
    )


# --- both -----------------------------------------------------------------------------------


@contextmanager
def memory_of(
    news: Sequence[NewMemory], embedder: CachedEmbedder, config: MemoryConfig
) -> Iterator[tuple[Memory, dict[int, int]]]:
    """A store with these memories, and for each memory's id its place in ``news``."""
    with (
        tempfile.TemporaryDirectory(prefix="perstream-eval-") as folder,
        Memory.open(Path(folder), config, embedder.embed) as memory,
    ):
        records = memory.remember_all(news)
        memory.recall(Query(text="", vectors=None, now=datetime.now(timezone.utc), k=1))  # the index loads lazily
        yield memory, {record.id: i for i, record in enumerate(records)}


def _recalled(
    memory: Memory, places: Mapping[int, int], text: str, now: datetime, embedder: CachedEmbedder
) -> tuple[list[int], list[float], float]:
    """Places and scores of what was recalled, and the milliseconds it took without the embedding."""
    vectors = embedder.embed_tokens(memory.to_embed(text))
    started = time.perf_counter()
    hits = memory.recall(Query(text=text, vectors=vectors, now=now, k=DEPTH))
    took = (time.perf_counter() - started) * 1e3
    return [places[hit.memory.id] for hit in hits], [hit.score for hit in hits], took
