"""What is evaluated, whatever the file it came from: questions and moments, and the memories they are put to."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.drivenact import RESPONSE, SILENCE, Sample, is_samples, read_samples
from perstream.lab.locomo import ADVERSARIAL, Conversation, Turn, is_locomo, read_locomo
from perstream.memory.phrasing import last_question

TOLD_AT = datetime(2024, 1, 1, tzinfo=timezone.utc)
"""Memories of records carry no time of their own: all of them are told then."""
BEGINS_AT = TOLD_AT + timedelta(hours=1)
"""When a record's video begins."""
POOLS = ("sample", "participant")


@dataclass(frozen=True, slots=True)
class Told:
    """One memory before it is one."""

    text: str
    at: datetime
    speaker: str | None = None
    """None: the owner told it. Otherwise it was heard from somebody."""
    source: str | None = None
    context: str = ""
    """The question it may answer."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question asked, or one moment at which a word may be due."""

    id: str
    pool: str
    """Key of its memories in :attr:`Suite.pools`."""
    passive: bool
    question: str
    """Empty for a moment."""
    gold: str | None
    """What should be said; None where nothing should (silence, or a refusal)."""
    now: datetime
    category: str = ""
    participant: str = ""
    split: str = ""
    video: str = ""
    """Empty when there is none."""
    time_s: float = 0.0
    """On the video's clock."""
    caption: str = ""
    """The scene in words; stands for the video where that is not looked at."""
    golds: frozenset[str] = frozenset()
    """Texts of the memories that hold the answer, where that is known."""
    options: tuple[str, ...] = ()
    """Of a multiple-choice question; ``gold`` is one of them."""


@dataclass(frozen=True, slots=True)
class Suite:
    """All cases of a file."""

    kind: str
    """``records``, ``locomo``, ``longmemeval``, …"""
    cases: tuple[Case, ...]
    pools: Mapping[str, tuple[Told, ...]] = field(default_factory=dict)
    """In the order of the file: later ones came later."""


def suite_of_records(data: Any, pool: str = "sample") -> Suite:
    """Dataset records. ConfigError for an unknown pool and for records that cannot be used."""
    if pool not in POOLS:
        raise ConfigError(f"no pool {pool!r}: {' or '.join(POOLS)}")
    samples = read_samples(data)
    groups: dict[str, list[Sample]] = {}
    keys = [f"sample {i}" if pool == "sample" else f"participant {s.participant}" for i, s in enumerate(samples)]
    for key, sample in zip(keys, samples, strict=True):
        groups.setdefault(key, []).append(sample)
    cases = tuple(case_of(i, key, sample) for i, (key, sample) in enumerate(zip(keys, samples, strict=True)))
    return Suite("records", cases, {key: _told(members) for key, members in groups.items()})


def case_of(index: int, key: str, sample: Sample) -> Case:
    """A dataset record as a case; ``index`` is its place in the file, ``key`` that of its memories."""
    silent = SILENCE in sample.answer or not sample.answer.strip()
    return Case(
        id=f"{index:06d}",
        pool=key,
        passive=sample.passive,
        question=sample.question if sample.passive else "",
        gold=None if silent else sample.answer.replace(RESPONSE, "").strip(),
        now=BEGINS_AT + timedelta(seconds=sample.timestamp_s),
        category=sample.caption,
        participant=str(sample.participant),
        split=sample.split,
        video=sample.video,
        time_s=sample.timestamp_s,
        caption=sample.caption,
        golds=sample.golds,
    )


def _told(members: Sequence[Sample]) -> tuple[Told, ...]:
    usual = [" ".join(text.split()) for sample in members for text in sample.usual]
    events = [" ".join(text.split()) for sample in members for text in sample.events]
    return tuple(Told(text, TOLD_AT) for text in dict.fromkeys([*usual, *events]))


def suite_of_locomo(data: Any) -> Suite:
    """LoCoMo: a pool per conversation; questions of the adversarial kind are to be refused."""
    cases: list[Case] = []
    pools: dict[str, tuple[Told, ...]] = {}
    for conversation in read_locomo(data):
        pools[conversation.name] = _turns(conversation)
        texts = {turn.key: turn.text for turn in conversation.turns}
        for i, asked in enumerate(conversation.questions):
            adversarial = asked.category == ADVERSARIAL
            if not adversarial and not asked.answer:
                continue
            cases.append(
                Case(
                    id=f"{conversation.name}/{i:04d}",
                    pool=conversation.name,
                    passive=True,
                    question=asked.text,
                    gold=None if adversarial else asked.answer,
                    now=conversation.now,
                    category=asked.category,
                    participant=conversation.name,
                    golds=frozenset() if adversarial else frozenset(texts[key] for key in asked.evidence),
                )
            )
    return Suite("locomo", tuple(cases), pools)


def _turns(conversation: Conversation) -> tuple[Told, ...]:
    out: list[Told] = []
    before: Turn | None = None
    for turn in conversation.turns:
        answers = before is not None and before.session == turn.session and before.speaker != turn.speaker
        asked = last_question(before.text) if answers and before is not None else ""
        out.append(Told(turn.text, turn.at, turn.speaker, turn.session, asked))
        before = turn
    return tuple(out)


def shuffled(told: Sequence[Told]) -> list[Told]:
    """In another order, always the same one: the place in a file must not help to find what is wanted."""
    order = sorted(told, key=lambda one: (one.at, one.text))
    if len({one.at for one in order}) == 1:
        random.Random(0).shuffle(order)
    return order


__all__ = [
    "POOLS",
    "Case",
    "Suite",
    "Told",
    "case_of",
    "is_locomo",
    "is_samples",
    "shuffled",
    "suite_of_locomo",
    "suite_of_records",
]
