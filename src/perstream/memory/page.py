"""Many memories at once, as columns: how the recall index is loaded from the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perstream.memory.columns import half_or_none
from perstream.memory.derived import derive, packed
from perstream.memory.entry import Labels
from perstream.memory.lexical import Stemmer
from perstream.types import HalfArray

_ROWS = (
    "SELECT m.id, m.observed_at, m.speaker, m.source, m.provenance, m.superseded_by IS NOT NULL, v.pooled, v.tokens, "
    "coalesce(v.token_scale, 0.0), d.terms, d.times, d.flags, CASE WHEN d.terms IS NULL THEN m.text END, "
    "i.patches, i.mean FROM memories m LEFT JOIN vectors v ON v.memory_id = m.id "
    "LEFT JOIN derived d ON d.memory_id = m.id {kept}LEFT JOIN visuals i ON i.memory_id = m.id "
    "WHERE m.id > ? ORDER BY m.id LIMIT ?"
)
_LABELS = (
    "SELECT e.memory_id, s.label, o.label FROM edges e JOIN entities s ON s.id = e.subject "
    "JOIN entities o ON o.id = e.object WHERE e.memory_id BETWEEN ? AND ? ORDER BY e.memory_id, e.position"
)


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Memories in the order of their ids; all columns are aligned."""

    ids: Sequence[int]
    micros: Sequence[int]
    """When each was observed, microseconds."""
    speakers: Sequence[str | None]
    sources: Sequence[str | None]
    provenances: Sequence[str]
    superseded: Sequence[int]
    pooled: Sequence[bytes | None]
    """Vectors in fp16."""
    tokens: Sequence[bytes | None]
    """Codes of the token vectors."""
    scales: Sequence[float]
    terms: Sequence[str]
    """Stems with spaces between."""
    times: Sequence[bytes]
    flags: Sequence[int]
    pictures: dict[int, HalfArray]
    """Mean patch vectors by place in the page, where there are any."""
    entities: dict[int, Labels]
    """Labels of its entities by id, as written."""


def read_page(connection: sqlite3.Connection, after: int, limit: int, stemmer: Stemmer, kept: bool) -> Page | None:
    """At most ``limit`` memories with larger ids than ``after``; None at the end.

    What was derived from their words is taken as it was ``kept``, or derived where it is missing.
    """
    rows = connection.execute(_ROWS.format(kept="" if kept else "AND 0 "), (after, limit)).fetchall()
    if not rows:
        return None
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    ids, micros, texts = columns[0], columns[1], columns[12]
    terms, times, flags = (list(column) for column in columns[9:12])
    for place, text in enumerate(texts):
        if text is not None:
            terms[place], times[place], flags[place] = packed(derive(text, micros[place] / 1e6, stemmer))
    entities: dict[int, Labels] = {}
    for memory, subject, obj in connection.execute(_LABELS, (ids[0], ids[-1])):
        entities[memory] = (*entities.get(memory, ()), subject, obj)
    pictures = {
        place: half_or_none(mean, columns[13][place]) for place, mean in enumerate(columns[14]) if mean is not None
    }
    return Page(
        ids=ids,
        micros=micros,
        speakers=columns[2],
        sources=columns[3],
        provenances=columns[4],
        superseded=columns[5],
        pooled=columns[6],
        tokens=columns[7],
        scales=columns[8],
        terms=terms,
        times=times,
        flags=flags,
        pictures={place: mean for place, mean in pictures.items() if mean is not None},
        entities={memory: tuple(dict.fromkeys(labels)) for memory, labels in entities.items()},
    )
