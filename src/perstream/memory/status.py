"""How much is remembered, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from perstream.config import MemoryConfig
from perstream.memory.columns import to_datetime_or_none
from perstream.memory.engine import Connection, is_encrypted
from perstream.memory.migrations import version_of

MB = 1024 * 1024


_COUNTS = """SELECT (SELECT count(*) FROM memories), (SELECT min(observed_at) FROM memories),
    (SELECT max(observed_at) FROM memories), (SELECT count(*) FROM memories WHERE superseded_by IS NOT NULL),
    (SELECT count(*) FROM memories WHERE pinned = 0)"""
"""Each from an index of its own: the table with its texts is not read, however often the status is asked for."""


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
    index_bytes: dict[str, int] = field(default_factory=dict)
    """The index by part: vectors, tokens, words, rows, graph; empty while it is not loaded."""
    ram_budget_mb: float = 0.0
    disk_budget_mb: float = 0.0
    """As configured; 0 is no limit."""
    ram_over_mb: float = 0.0
    """Index and entities above their budget, in MiB: what cannot leave RAM without losing a memory from sight."""
    disk_over_mb: float = 0.0
    """The store above its budget, in MiB: what is pinned, or is given up with the next writes."""
    encrypted: bool = False
    """Is the file on disk encrypted?"""

    def lines(self) -> list[tuple[str, str]]:
        """Sizes and budgets for people: name and value."""
        disk = f"{self.disk_mb:.1f} MB{' encrypted' if self.encrypted else ''}" + _of(self.disk_budget_mb)
        if self.disk_over_mb:
            disk += f"; {self.disk_over_mb:.1f} MB over it: given up with the next writes, unless pinned"
        own = sum(size for piece, size in self.ram_bytes.items() if piece != "cache") / MB
        parts = ", ".join(f"{name} {size / MB:.1f}" for name, size in self.index_bytes.items())
        ram = f"{own:.1f} MB" + _of(self.ram_budget_mb) + (f" ({parts})" if parts else " (nothing was asked yet)")
        if self.ram_over_mb:
            ram += f"; {self.ram_over_mb:.1f} MB over it: needed to find these memories, so it stays"
        return [("on disk", disk), ("index in memory", ram), ("in memory at most", f"{self.ram_mb:.1f} MB with caches")]


def take(
    connection: Connection, path: Path, entities: int, parts: dict[str, int], config: MemoryConfig
) -> MemoryStatus:
    """Count; ``entities`` and ``parts`` are the bytes that the labels' and the index's parts hold in RAM."""
    pages = -int(connection.execute("PRAGMA cache_size").fetchone()[0]) * 1024
    ram = {"index": sum(parts.values()), "entities": entities, "cache": 2 * pages}
    memories, oldest, newest, superseded, unpinned = connection.execute(_COUNTS).fetchone()
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
        pinned=memories - unpinned,
        index_bytes=parts,
        ram_budget_mb=config.ram_budget_mb,
        disk_budget_mb=config.disk_budget_mb,
        ram_over_mb=_over(sum(size for piece, size in ram.items() if piece != "cache"), config.ram_budget_mb),
        disk_over_mb=_over(disk_bytes(path), config.disk_budget_mb),
        encrypted=is_encrypted(connection),
    )


def _of(budget_mb: float) -> str:
    return f" of {budget_mb:g} MB allowed" if budget_mb else ""


def _over(nbytes: int, budget_mb: float) -> float:
    return max(0.0, nbytes / MB - budget_mb) if budget_mb else 0.0


def disk_bytes(path: Path) -> int:
    """Size of the database file and its log."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
