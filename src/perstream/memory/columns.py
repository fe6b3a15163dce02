"""Values to columns and back: times, records, vectors."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import numpy as np

from perstream.errors import StoreError
from perstream.memory.derived import unpacked
from perstream.memory.engine import Connection
from perstream.memory.entry import IndexEntry, TokenCodes
from perstream.origins import is_import
from perstream.types import (
    Granularity,
    HalfArray,
    MemoryRecord,
    NewMemory,
    Observation,
    ObservationKind,
    Provenance,
    Triplet,
)

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)

HELD: dict[Granularity, int] = {
    Granularity.M: 1,
    Granularity.V_M: 2,
    Granularity.V_MEAN: 4,
    Granularity.V_NEAREST: 8,
}
"""Bits of the column ``held``: which parts of the storage set a memory still has."""

RECORD_COLUMNS = (
    "id, text, category, provenance, observed_at, ended_at, source, start_s, end_s, speaker, score, observations, "
    "pinned, held, valid_from, valid_to, superseded_by, visits"
)
ENTRY_QUERY = (
    "SELECT m.id, m.text, m.context, m.speaker, m.source, m.start_s, m.observed_at, m.provenance, m.category, "
    "m.superseded_by, v.pooled, v.tokens, v.token_rows, v.token_scale, i.mean, i.patches, d.terms, d.times, d.flags "
    "FROM memories m LEFT JOIN vectors v ON v.memory_id = m.id LEFT JOIN visuals i ON i.memory_id = m.id "
    "LEFT JOIN derived d ON d.memory_id = m.id "
)


def normalize(text: str) -> str:
    """The form in which labels and told facts are compared: NFKC, case folded, single spaces, no outer punctuation."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(" .,;:!?\"'")


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC. A time without a zone is taken as UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
    return (aware - _EPOCH) // _MICROSECOND


