"""Reduction and rebuilding change the index in place: it stays as one that is loaded anew."""

from __future__ import annotations

from pathlib import Path

from memory_world import ask, opened, seen

from perstream.memory.memory import Memory

QUESTIONS = ("sign number 3", "sign", "number 11 of the street", "yesterday")


def results(memory: Memory) -> list[list[tuple[int, float]]]:
    return [[(h.memory.id, round(h.score, 5)) for h in memory.recall(ask(q, hours=2, k=8))] for q in QUESTIONS]


def test_a_reduced_memory_keeps_its_neighbours(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all(seen(f"sign number {n} of the street", n / 100) for n in range(40))
        memory.warm()
        rows = memory._index.ready()._rows
        before, after = rows.before.tolist(), rows.after.tolist()
        whole = memory.reduce(1 << 30, "gsbn", dry_run=True)
        for share in (0.3, 0.5, 0.74):
            gone = sum(item.nbytes for item in whole.items[: int(share * len(whole.items))])
            memory.reduce(max(1, gone - (whole.freed - memory.reduce(1 << 30, "gsbn", dry_run=True).freed)), "gsbn")
            assert memory.count() == 40, "vectors go, no memory does"
            assert memory._index.ready() is not None
            assert (rows.before.tolist(), rows.after.tolist()) == (before, after)
            changed = results(memory)
            memory._index.drop()
            assert results(memory) == changed
            memory.warm()
            rows = memory._index.ready()._rows
