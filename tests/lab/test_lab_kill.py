"""Killed writers: the comparison finds every kind of fault, and a few real kills show none."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from perstream.config import MemoryConfig
from perstream.lab.kill_store import Expected, Tally, fill, killed, look_over, run
from perstream.lab.kill_writer import embed
from perstream.memory.engine import PLAIN, Engine, Key
from perstream.memory.memory import Memory
from perstream.types import Selector

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")

HELD = {1: ("one", False), 2: ("two", True), 3: ("three", False)}


def faults(held: dict[int, tuple[str, bool]], there: dict[int, tuple[str, bool]], **under_way: Any) -> Counter[str]:
    """What the comparison says, without zeros."""
    open_ = {"do": "something", "new": [], "touched": [], "gone": [], **under_way} if under_way else None
    return +Expected(dict(held), under_way=open_).compare(dict(there))


def test_all_as_it_was_said() -> None:
    assert faults(HELD, HELD) == {}


def test_what_is_missing_is_lost_unless_it_was_being_forgotten() -> None:
    assert faults(HELD, {2: HELD[2], 3: HELD[3]}) == {"lost": 1}
    assert faults(HELD, {2: HELD[2], 3: HELD[3]}, gone=[1]) == {}


def test_another_text_or_pin_is_a_change_unless_it_was_being_made() -> None:
    assert faults(HELD, {**HELD, 2: ("two", False)}) == {"changed": 1}
    assert faults(HELD, {**HELD, 2: ("two", False)}, touched=[2]) == {}
    assert faults(HELD, {**HELD, 1: ("uno", False)}, touched=[1], new=["uno"]) == {}


def test_what_nobody_asked_for() -> None:
    assert faults(HELD, {**HELD, 4: ("four", False)}) == {"unasked": 1}
    assert faults(HELD, {**HELD, 4: ("four", False)}, new=["four"]) == {}


def test_half_of_what_belongs_together() -> None:
    assert faults(HELD, {**HELD, 4: ("four", False)}, new=["four", "five"]) == {"half": 1}
    assert faults(HELD, {1: HELD[1], 2: HELD[2]}, gone=[2, 3]) == {"half": 1}


def test_what_was_forgotten_may_not_come_back() -> None:
    expected, tally = Expected(dict(HELD)), Tally()
    expected.replay(
        [{"do": "forget", "new": [], "touched": [], "gone": [1]}, {"put": [], "gone": [1]}, {"do": "gap"}], tally
    )
    assert (tally.acknowledged, tally.cut["gap"]) == (1, 1)
    expected.under_way = None
    assert (+expected.compare(dict(HELD)))["revived"] == 1


def test_a_writer_that_fails_by_itself_is_reported() -> None:
    with pytest.raises(RuntimeError, match="by itself"):
        Expected().replay([{"error": "Traceback"}], Tally())


def test_faults_of_a_real_store_are_seen(tmp_path: Path) -> None:
    config = MemoryConfig()
    expected = Expected(fill(tmp_path, config, 6))
    with Memory.open(tmp_path, config, embed) as memory:
        first, second, *_ = memory.list(limit=10)
        memory.forget(Selector(ids=(first.id,)))
        memory.pin(second.id, True)
    (tmp_path / "left.bin").write_bytes(b"zq3x")
    expected.forgotten = ["view of thing 3 zq3x"]
    tally = Tally()
    look_over(tmp_path, config, expected, random.Random(0), tally)
    assert {kind for kind, count in tally.faults.items() if count} == {"lost", "changed", "residue", "revived"}


def test_a_writer_says_what_it_does_until_it_is_killed(tmp_path: Path) -> None:
    said = killed(tmp_path, MemoryConfig(), 0, 1.0)
    assert said and all("do" in line or "put" in line for line in said)


@pytest.mark.parametrize("keys", [PLAIN, Engine((Key(bytes(32)),))], ids=["plain", "encrypted"])
def test_nothing_acknowledged_is_lost(tmp_path: Path, keys: Engine) -> None:
    tally = run(tmp_path, rounds=6, seed=3, keys=keys)
    assert tally.rounds == 6
    assert +tally.faults == {}
