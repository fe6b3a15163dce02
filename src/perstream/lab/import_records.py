"""The memories of a dataset file, told to a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from perstream.assistant.gate import CategorySpace
from perstream.assistant.redacting import Redacting
from perstream.assistant.remember import Rememberer
from perstream.config_privacy import PrivacyConfig
from perstream.errors import ConfigError
from perstream.lab.drivenact import Sample, is_samples, read_samples
from perstream.lab.eval_recall import read_dataset
from perstream.memory.memory import Memory
from perstream.protocols import Backend
from perstream.types import Provenance

PAGE = 1000
"""Told memories read at a time."""


def told_in(dataset: Path, participant: int | None) -> tuple[str, ...]:
    """What one participant told, habits before events, each once. Raises NotFound, ConfigError.

    Memories of two people are never mixed: of a file about several, ``participant`` must choose one.
    """
    data = read_dataset(dataset)
    if not is_samples(data):
        raise ConfigError(f"{dataset} is no list of dataset records: see docs/DATASET.md")
    samples = read_samples(data)
    people = sorted({sample.participant for sample in samples})
    if participant is None and len(people) > 1:
        names = ", ".join(str(person) for person in people[:30])
        raise ConfigError(f"{dataset} holds the memories of {len(people)} people: choose one of --participant {names}")
    chosen = [sample for sample in samples if participant in (None, sample.participant)]
    if not chosen:
        raise ConfigError(f"{dataset} has no participant {participant}: it has {', '.join(map(str, people[:30]))}")
    return told_by(chosen)


def told_by(samples: Sequence[Sample]) -> tuple[str, ...]:
    """What the people of these samples told, habits before events, each once."""
    return tuple(dict.fromkeys(" ".join(text.split()) for text in _memories(samples)))


def _memories(samples: Sequence[Sample]) -> Iterator[str]:
    for sample in samples:
        yield from sample.usual
    for sample in samples:
        yield from sample.events


def tell(
    texts: Sequence[str],
    at: datetime,
    memory: Memory,
    backend: Backend,
    progress: Callable[[int], None],
    redacting: Redacting | None = None,
) -> tuple[int, int]:
    """Remember them as told at ``at``, in one transaction; how many are new, and how many were told before.

    What was told before in the same words is not told again.
    """
    known = set(_told_before(memory))
    redacting = redacting or Redacting(memory, PrivacyConfig(), lambda _: None)
    new = [text for text in texts if redacting.owner(text).text not in known]

    def one_by_one() -> Iterator[str]:
        for number, text in enumerate(new, start=1):
            yield text
            progress(number)

    records = Rememberer(memory, backend, CategorySpace(backend.embedder), redacting).told_all(one_by_one(), at)
    added = len({record.id for record in records})
    return added, len(texts) - added


def _told_before(memory: Memory) -> Iterator[str]:
    last = None
    while page := memory.list(limit=PAGE, before_id=last, provenance=Provenance.TOLD):
        yield from (record.text for record in page)
        last = page[-1].id
