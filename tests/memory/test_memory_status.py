from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from memory_world import at, opened, seen, told

from perstream.memory.status import _COUNTS


def test_the_figures_are_those_of_the_memories(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        first = memory.remember(told("the first", 1.0))
        memory.remember(replace(told("the second", 5.0), pinned=True))
        memory.remember(seen("the third", 3.0))
        memory.pin(first.id, True)
        memory.pin(first.id, False)
        status = memory.status()
    assert (status.memories, status.pinned, status.superseded) == (3, 1, 0)
    assert (status.oldest, status.newest) == (at(1.0), at(5.0))


def test_counting_reads_indexes_and_not_what_was_remembered(tmp_path: Path) -> None:
    """Whoever scrapes every few seconds must not read all texts each time."""
    opened(tmp_path).close()
    with sqlite3.connect(tmp_path / "memory.db") as connection:
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {_COUNTS}")]
    connection.close()
    reads = [step for step in plan if " memories" in step]
    assert len(reads) == 5 and all("INDEX" in step for step in reads), plan
