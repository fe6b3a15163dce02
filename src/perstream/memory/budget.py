"""Keeping the store within ``disk_budget_mb``: what to give up, and giving it up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from perstream.memory.columns import HELD, chunks, marks
from perstream.memory.engine import Connection
from perstream.memory.forget import delete
from perstream.memory.reduce import FINE_TO_COARSE, Item, Order, Plan, plan
from perstream.types import Granularity

HYSTERESIS = 0.9
"""Over budget, the store is reduced to this share of it, so that not every write has to reduce."""
STEP_BYTES = 2 * 1024 * 1024
"""At most about this much is given up after a write, so that no write waits long."""
STEP_ITEMS = 16
"""And at most so many parts, for the same reason: recall's index must look at each memory anew."""
WRITES_AT_ONCE = 8
"""After many writes at once, the steps of so many are taken together."""
VACUUM_PAGES = 128
"""Free pages (512 KiB) that are given back to the file system after a write, at most."""
ALL_PAGES = 1 << 30
BATCH = 256
"""Memories read at a time while gathering items."""

_SIZES = {
    # A row in edges is counted as 48 bytes and its words; it is the graph's share of M.
    Granularity.M: (
        "length(CAST(m.text AS BLOB)) + length(CAST(m.context AS BLOB)) + length(CAST(m.observations AS BLOB)) + "
        "(SELECT coalesce(sum(48 + length(e.predicate)), 0) FROM edges e WHERE e.memory_id = m.id) + "
        "coalesce((SELECT length(CAST(d.terms AS BLOB)) + length(d.times) FROM derived d WHERE d.memory_id = m.id), 0)"
    ),
    Granularity.V_M: "(SELECT length(pooled) + coalesce(length(tokens), 0) FROM vectors v WHERE v.memory_id = m.id)",
    Granularity.V_MEAN: "(SELECT length(mean) FROM visuals v WHERE v.memory_id = m.id)",
    Granularity.V_NEAREST: (
        "coalesce((SELECT length(nearest) FROM visuals v WHERE v.memory_id = m.id), 0) + "
        "coalesce((SELECT length(jpeg) FROM thumbnails t WHERE t.memory_id = m.id), 0)"
    ),
}


def held_bytes(connection: Connection) -> dict[Granularity, int]:
    """Bytes that all memories together hold, by part."""
    found: dict[Granularity, int] = {}
    for part, size in _SIZES.items():
        row = connection.execute(f"SELECT total({size}) FROM memories m WHERE held & {HELD[part]}").fetchone()
        found[part] = int(row[0])
    return found


def used_bytes(connection: Connection) -> int:
    """Size of the database without its free pages: what only giving something up can lower."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def tidy(connection: Connection, pages: int = VACUUM_PAGES) -> None:
    """Give at most ``pages`` free pages back to the file system and empty the log. In no transaction, and nobody here reads.

    Does not wait for another program that reads just now: then the log stays as it is until the next time.
    """
    # As a script: it yields a row without columns per page, at which execute() would stop.
    connection.executescript(f"PRAGMA incremental_vacuum({pages})")
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")


def draw_up(connection: Connection, order: Order, nbytes: int, most: int | None = None) -> Plan:
    """The plan that frees ``nbytes``, or its first ``most`` items; reads no more of the store than it takes."""
    gathered: list[Item] = []
    freed = 0
    for item in _by_node(connection) if order == "nsbg" else _by_part(connection):
        gathered.append(item)
        freed += item.nbytes
        if freed >= nbytes or len(gathered) == most:
            break
    return plan(gathered, order, nbytes)


def carry_out(connection: Connection, drawn: Plan) -> set[int]:
    """Give up the items of a plan inside the caller's transaction.

    Returns the memories that recall must look at anew: those forgotten, and those whose validity changed with that.
    """
    gone = drawn.forgotten
    for part in FINE_TO_COARSE[:-1]:
        ids = [item.memory_id for item in drawn.items if item.granularity is part]
        for piece in chunks(ids):
            inside = f"IN ({marks(piece)})"
            for sql in _DROPS[part]:
                connection.execute(sql + inside, piece)
            connection.execute(f"UPDATE memories SET held = held & ~{HELD[part]} WHERE id {inside}", piece)
    return {*gone, *delete(connection, gone)[2]} if gone else set()


def named_by(connection: Connection, memories: Sequence[int]) -> set[int]:
    """The entities that memories mention."""
    return {
        entity
        for piece in chunks(memories)
        for row in connection.execute(f"SELECT subject, object FROM edges WHERE memory_id IN ({marks(piece)})", piece)
        for entity in row
    }


_DROPS: dict[Granularity, Sequence[str]] = {
    Granularity.V_NEAREST: (
        "UPDATE visuals SET nearest = NULL WHERE memory_id ",
        "DELETE FROM thumbnails WHERE memory_id ",
    ),
    Granularity.V_MEAN: ("UPDATE visuals SET mean = NULL WHERE memory_id ",),
    Granularity.V_M: ("DELETE FROM vectors WHERE memory_id ",),
}


def _by_node(connection: Connection) -> Iterator[Item]:
    """Items in the order of NSBG."""
    columns = ", ".join(_SIZES[part] for part in FINE_TO_COARSE)
    for row in _cold_first(connection, columns, "pinned = 0"):
        for part, size in zip(FINE_TO_COARSE, row[3:], strict=True):
            if row[2] & HELD[part]:
                yield Item(row[0], part, int(size or 0), row[1])


def _by_part(connection: Connection) -> Iterator[Item]:
    """Items in the order of GSBN."""
    for part in FINE_TO_COARSE:
        condition = "pinned = 0" if part is Granularity.M else f"held & {HELD[part]} AND pinned = 0"
        for row in _cold_first(connection, _SIZES[part], condition):
            yield Item(row[0], part, int(row[3] or 0), row[1])


def _cold_first(connection: Connection, columns: str, condition: str) -> Iterator[Sequence[Any]]:
    """(id, heat, held, columns…) from cold to hot, in batches: the caller may stop early."""
    heat, memory = float("-inf"), 0
    while True:
        rows = connection.execute(
            f"SELECT m.id, m.heat, m.held, {columns} FROM memories m "
            f"WHERE {condition} AND (m.heat, m.id) > (?, ?) ORDER BY m.heat, m.id LIMIT {BATCH}",
            (heat, memory),
        ).fetchall()
        yield from rows
        if len(rows) < BATCH:
            return
        memory, heat = rows[-1][0], rows[-1][1]
