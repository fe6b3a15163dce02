"""Reading memories: one, many by condition, neighbours, gaps, thumbnails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from perstream.errors import NotFound
from perstream.memory.columns import (
    RECORD_COLUMNS,
    chunks,
    half_or_none,
    marks,
    record_of,
    to_datetime,
    to_micros,
    triplets_of,
)
from perstream.memory.engine import Connection
from perstream.origins import folder_of
from perstream.protocols import Visuals
from perstream.types import Gap, MemoryRecord, Provenance


@dataclass(frozen=True, slots=True)
class Filter:
    """Which memories to list; every condition that is set must hold."""

    before_id: int | None = None
    """Continue after this memory of the page before."""
    since: datetime | None = None
    until: datetime | None = None
    """A memory counts when its span touches [since, until]."""
    source: str | None = None
    category: str | None = None
    provenance: Provenance | None = None


def select(connection: Connection, chosen: Filter, limit: int, visits: Mapping[int, int]) -> list[MemoryRecord]:
    """Newest first by the time observed (then by id), at most ``limit``."""
    where: list[str] = ["1"]
    values: list[object] = []

    def add(condition: str, *more: object) -> None:
        where.append(condition)
        values.extend(more)

    if chosen.before_id is not None:
        row = connection.execute("SELECT observed_at FROM memories WHERE id = ?", (chosen.before_id,)).fetchone()
        if row is None:  # forgotten since the page before was read
            add("id < ?", chosen.before_id)
        else:
            add("(observed_at, id) < (?, ?)", row[0], chosen.before_id)
    if chosen.since is not None:
        add("ended_at >= ?", to_micros(chosen.since))
    if chosen.until is not None:
        add("observed_at <= ?", to_micros(chosen.until))
    if chosen.source is not None:
        inside = folder_of(chosen.source)
        if inside is None:
            add("source = ?", chosen.source)
        else:
            add("(source = ? OR substr(source, 1, ?) = ?)", chosen.source, len(inside), inside)
    if chosen.category is not None:
        add("category = ?", chosen.category)
    if chosen.provenance is not None:
        add("provenance = ?", chosen.provenance.value)
    rows = connection.execute(
        f"SELECT {RECORD_COLUMNS} FROM memories WHERE {' AND '.join(where)} ORDER BY observed_at DESC, id DESC LIMIT ?",
        [*values, max(0, limit)],
    ).fetchall()
    return _records(connection, rows, visits)


def by_id(connection: Connection, ids: Sequence[int], visits: Mapping[int, int]) -> dict[int, MemoryRecord]:
    """Records of the ids that exist."""
    found: dict[int, MemoryRecord] = {}
    for chunk in chunks(ids):
        rows = connection.execute(
            f"SELECT {RECORD_COLUMNS} FROM memories WHERE id IN ({marks(chunk)})", chunk
        ).fetchall()
        found.update((record.id, record) for record in _records(connection, rows, visits))
    return found


def one(connection: Connection, memory: int, visits: Mapping[int, int]) -> MemoryRecord:
    """One record. Raises NotFound."""
    found = by_id(connection, [memory], visits)
    if memory not in found:
        raise NotFound(f"there is no memory {memory}")
    return found[memory]


def neighbours(
    connection: Connection, record: MemoryRecord, seconds: float, visits: Mapping[int, int]
) -> list[MemoryRecord]:
    """Memories of the same source that began within ``seconds`` of this one, in order of time, without it."""
    if record.source is None:
        return []
    reach = timedelta(seconds=seconds)
    rows = connection.execute(
        f"SELECT {RECORD_COLUMNS} FROM memories WHERE source = ? AND observed_at BETWEEN ? AND ? AND id <> ? "
        "ORDER BY observed_at, id",
        (record.source, to_micros(record.observed_at - reach), to_micros(record.observed_at + reach), record.id),
    ).fetchall()
    return _records(connection, rows, visits)


def entities_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Labels of the entities of memories, in the order of their triplets."""
    found: dict[int, dict[str, None]] = {}
    sql = (
        "SELECT e.memory_id, s.label, o.label FROM edges e JOIN entities s ON s.id = e.subject "
        "JOIN entities o ON o.id = e.object "
    )
    for piece in chunks(ids):
        where = f"WHERE e.memory_id IN ({marks(piece)}) ORDER BY e.memory_id, e.position"
        for memory, *labels in connection.execute(sql + where, piece):
            found.setdefault(memory, {}).update(dict.fromkeys(labels))
    return {memory: tuple(labels) for memory, labels in found.items()}


def visuals(connection: Connection, ids: Sequence[int]) -> dict[int, Visuals]:
    """Stored patch vectors of the memories that have any."""
    found: dict[int, Visuals] = {}
    for piece in chunks(ids):
        rows = connection.execute(
            f"SELECT memory_id, mean, nearest, patches FROM visuals WHERE memory_id IN ({marks(piece)})", piece
        )
        for memory, mean, nearest, patches in rows:
            if mean is not None or nearest is not None:
                found[memory] = Visuals(half_or_none(mean, patches), half_or_none(nearest, patches))
    return found


def thumbnail(connection: Connection, memory: int) -> bytes | None:
    """The JPEG of a memory, or None."""
    row = connection.execute("SELECT jpeg FROM thumbnails WHERE memory_id = ?", (memory,)).fetchone()
    return None if row is None else bytes(row[0])


def gaps(connection: Connection, since: datetime | None, until: datetime | None) -> list[Gap]:
    """Gaps whose span touches [since, until], in order of time."""
    rows = connection.execute(
        "SELECT source, start_s, end_s, started_at, ended_at, reason FROM gaps "
        "WHERE (?1 IS NULL OR ended_at >= ?1) AND (?2 IS NULL OR started_at <= ?2) ORDER BY started_at, id",
        (None if since is None else to_micros(since), None if until is None else to_micros(until)),
    )
    return [
        Gap(s, start, end, to_datetime(began), to_datetime(ended), why) for s, start, end, began, ended, why in rows
    ]


def _records(connection: Connection, rows: Sequence[Sequence[object]], visits: Mapping[int, int]) -> list[MemoryRecord]:
    triplets = triplets_of(connection, [int(str(row[0])) for row in rows])
    return [record_of(row, triplets.get(int(str(row[0])), ()), visits.get(int(str(row[0])), 0)) for row in rows]
