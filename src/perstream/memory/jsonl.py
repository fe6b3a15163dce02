"""Everything a store holds as JSON Lines: a header, then entities, memories and gaps, one per line.

docs/DATASET.md describes the format. It holds no time of writing and no order but that of the ids, so that
two exports of equal stores are equal, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import IO, Any

import numpy as np

from perstream.memory.columns import half_or_none, load_observations, to_datetime
from perstream.memory.engine import Connection
from perstream.memory.fields import pack, pack_bytes

FORMAT = "perstream-memory"
VERSION = 1
KINDS = {"entity": "entities", "memory": "memories", "gap": "gaps"}
"""Kind of a line to the table it comes from, in the order of the file."""

MEMORY_COLUMNS = (
    "id, text, category, provenance, observed_at, ended_at, source, start_s, end_s, speaker, context, score, "
    "observations, pinned, valid_from, valid_to, superseded_by, visits, heat"
)
_NAMES = tuple(MEMORY_COLUMNS.split(", "))
_TIMES = frozenset({"observed_at", "ended_at", "valid_from", "valid_to"})
_MEMORIES = (
    "SELECT " + ", ".join(f"m.{name}" for name in _NAMES) + ", v.pooled, v.tokens, v.token_rows, v.token_scale, "
    "i.patches, i.mean, i.nearest, t.jpeg FROM memories m LEFT JOIN vectors v ON v.memory_id = m.id "
    "LEFT JOIN visuals i ON i.memory_id = m.id LEFT JOIN thumbnails t ON t.memory_id = m.id ORDER BY m.id"
)
_EDGES = (
    "SELECT coalesce(e.subject_text, s.label), e.predicate, coalesce(e.object_text, o.label), e.score, "
    "e.fact IS NOT NULL, e.valid_from, e.valid_to, e.superseded_by, e.subject, e.object FROM edges e "
    "JOIN entities s ON s.id = e.subject JOIN entities o ON o.id = e.object WHERE e.memory_id = ? ORDER BY e.position"
)


def write(
    connection: Connection,
    out: IO[bytes],
    progress: Callable[[int], None],
    changed: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> dict[str, int]:
    """Write all lines; returns how many of each table. One line is in memory at a time.

    The connection should be inside a transaction, so that the counts in the header hold. ``progress``
    is told the memories written so far, after each; ``changed`` may leave something out of a line.
    """
    counts = {table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in KINDS.values()}
    out.write(_line({"kind": "header", "format": FORMAT, "version": VERSION, **counts}))
    for entity in _entities(connection):
        out.write(_line(changed(entity)))
    for number, memory in enumerate(_memories(connection), start=1):
        out.write(_line(changed(memory)))
        progress(number)
    for gap in _gaps(connection):
        out.write(_line(gap))
    return counts


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _entities(connection: Connection) -> Iterator[dict[str, Any]]:
    rows = connection.execute("SELECT id, label, category, embedding FROM entities ORDER BY id")
    for entity, label, category, embedding in rows:
        vector = None if embedding is None else pack_bytes(embedding)
        yield {"kind": "entity", "id": entity, "label": label, "category": category, "vector": vector}


def _memories(connection: Connection) -> Iterator[dict[str, Any]]:
    for row in connection.execute(_MEMORIES):
        memory: dict[str, Any] = {"kind": "memory", **dict(zip(_NAMES, row, strict=False))}
        for name in _TIMES:
            memory[name] = _time(memory[name])
        memory["pinned"] = bool(memory["pinned"])
        memory["observations"] = [asdict(o) for o in load_observations(memory["observations"])]
        memory["triplets"] = [
            {
                "subject": subject,
                "predicate": predicate,
                "object": obj,
                "score": score,
                "functional": bool(functional),
                "valid_from": _time(begins),
                "valid_to": _time(ends),
                "superseded_by": by,
                "subject_id": subject_id,
                "object_id": object_id,
            }
            for subject, predicate, obj, score, functional, begins, ends, by, subject_id, object_id in (
                connection.execute(_EDGES, (memory["id"],))
            )
        ]
        pooled, tokens, token_rows, token_scale, patches, mean, nearest, jpeg = row[len(_NAMES) :]
        memory["pooled"] = None if pooled is None else pack(np.frombuffer(pooled, np.float16))
        memory["tokens"] = None
        if tokens is not None:
            codes = np.frombuffer(tokens, np.int8).reshape(token_rows, -1)
            memory["tokens"] = {**pack(codes), "scale": token_scale}
        for name, blob in (("mean", mean), ("nearest", nearest)):
            vectors = half_or_none(blob, patches)
            memory[name] = None if vectors is None else pack(vectors)
        memory["thumbnail"] = None if jpeg is None else pack_bytes(jpeg)
        yield memory


def _gaps(connection: Connection) -> Iterator[dict[str, Any]]:
    rows = connection.execute("SELECT source, start_s, end_s, started_at, ended_at, reason FROM gaps ORDER BY id")
    for source, start_s, end_s, started_at, ended_at, reason in rows:
        yield {
            "kind": "gap",
            "source": source,
            "start_s": start_s,
            "end_s": end_s,
            "started_at": _time(started_at),
            "ended_at": _time(ended_at),
            "reason": reason,
        }


def _time(micros: int | None) -> str | None:
    return None if micros is None else to_datetime(micros).isoformat()
