"""The RAM budget: what leaves RAM and comes back, what it costs, and what is said when it cannot be kept."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from memory_world import ask, at, opened, seen, told, vector

from perstream.memory import live, residence
from perstream.memory.memory import Memory
from perstream.memory.residence import Residence
from perstream.types import NewMemory, Selector, TextVectors
from perstream.vectors import normalized

LONG = normalized(np.random.default_rng(1).standard_normal((40, 384)))
MB = 1 << 20


def heavy(number: int) -> NewMemory:
    """2560 bytes of token vectors."""
    text = f"fact number {number} of word{number}"
    return replace(told(text, number), vectors=TextVectors(vector(text), LONG, ()))


def resident(memory: Memory) -> list[int]:
    index = memory._index.ready()
    return [record.id for record in reversed(memory.list(limit=10_000)) if index.holds_tokens(record.id)]


def floor_mb(folder: Path, count: int) -> float:
    """What the index of ``count`` such memories takes without token vectors."""
    with opened(folder / "floor", ram_budget_mb=0.001) as memory:
        memory.remember_all(heavy(n) for n in range(count))
        memory.warm()
        status = memory.status()
        return (status.ram_bytes["index"] + status.ram_bytes["entities"]) / MB


@pytest.fixture(autouse=True)
def looked_at_each_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MEASURED_EVERY", 1)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each look at the store gave."""
    counted: list[int] = []
    read = Residence._read

    def counting(self: Residence, *values: Any) -> Any:
        rows = read(self, *values)
        counted.append(len(rows))
        return rows

    monkeypatch.setattr(Residence, "_read", counting)
    return counted


def test_where_nothing_is_left_to_evict_nothing_is_looked_for(tmp_path: Path, reads: list[int]) -> None:
    with opened(tmp_path, ram_budget_mb=0.01) as memory:
        memory.remember_all(heavy(n) for n in range(300))
        memory.warm()
        assert resident(memory) == []
        reads.clear()
        for n in range(300, 310):
            memory.remember(heavy(n))
        assert sum(reads) <= 20, "each write looks at what it brought, not at the store"
        assert resident(memory) == []


def test_a_budget_below_the_floor_is_said_once_with_figures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), opened(tmp_path, ram_budget_mb=0.01) as memory:
        memory.remember_all(heavy(n) for n in range(50))
        memory.warm()
        for n in range(50, 60):
            memory.remember(heavy(n))
        status = memory.status()
        assert len(memory.recall(ask("word55"))) == 5
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "memory.ram_budget_mb" in said[0]
    assert "50 memories" in said[0]
    assert status.ram_over_mb == pytest.approx(
        (status.ram_bytes["index"] + status.ram_bytes["entities"]) / MB - 0.01, abs=1e-6
    )
    assert set(status.index_bytes) == {"vectors", "tokens", "words", "rows", "graph"}
    assert sum(status.index_bytes.values()) == status.ram_bytes["index"]
    lines = dict(status.lines())
    assert "over it" in lines["index in memory"]
    assert "0.01 MB allowed" in lines["index in memory"]


def test_loading_leaves_the_hottest_in_ram(tmp_path: Path) -> None:
    room = floor_mb(tmp_path, 100) + 0.05
    with opened(tmp_path) as memory:
        memory.remember_all(heavy(n) for n in range(100))
        memory._visits.note([8], at(500))
        memory.remember(heavy(100))
    with opened(tmp_path, ram_budget_mb=room) as memory:
        memory.warm()
        there = resident(memory)
        assert 8 in there, "asked for again and again"
        assert there[-1] == 101
        assert set(range(102 - len(there) + 1, 102)) <= set(there), "and else the newest"
        assert 5 < len(there) < 30
        assert memory.status().ram_over_mb == 0


def test_what_a_search_brought_back_leaves_again_before_what_is_hotter(tmp_path: Path) -> None:
    room = floor_mb(tmp_path, 100) + 0.08
    with opened(tmp_path, ram_budget_mb=room) as memory:
        memory.remember_all(heavy(n) for n in range(100))
        memory.warm()
        hot = resident(memory)[-3:]
        for n in range(0, 60, 7):
            memory.recall(ask(f"word{n}", k=1))
            assert memory.status().ram_over_mb == 0
            assert set(hot) <= set(resident(memory))


def test_evicting_much_takes_several_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residence, "STEP", 10)
    room = floor_mb(tmp_path, 120) + 0.02
    with opened(tmp_path, ram_budget_mb=0) as memory:
        memory.remember_all(heavy(n) for n in range(100))
        memory.warm()
        memory._index._residence._limit = int(room * MB)
        left = [len(resident(memory))]
        for n in range(100, 115):
            memory.remember(heavy(n))
            left.append(len(resident(memory)))
        steps = [before - after + 1 for before, after in pairwise(left)]
        assert max(steps) <= 11, "so many, and as many as were added"
        assert memory.status().ram_budget_mb == 0
        assert memory._index._residence.excess(memory._index.ready()) <= 0


def results(memory: Memory, questions: Sequence[str]) -> list[list[tuple[int, float]]]:
    return [[(hit.memory.id, round(hit.score, 6)) for hit in memory.recall(ask(q))] for q in questions]


@pytest.mark.parametrize("seed", range(3))
def test_with_and_without_a_budget_the_same_is_found(tmp_path: Path, seed: int) -> None:
    """Whatever happens: within the budget or nothing left to evict, and results as without one."""
    rng = random.Random(seed)
    room = floor_mb(tmp_path, 60)
    with opened(tmp_path / "a", ram_budget_mb=0) as free, opened(tmp_path / "b", ram_budget_mb=room) as bound:
        made = 0
        for _ in range(40):
            what = rng.choice(("remember", "remember", "seen", "recall", "forget", "reduce", "pin"))
            known = [record.id for record in free.list(limit=1000)]
            words = [f"word{rng.randrange(made + 1)}", "fact number"]
            for memory in (free, bound):
                if what == "remember":
                    memory.remember_all(heavy(n) for n in range(made, made + 5))
                elif what == "seen":
                    memory.remember(seen(f"a sign {made}", made))
                elif what == "forget" and known:
                    memory.forget(Selector(ids=(known[len(known) // 2],)))
                elif what == "reduce":
                    memory.reduce(3000, "gsbn")
                elif what == "pin" and known:
                    memory.pin(known[0], True)
            made += {"remember": 5, "seen": 1}.get(what, 0)
            assert results(bound, words) == results(free, words)
            index = bound._index.ready()
            assert index._tokens.nbytes == 0 or bound._index._residence.excess(index) <= 0
        assert made > 30
