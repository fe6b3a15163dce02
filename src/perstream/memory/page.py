"""Many memories at once, as columns: how the recall index is loaded from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perstream.memory.columns import half_or_none
from perstream.memory.derived import derive, packed
from perstream.memory.engine import Connection
from perstream.memory.lexical import SlotArray, Stemmer
from perstream.types import HalfArray

_ROWS = (
    "SELECT m.id, m.observed_at, m.speaker, m.source, m.provenance, m.superseded_by IS NOT NULL, v.pooled, v.tokens, "
    "coalesce(v.token_scale, 0.0), d.terms, d.times, d.flags, CASE WHEN d.terms IS NULL THEN m.text END, "
    "i.patches, i.mean FROM memories m LEFT JOIN vectors v ON v.memory_id = m.id "
    "LEFT JOIN derived d ON d.memory_id = m.id {kept}LEFT JOIN visuals i ON i.memory_id = m.id "
    "WHERE m.id > ? ORDER BY m.id LIMIT ?"
)
_MENTIONS = "SELECT memory_id, subject, object FROM edges WHERE memory_id BETWEEN ? AND ? ORDER BY memory_id, position"
_NAMES = (
    "SELECT id, label FROM entities WHERE id IN (SELECT subject FROM edges WHERE memory_id BETWEEN ?1 AND ?2 "
    "UNION SELECT object FROM edges WHERE memory_id BETWEEN ?1 AND ?2)"
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
    mentioning: SlotArray
    """Places in the page of the memories that mention entities, ascending; in the order of their triplets."""
    mentioned: SlotArray
    """Aligned: ids of these entities."""
    names: dict[int, str]
    """Their labels by id."""


def read_page(connection: Connection, after: int, limit: int, stemmer: Stemmer, kept: bool) -> Page | None:
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
    edges = np.array(connection.execute(_MENTIONS, (ids[0], ids[-1])).fetchall(), np.int64).reshape(-1, 3)
    # Somebody may have written since the rows were read: what is of none of them comes another time.
    memories = np.array(ids, np.int64)
    mentioning = np.minimum(np.searchsorted(memories, edges[:, 0]), len(ids) - 1)
    there = memories[mentioning] == edges[:, 0]
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
        mentioning=np.repeat(mentioning[there], 2),
        mentioned=edges[there, 1:].ravel(),
        names=dict(connection.execute(_NAMES, (ids[0], ids[-1])).fetchall()),
    )
