"""Reduction: the order of NSBG and GSBN, byte-exact plans, and the budgets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_world import ask, at, has, opened, seen, told, vector

from perstream.memory.reduce import FINE_TO_COARSE, Item, plan
from perstream.types import Granularity, TextVectors
from perstream.vectors import normalized

NEAREST, MEAN, VECTOR, TEXT = FINE_TO_COARSE


def items(*memories: tuple[int, float], pinned: tuple[int, ...] = ()) -> list[Item]:
    """All four parts of each (id, heat), in no useful order; a part has 10^place bytes."""
    made = [
        Item(memory, part, 10**place, heat, memory in pinned)
        for memory, heat in memories
        for place, part in enumerate(FINE_TO_COARSE)
    ]
    return made[::2] + made[1::2]


def names(chosen: tuple[Item, ...]) -> list[tuple[int, str]]:
    return [(item.memory_id, item.granularity.value) for item in chosen]


def test_nsbg_empties_the_coldest_memory_before_the_next() -> None:
    drawn = plan(items((1, 5.0), (2, 1.0)), "nsbg", 10**9)
    assert names(drawn.items) == [
        *((2, part) for part in ("v_nearest", "v_mean", "v_M", "M")),
        *((1, part) for part in ("v_nearest", "v_mean", "v_M", "M")),
    ]
    assert drawn.forgotten == (2, 1)


def test_gsbn_gives_up_the_finest_part_of_all_memories_first() -> None:
    drawn = plan(items((1, 5.0), (2, 1.0)), "gsbn", 10**9)
    assert names(drawn.items) == [(memory, part) for part in ("v_nearest", "v_mean", "v_M", "M") for memory in (2, 1)]


def test_equally_warm_memories_go_by_age() -> None:
    assert [m for m, _ in names(plan(items((7, 1.0), (3, 1.0)), "gsbn", 2).items)] == [3, 7]


@pytest.mark.parametrize(
    ("order", "nbytes", "count", "freed", "missing"),
    [
        ("gsbn", 0, 0, 0, 0),
        ("gsbn", 1, 1, 1, 0),
        ("gsbn", 2, 2, 2, 0),
        ("gsbn", 3, 3, 12, 0),
        ("nsbg", 3, 2, 11, 0),
        ("nsbg", 1111, 4, 1111, 0),
        ("nsbg", 1112, 5, 1112, 0),
        ("nsbg", 5000, 8, 2222, 2778),
    ],
)
def test_plans_are_byte_exact(order: str, nbytes: int, count: int, freed: int, missing: int) -> None:
    drawn = plan(items((1, 5.0), (2, 1.0)), order, nbytes)  # type: ignore[arg-type]
    assert (len(drawn.items), drawn.freed, drawn.missing) == (count, freed, missing)


def test_pinned_memories_are_never_in_a_plan() -> None:
    drawn = plan(items((1, 5.0), (2, 1.0), pinned=(2,)), "nsbg", 10**9)
    assert {memory for memory, _ in names(drawn.items)} == {1}
    assert drawn.missing > 0


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.sampled_from(FINE_TO_COARSE), st.integers(0, 50), st.floats(-9, 9)), max_size=30
    ),
    st.sampled_from(("nsbg", "gsbn")),
    st.integers(0, 600),
)
def test_a_plan_is_the_shortest_beginning_of_its_order(
    parts: list[tuple[int, Granularity, int, float]], order: str, nbytes: int
) -> None:
    made = [Item(memory, part, size, heat) for memory, part, size, heat in parts]
    everything = plan(made, order, 10**9).items  # type: ignore[arg-type]
    drawn = plan(made, order, nbytes)  # type: ignore[arg-type]
    assert everything[: len(drawn.items)] == drawn.items
    assert drawn.freed == sum(item.nbytes for item in drawn.items)
    assert drawn.freed >= nbytes or drawn.items == everything
    assert not drawn.items or drawn.freed - drawn.items[-1].nbytes < nbytes
    assert drawn.missing == max(0, nbytes - drawn.freed)


# --- on a store ---------------------------------------------------------------------------


def held(memory: object, id: int) -> list[str]:
    return [part.value for part in memory.get(id).granularities]  # type: ignore[attr-defined]


def test_reducing_a_store_follows_the_plan_and_frees_what_it_said(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        cold = memory.remember(seen("wooden gate", 0, has("thing 0")))
        warm = memory.remember(seen("sailing boat", 1, has("thing 1")))
        parts = {item.granularity: item.nbytes for item in memory.reduce(10**9, "nsbg", dry_run=True).items[:4]}
        assert parts[MEAN] == 4 * 8 * 2
        assert parts[NEAREST] == 4 * 8 * 2 + len(memory.thumbnail(cold.id) or b"")
        assert parts[VECTOR] == 384 * 2 + 2 * 64  # pooled fp16, two words of 64 int8
        assert held(memory, cold.id) == ["v_nearest", "v_mean", "v_M", "M"]  # a dry run changes nothing

        drawn = memory.reduce(parts[NEAREST] + 1, "gsbn")
        assert names(drawn.items) == [(cold.id, "v_nearest"), (warm.id, "v_nearest")]
        assert memory.thumbnail(cold.id) is None
        assert held(memory, cold.id) == held(memory, warm.id) == ["v_mean", "v_M", "M"]

        memory.reduce(parts[MEAN] + parts[VECTOR], "nsbg")
        assert held(memory, cold.id) == ["M"]
        assert memory.recall(ask("wooden gate"))[0].memory.id == cold.id  # words are enough to be found

        assert memory.reduce(1, "nsbg").forgotten == (cold.id,)
        assert [r.id for r in memory.list()] == [warm.id]
        assert "thing 0" not in {d["label"] for _, d in memory.graph().nodes(data=True)}


def test_reducing_twice_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The research prototype forgot the newest first when it was called twice."""
    with opened(tmp_path) as memory:
        ids = [memory.remember(told(f"fact number {n}", n)).id for n in range(6)]
        for _ in range(2):
            memory.reduce(memory.reduce(10**9, "nsbg", dry_run=True).freed // 3, "nsbg")
        assert [r.id for r in reversed(memory.list())] == ids[-len(memory.list()) :]
        assert 0 < memory.count() < 5


def test_visits_keep_a_memory_warm_and_pins_keep_it_for_good(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        pinned, visited, cold = (
            memory.remember(told(f"{word} fact", n)) for n, word in enumerate(("pinned", "asked", "cold"))
        )
        memory.pin(pinned.id, True)
        memory.recall(ask("asked fact", hours=100, k=1))
        memory.remember(told("another fact", 3))  # visits are written with the next memory
        order = memory.reduce(10**9, "nsbg", dry_run=True).forgotten
        assert order == (cold.id, 4, visited.id)


def test_old_visits_fade() -> None:
    from perstream.memory.columns import warmed, warmth

    often_long_ago = warmth(at(0))
    for _ in range(7):
        often_long_ago = warmed(often_long_ago, at(0))
    assert often_long_ago == pytest.approx(warmth(at(3 * 7 * 24)))  # 8 visits = one visit three half-lives later
    assert warmed(warmth(at(0)), at(0), 7) == pytest.approx(often_long_ago)


def test_the_disk_budget_is_kept_while_memories_come_in(tmp_path: Path) -> None:
    with opened(tmp_path, disk_budget_mb=0.6) as memory:
        kept = memory.remember(replace(seen("keep me", 0, patches=200), pinned=True))
        for n in range(1, 60):
            big = replace(seen(f"view {n}", n, patches=300), thumbnail=bytes(12_000))
            memory.remember(big)
        records = memory.list(limit=1000)
        assert memory.status().disk_mb <= 0.65  # the log included
        assert held(memory, kept.id) == ["v_nearest", "v_mean", "v_M", "M"]
        assert len(records) == 60  # parts went, no text did
        assert held(memory, records[0].id)[-1] == "M"
        assert held(memory, records[-2].id) == ["v_M", "M"] or held(memory, records[-2].id) == ["v_mean", "v_M", "M"]


def test_the_file_shrinks_by_what_is_given_up(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        for n in range(30):
            memory.remember(replace(seen(f"view {n}", n), thumbnail=bytes(100_000)))
        before = memory.status().disk_mb
        freed = memory.reduce(2 * 2**20, "gsbn").freed / 2**20
        assert memory.status().disk_mb <= before - 0.95 * freed


def test_no_budget_is_no_limit(tmp_path: Path) -> None:
    with opened(tmp_path, disk_budget_mb=0.0) as memory:
        for n in range(5):
            memory.remember(replace(seen(f"view {n}", n), thumbnail=bytes(500_000)))
        assert all(memory.thumbnail(r.id) for r in memory.list())


def test_the_ram_budget_takes_cold_token_vectors_out_and_recall_brings_them_back(tmp_path: Path) -> None:
    texts = [f"fact number {n} of word{n}" for n in range(60)]
    long = normalized(np.random.default_rng(1).standard_normal((256, 384)))
    with opened(tmp_path, ram_budget_mb=0.0) as memory:
        memory.remember_all(
            [replace(told(text, n), vectors=TextVectors(vector(text), long, ())) for n, text in enumerate(texts)]
        )
        memory.warm()
        unbounded = memory.status().ram_bytes["index"]
        expected = [(h.memory.id, h.score) for h in memory.recall(ask(texts[3]))]
    budget = (unbounded - 200_000) / 2**20
    with opened(tmp_path, ram_budget_mb=budget) as memory:
        memory.warm()
        held = memory.status().ram_bytes["index"]
        assert held <= budget * 2**20
        assert unbounded - held > 200_000  # hysteresis: somewhat more than had to go
        index = memory._index.ready()
        assert index.holds_tokens(60)
        assert not index.holds_tokens(1)  # the coldest went first
        assert [(h.memory.id, pytest.approx(h.score)) for h in memory.recall(ask(texts[3]))] == expected
        assert index.holds_tokens(4)  # back on need
        assert memory.get(1).granularities == (VECTOR, TEXT)  # nothing was lost