def to_micros_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def to_datetime(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def to_datetime_or_none(micros: int | None) -> datetime | None:
    return None if micros is None else to_datetime(micros)


def dump_observations(observations: Sequence[Observation]) -> str:
    """Compact JSON, one list per observation; "" when there are none."""
    if not observations:
        return ""
    rows = [[o.kind.value, o.text, o.score, o.start_s, o.end_s, o.votes, o.box, o.speaker] for o in observations]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def load_observations(text: str) -> tuple[Observation, ...]:
    return tuple(
        Observation(ObservationKind(kind), words, score, start, end, votes, tuple(box) if box else None, speaker)
        for kind, words, score, start, end, votes, box, speaker in (json.loads(text) if text else ())
    )


def held_by(new: NewMemory) -> int:
    """Bits of the parts that a new memory brings. A thumbnail counts with v_nearest: it is that frame's picture."""
    held = HELD[Granularity.M] | HELD[Granularity.V_M]
    held |= HELD[Granularity.V_MEAN] if new.mean_vector is not None else 0
    return held | (HELD[Granularity.V_NEAREST] if new.nearest_vector is not None or new.thumbnail else 0)


def granularities(held: int) -> tuple[Granularity, ...]:
    """The parts held, finest first."""
    return tuple(part for part in Granularity if HELD[part] & held)


UNREADABLE = (ValueError, TypeError, OverflowError, AttributeError, KeyError)
"""What a value raises that damage put in the place of a good one."""


def unreadable(memory: object) -> StoreError:
    """Damage that SQLite does not see."""
    return StoreError(f"memory {str(memory)[:20]!r} cannot be read: the store is damaged; restore a backup")


def record_of(row: Sequence[Any], triplets: tuple[Triplet, ...], more_visits: int = 0) -> MemoryRecord:
    """A record from RECORD_COLUMNS. StoreError when a value cannot be one that was written."""
    try:
        return MemoryRecord(
            id=row[0],
            text=row[1],
            category=row[2],
            provenance=Provenance(row[3]),
            observed_at=to_datetime(row[4]),
            ended_at=to_datetime(row[5]),
            source=row[6],
            start_s=row[7],
            end_s=row[8],
            speaker=row[9],
            score=row[10],
            triplets=triplets,
            observations=load_observations(row[11]),
            pinned=bool(row[12]),
            granularities=granularities(row[13]),
            valid_from=to_datetime_or_none(row[14]),
            valid_to=to_datetime_or_none(row[15]),
            superseded_by=row[16],
            visits=row[17] + more_visits,
        )
    except UNREADABLE as error:
        raise unreadable(row[0]) from error


def triplets_of(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[Triplet, ...]]:
    """Triplets of memories, as they were written and in their order."""
    found: dict[int, list[Triplet]] = {}
    for chunk in chunks(list(ids)):
        rows = connection.execute(
            "SELECT e.memory_id, coalesce(e.subject_text, s.label), e.predicate, coalesce(e.object_text, o.label), "
            "e.score, e.fact IS NOT NULL FROM edges e JOIN entities s ON s.id = e.subject "
            f"JOIN entities o ON o.id = e.object WHERE e.memory_id IN ({marks(chunk)}) "
            "ORDER BY e.memory_id, e.position",
            chunk,
        )
        for memory, subject, predicate, obj, score, functional in rows:
            found.setdefault(memory, []).append(Triplet(subject, predicate, obj, score, bool(functional)))
    return {memory: tuple(triplets) for memory, triplets in found.items()}


def tokens_of(connection: Connection, ids: Sequence[int]) -> dict[int, TokenCodes]:
    """Token vectors of the memories that have them."""
    return {
        row[0]: TokenCodes(np.frombuffer(row[1], np.int8).reshape(row[2], -1), row[3])
        for piece in chunks(ids)
        for row in connection.execute(
            "SELECT memory_id, tokens, token_rows, token_scale FROM vectors "
            f"WHERE tokens IS NOT NULL AND memory_id IN ({marks(piece)})",
            piece,
        )
    }


def entry_of(row: Sequence[Any], entities: tuple[str, ...]) -> IndexEntry:
    """An index entry from ENTRY_QUERY. StoreError when a value cannot be one that was written."""
    try:
        tokens = None
        if row[11] is not None:
            tokens = TokenCodes(np.frombuffer(row[11], np.int8).reshape(row[12], -1), row[13])
        return IndexEntry(
            id=row[0],
            text=row[1],
            context=row[2],
            speaker=row[3],
            source=row[4],
            session="" if is_import(row[4]) else row[4] or "",
            start_s=row[5],
            observed_at=row[6] / 1e6,
            provenance=Provenance(row[7]),
            category=row[8],
            pooled=None if row[10] is None else np.frombuffer(row[10], np.float16),
            tokens=tokens,
            entities=entities,
            mean_vector=half_or_none(row[14], row[15]),
            superseded=row[9] is not None,
            derived=unpacked(*row[16:19]),
        )
    except UNREADABLE as error:
        raise unreadable(row[0]) from error


def half_or_none(blob: bytes | None, rows: int) -> HalfArray | None:
    """Patch vectors [rows, dimension] from their bytes."""
    return None if blob is None else np.frombuffer(blob, np.float16).reshape(rows, -1)


def half_bytes(vectors: HalfArray | None) -> bytes | None:
    return None if vectors is None else np.ascontiguousarray(vectors, dtype=np.float16).tobytes()


HALF_LIFE_S = 7 * 86400.0
"""A visit a week ago warms a memory half as much as one now."""


def warmth(moment: datetime) -> float:
    """Heat of a memory visited once, then: log2 of a weight that doubles every HALF_LIFE_S.

    Heat is kept as log2(sum of 2^(t / half-life)) over its visits at times t. Decay multiplies all
    memories alike, so this number need not change while time goes by: the order of two memories
    changes only by visits, and an index on it stays right.
    """
    return to_micros(moment) / (HALF_LIFE_S * 1e6)


def warmed(heat: float, moment: datetime, visits: int = 1) -> float:
    """Heat after more visits at one time."""
    visit = warmth(moment) + math.log2(visits)
    high, low = max(heat, visit), min(heat, visit)
    return high + math.log2(1.0 + 2.0 ** (low - high))


def marks(values: Sequence[object]) -> str:
    """Question marks for an IN list."""
    return ",".join("?" * len(values))


def chunks(values: Sequence[T], size: int = 500) -> Iterable[Sequence[T]]:
    """Pieces that fit SQLite's limit of parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
