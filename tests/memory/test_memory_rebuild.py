"""v_M is made anew from M when there is room again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from memory_world import ask, opened, seen, told, vectors

from perstream.errors import StoreError
from perstream.memory import rebuild
from perstream.memory.memory import Memory
from perstream.types import Granularity, Selector, TextVectors

QUESTIONS = ("fact number 3", "fact number 17 of a day", "fact")


def without_vectors(memory: Memory) -> list[int]:
    return [r.id for r in reversed(memory.list(limit=1000)) if Granularity.V_M not in r.granularities]


def give_up_vectors(memory: Memory, share: float = 1.0) -> None:
    plan = memory.reduce(1 << 30, "gsbn", dry_run=True)
    finer = [item for item in plan.items if item.granularity is not Granularity.M]
    memory.reduce(sum(item.nbytes for item in finer[: round(share * len(finer))]), "gsbn")


def results(memory: Memory) -> list[list[tuple[int, float]]]:
    return [[(h.memory.id, round(h.score, 5)) for h in memory.recall(ask(q, k=10))] for q in QUESTIONS]


def test_what_is_rebuilt_is_what_was_given_up(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all(told(f"fact number {n} of a day", n) for n in range(50))
        before = results(memory)
        give_up_vectors(memory)
        assert without_vectors(memory) == list(range(1, 51))
        assert results(memory) != before
        made = memory.rebuild(vectors)
        assert (made.rebuilt, made.left, made.full) == (50, 0, False)
        assert results(memory) == before
        assert memory.audit().clean
        assert memory.rebuild(vectors).rebuilt == 0
    with opened(tmp_path) as memory:
        assert results(memory) == before


def test_the_hottest_come_first_and_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all(told(f"fact number {n} of a day", n) for n in range(50))
        give_up_vectors(memory)
        made = memory.rebuild(vectors, most=20)
        assert (made.rebuilt, made.left, made.full) == (20, 30, False)
        assert without_vectors(memory) == list(range(1, 31))
        assert memory.rebuild(vectors).rebuilt == 30


def test_no_more_than_the_disk_budget_has_room_for(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all(replace(told(f"fact number {n} of a day", n), vectors=long(n)) for n in range(400))
        give_up_vectors(memory)
    with opened(tmp_path, disk_budget_mb=1.0) as memory:
        made = memory.rebuild(lambda text: long(len(text)))
        assert made.full
        assert 0 < made.rebuilt < 400
        kept = without_vectors(memory)
        memory.remember(told("one more", 999))
        memory.remember(told("two more", 1000))
        assert without_vectors(memory) == kept, "the next write gives nothing up again"
        assert memory.status().disk_over_mb == 0


def test_what_is_forgotten_or_said_otherwise_while_embedding_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "STEP", 4)
    with opened(tmp_path) as memory:
        memory.remember_all(told(f"fact number {n} of a day", n) for n in range(8))
        memory.remember(seen("a sign", 9))
        give_up_vectors(memory)
        meddled: list[str] = []

        def meddling(text: str) -> TextVectors:
            if not meddled:
                memory.forget(Selector(ids=(8,)))
                memory.correct(7, "another fact", vectors("another fact"), ())
            meddled.append(text)
            return vectors(text)

        memory.rebuild(meddling)
        assert without_vectors(memory) == []
        assert memory.get(7).text == "another fact"
        assert memory.recall(ask("another fact"))[0].memory.id == 7
        assert memory.audit().clean


def test_a_reader_cannot_rebuild(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("a fact"))
        give_up_vectors(memory)
        with opened(tmp_path, read_only=True) as reader, pytest.raises(StoreError, match="reading only"):
            reader.rebuild(vectors)


def long(seed: int) -> TextVectors:
    """As many token vectors as a longer text has."""
    return vectors(" ".join(f"w{seed}{n}" for n in range(30)))
