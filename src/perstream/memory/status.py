"""How much is remembered, and what it takes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from perstream.memory.columns import to_datetime_or_none
from perstream.memory.migrations import version_of

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class MemoryStatus:
    """The store in figures."""

    memories: int
    entities: int
    edges: int
    disk_mb: float
    """Size of the database and its log in MiB."""
    ram_mb: float
    """Bytes held in RAM by all pieces together, in MiB."""
    oldest: datetime | None
    newest: datetime | None
    """First and last time observed."""
    schema_version: int
    ram_bytes: dict[str, int] = field(default_factory=dict)
    """RAM by piece: ``index``, ``entities``, ``cache`` (SQLite's pages)."""
    superseded: int = 0
    pinned: int = 0


def take(connection: sqlite3.Connection, path: Path, ram: dict[str, int]) -> MemoryStatus:
    """Count."""
    memories, oldest, newest, superseded, pinned = connection.execute(
        "SELECT count(*), min(observed_at), max(observed_at), count(superseded_by), total(pinned) FROM memories"
    ).fetchone()
    return MemoryStatus(
        memories=memories,
        entities=_count(connection, "entities"),
        edges=_count(connection, "edges"),
        disk_mb=disk_bytes(path) / MB,
        ram_mb=sum(ram.values()) / MB,
        oldest=to_datetime_or_none(oldest),
        newest=to_datetime_or_none(newest),
        schema_version=version_of(connection),
        ram_bytes=ram,
        superseded=superseded,
        pinned=int(pinned),
    )


def disk_bytes(path: Path) -> int:
    """Size of the database file and its log."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
