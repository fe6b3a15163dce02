"""Staying within the disk budget a little at a time, and the labels in RAM that follow."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from memory_world import at, embed, seen, vector, vectors

from perstream.config import MemoryConfig
from perstream.memory import budget
from perstream.memory.keeper import Keeper
from perstream.memory.memory import Memory
from perstream.memory.near import NearIndex
from perstream.memory.reduce import Plan
from perstream.types import Granularity, Query, Triplet

GROUP = np.array([7], np.uint64)


def put(index: NearIndex, *ids: int) -> None:
    coded = index.code(np.stack([vector(f"label {i}") for i in ids]))
    index.add(list(ids), GROUP.repeat(len(ids)), coded.signs)


def near(index: NearIndex, label: str) -> list[int]:
    return index.nearest(index.code(vector(label)[None]), GROUP)[0]


def test_a_discarded_label_is_found_no_more_and_its_row_is_used_again() -> None:
    index = NearIndex(384)
    put(index, 1, 2, 3)
    index.discard([2, 99])
    assert near(index, "label 2") == []
    assert near(index, "label 1") == [1]
    assert len(index) == 2
    put(index, 4)
    assert near(index, "label 4") == [4]
    assert near(index, "label 2") == []
    assert len(index) == 3


def test_coming_and_going_takes_no_more_room() -> None:
    index = NearIndex(384)
    put(index, *range(100))
    full = index.nbytes
    for start in range(100, 2000, 50):
        index.discard(list(range(start - 100, start - 50)))
        put(index, *range(start, start + 50))
    assert index.nbytes == full
    assert all(near(index, f"label {i}") == [i] for i in range(1900, 2000))


def test_a_write_gives_up_a_bounded_number_of_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plan] = []
    give_up = Keeper._give_up

    def watched(self: Keeper, *values: object) -> Plan:
        plans.append(give_up(self, *values))  # type: ignore[arg-type]
        return plans[-1]

    monkeypatch.setattr(Keeper, "_give_up", watched)
    with Memory.open(tmp_path, MemoryConfig(disk_budget_mb=0.8), embed) as memory:
        for i in range(300):
            memory.remember(seen(f"sign number {i}", i / 100, patches=64))
    assert len(plans) > 3
    assert max(len(plan.items) for plan in plans) == budget.STEP_ITEMS


def test_without_v_nearest_a_memory_is_found_as_before_and_not_indexed_again(tmp_path: Path) -> None:
    with Memory.open(tmp_path, MemoryConfig(), embed) as memory:
        memory.remember_all(seen(f"sign number {i}", i) for i in range(5))
        query = Query(text="sign number 3", vectors=None, now=at(9), k=5)
        before = [(hit.memory.id, hit.score) for hit in memory.recall(query)]
        synced: list[set[int]] = []
        memory._index.sync = lambda ids: synced.append(set(ids))  # type: ignore[method-assign]
        plan = memory.reduce(1, "gsbn")
        assert [item.granularity for item in plan.items] == [Granularity.V_NEAREST]
        assert synced == [set()]
        assert [(hit.memory.id, hit.score) for hit in memory.recall(query)] == before


def test_forgetting_for_the_budget_keeps_labels_merging_right(tmp_path: Path) -> None:
    """The label's first memory goes, its second writes it otherwise, and a third finds the entity by either."""

    def alike(labels: list[str]) -> np.ndarray:
        return embed([label.replace("colour", "color") for label in labels])

    with Memory.open(tmp_path, MemoryConfig(), alike) as memory:  # type: ignore[arg-type]
        first = memory.remember(seen("one", 0, Triplet("the colour", "is on", "a wall")))
        memory.remember(seen("two", 500, Triplet("the color", "is on", "a door")))
        plan = memory.reduce(1 << 30, "nsbg", dry_run=True)
        mine = [item for item in plan.items if item.memory_id == first.id]
        memory.reduce(sum(item.nbytes for item in mine), "nsbg")
        assert memory.count() == 1
        third = memory.remember(seen("three", 600, Triplet("the colour", "is on", "a gate")))
        assert memory.status().entities == 3
        memory.remember(seen("four", 601, Triplet("the wall colour", "is on", "a wall")))
        labels = set(memory.entities_of(third.id))
    assert labels == {"the color", "a gate"}


def test_many_at_once_give_up_as_much_as_one_by_one(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "a", MemoryConfig(disk_budget_mb=0.8), embed) as memory:
        memory.remember_all(seen(f"sign number {i}", i / 100, patches=64) for i in range(300))
        assert memory.status().disk_over_mb == 0
        with (tmp_path / "all.jsonl").open("wb") as file:
            memory.exchange.export(file)
    with Memory.open(tmp_path / "b", MemoryConfig(disk_budget_mb=0.4), embed) as memory:
        with (tmp_path / "all.jsonl").open("rb") as file:
            memory.exchange.import_from(file, vectors)
        assert memory.status().disk_over_mb == 0
        assert memory.count() > 10


def test_a_reader_elsewhere_is_not_waited_for(tmp_path: Path) -> None:
    with Memory.open(tmp_path, MemoryConfig(disk_budget_mb=0.5), embed) as memory:
        memory.remember_all(seen(f"sign number {i}", i / 100, patches=64) for i in range(50))
        reader = sqlite3.connect(tmp_path / "memory.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM memories").fetchone()
        patience = memory._store.writer.execute("PRAGMA busy_timeout").fetchone()
        for i in range(50, 60):  # each of them would wait five seconds
            memory.remember(seen(f"sign number {i}", i / 100, patches=64))
        assert memory._store.writer.execute("PRAGMA busy_timeout").fetchone() == patience != (0,)
        reader.close()
        memory.remember(seen("the last sign", 99))
        assert memory.status().disk_over_mb == 0
