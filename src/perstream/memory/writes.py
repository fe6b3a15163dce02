"""Writing one memory: its row, vectors, pictures, entities and edges, inside one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from perstream.memory import reads
from perstream.memory.columns import (
    HELD,
    dump_observations,
    half_bytes,
    held_by,
    normalize,
    to_micros,
    to_micros_or_none,
    warmed,
    warmth,
)
from perstream.memory.compress import compress_tokens
from perstream.memory.derived import write_derived
from perstream.memory.engine import Connection
from perstream.memory.entities import Entities
from perstream.memory.facts import fact_key, keys_of, settle
from perstream.memory.forget import drop_unsupported
from perstream.types import Granularity, NewMemory, Provenance, TextVectors, Triplet

RESTATED = timedelta(minutes=10)
"""The owner saying the same words again within this time is one memory said twice, not two.

Longer apart, the same words may be another event ("I took my pill") and are kept as another memory.
"""


def insert(connection: Connection, new: NewMemory, entities: Entities) -> tuple[int, set[int]]:
    """Write a memory, or count another visit of the told fact that it repeats.

    Returns its id and all memories that recall must look at anew (itself, and older ones whose validity changed).
    """
    repeated = _restated(connection, new)
    if repeated is not None:
        return repeated, set()
    cursor = connection.execute(
        "INSERT INTO memories (text, category, provenance, observed_at, ended_at, source, start_s, end_s, speaker, "
        "context, score, observations, pinned, valid_from, valid_to, heat, held) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            new.text,
            new.category,
            new.provenance.value,
            to_micros(new.observed_at),
            to_micros(new.ended_at),
            new.source,
            new.start_s,
            new.end_s,
            new.speaker,
            new.context,
            new.score,
            dump_observations(new.observations),
            int(new.pinned),
            to_micros_or_none(new.valid_from),
            to_micros_or_none(new.valid_to),
            warmth(new.observed_at),
            held_by(new),
        ),
    )
    memory = int(cursor.lastrowid or 0)
    if new.mean_vector is not None or new.nearest_vector is not None:
        shape = next(v.shape for v in (new.mean_vector, new.nearest_vector) if v is not None)
        connection.execute(
            "INSERT INTO visuals VALUES (?,?,?,?)",
            (memory, shape[0], half_bytes(new.mean_vector), half_bytes(new.nearest_vector)),
        )
    if new.thumbnail:
        connection.execute("INSERT INTO thumbnails VALUES (?,?)", (memory, new.thumbnail))
    write_vectors(connection, memory, new.vectors)
    write_derived(connection, [(memory, new.text, to_micros(new.observed_at))])
    write_edges(connection, memory, new, entities)
    keys = [key for key in map(fact_key, new.triplets) if key]
    changed = settle(connection, keys, since=to_micros(new.valid_from or new.observed_at)) if keys else set()
    return memory, changed | {memory}


def correct(
    connection: Connection,
    memory: int,
    text: str,
    vectors: TextVectors,
    triplets: Sequence[Triplet],
    entities: Entities,
) -> set[int]:
    """Put another text in the place of a memory's; returns the memories that recall must look at anew.

    Raises NotFound.
    """
    old = reads.one(connection, memory, {})
    keys = keys_of(connection, [memory])
    rows = connection.execute("SELECT subject, object FROM edges WHERE memory_id = ?", (memory,)).fetchall()
    connection.execute("DELETE FROM edges WHERE memory_id = ?", (memory,))
    connection.execute(
        "UPDATE memories SET text = ?, held = held | ? WHERE id = ?", (text, HELD[Granularity.V_M], memory)
    )
    write_vectors(connection, memory, vectors)
    write_derived(connection, [(memory, text, to_micros(old.observed_at))])
    new = NewMemory(
        text=text,
        category=old.category,
        provenance=old.provenance,
        observed_at=old.observed_at,
        ended_at=old.ended_at,
        vectors=vectors,
        triplets=tuple(triplets),
        valid_from=old.valid_from,
        valid_to=None if old.superseded_by else old.valid_to,
    )
    write_edges(connection, memory, new, entities)
    drop_unsupported(connection, {entity for row in rows for entity in row})
    return settle(connection, keys | {key for key in map(fact_key, triplets) if key}) | {memory}


def write_vectors(connection: Connection, memory: int, vectors: TextVectors) -> None:
    """v_M: the pooled vector in fp16 and the token vectors as int8 codes."""
    tokens = compress_tokens(vectors.tokens) if len(vectors.tokens) else None
    connection.execute(
        "INSERT OR REPLACE INTO vectors VALUES (?,?,?,?,?)",
        (
            memory,
            np.asarray(vectors.pooled, np.float16).tobytes(),
            None if tokens is None else tokens.codes.tobytes(),
            0 if tokens is None else len(tokens.codes),
            0.0 if tokens is None else tokens.scale,
        ),
    )


def write_edges(connection: Connection, memory: int, new: NewMemory, entities: Entities) -> None:
    """The memory's triplets as edges between entities."""
    resolved = entities.resolve(connection, new.triplets, new.category)
    begins = to_micros(new.valid_from or new.observed_at)
    ends = to_micros_or_none(new.valid_to)
    connection.executemany(
        "INSERT INTO edges VALUES (?,?,?,?,?,?,?,?,?,?,?,NULL)",
        [
            (
                memory,
                position,
                resolved[t.subject].id,
                t.predicate,
                resolved[t.object].id,
                _unless_same(t.subject, resolved[t.subject].label),
                _unless_same(t.object, resolved[t.object].label),
                t.score,
                fact_key(t),
                begins,
                ends,
            )
            for position, t in enumerate(new.triplets)
        ],
    )


def write_visits(connection: Connection, visits: Iterable[tuple[int, int, datetime]]) -> None:
    """Add visits (memory, how many, when last) to the memories that still exist."""
    for memory, count, last in visits:
        row = connection.execute("SELECT heat FROM memories WHERE id = ?", (memory,)).fetchone()
        if row is not None:
            connection.execute(
                "UPDATE memories SET visits = visits + ?, heat = ? WHERE id = ?",
                (count, warmed(row[0], last, count), memory),
            )


def _restated(connection: Connection, new: NewMemory) -> int | None:
    """The still valid told fact that the owner now repeats word for word; its span and heat grow."""
    if new.provenance is not Provenance.TOLD or new.source is not None or new.speaker is not None:
        return None
    said = to_micros(new.observed_at)
    wanted = normalize(new.text)
    slack = RESTATED // timedelta(microseconds=1)
    rows = connection.execute(
        "SELECT id, text, heat, ended_at, context FROM memories WHERE observed_at BETWEEN ? AND ? AND ended_at >= ? "
        "AND provenance = 'told' AND source IS NULL AND speaker IS NULL AND superseded_by IS NULL "
        "ORDER BY observed_at DESC, id DESC",
        (said - slack, said + slack, said - slack),
    )
    for memory, text, heat, ended, context in rows:
        if normalize(text) == wanted and context == new.context:
            connection.execute(
                "UPDATE memories SET visits = visits + 1, heat = ?, ended_at = ?, pinned = max(pinned, ?) WHERE id = ?",
                (warmed(heat, new.observed_at), max(ended, said), int(new.pinned), memory),
            )
            return int(memory)
    return None


def _unless_same(written: str, label: str) -> str | None:
    return None if written == label else written
