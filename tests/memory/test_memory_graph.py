"""Entities, edges and facts with time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_world import ask, at, fact, has, opened, seen, told, vector, vectors

from perstream.config import MemoryConfig
from perstream.memory.memory import Memory
from perstream.memory.near import NearIndex, group_of, stored_signs, stored_vector
from perstream.types import FloatArray, Provenance, Selector, Triplet
from perstream.vectors import normalized


def labels(memory: Memory, kind: str = "entity") -> list[str]:
    return sorted(data["label"] for _, data in memory.graph().nodes(data=True) if data["kind"] == kind)


def test_two_sightings_are_one_entity_and_two_memories(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        first = memory.remember(seen("a blue bottle on the desk", 1, Triplet("blue bottle", "is on", "the desk")))
        second = memory.remember(seen("a Blue Bottle on a shelf", 2, Triplet("Blue  Bottle", "is on", "a shelf")))
        graph = memory.graph()
        bottle = [node for node, data in graph.nodes(data=True) if data["label"] == "blue bottle"]
        assert len(bottle) == 1
        mentioned_by = {
            source for source, _, data in graph.in_edges(bottle[0], data=True) if data["kind"] == "mentions"
        }
        assert mentioned_by == {("memory", first.id), ("memory", second.id)}
        assert memory.get(second.id).triplets[0].subject == "Blue  Bottle"  # as it was written


def test_later_sightings_are_not_lost_when_the_store_is_loaded_again(tmp_path: Path) -> None:
    """The research prototype kept one storage set per object, and its save failed on any graph."""
    texts = [f"the bottle, sighting {n}" for n in range(5)]
    with opened(tmp_path) as memory:
        for n, text in enumerate(texts):
            memory.remember(seen(text, n, Triplet("bottle", "seen at", "desk")))
        before = memory.graph()
    with opened(tmp_path) as memory:
        memory.remember(seen("the bottle, once more", 9, Triplet("Bottle", "seen at", "desk")))
        after = memory.graph()
        assert [r.text for r in reversed(memory.list())] == [*texts, "the bottle, once more"]
        assert all(memory.thumbnail(r.id) for r in memory.list())
    assert set(before.nodes) < set(after.nodes)
    assert labels_of(after) == ["bottle", "desk"]


def labels_of(graph: object) -> list[str]:
    return sorted(d["label"] for _, d in graph.nodes(data=True) if d["kind"] == "entity")  # type: ignore[attr-defined]


def test_one_label_in_two_categories_is_two_entities_but_the_owner_is_one(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("a", 0, has("mercury"), category="health"))
        memory.remember(told("b", 0, has("Mercury"), category="vehicle"))
        assert labels(memory) == ["I", "Mercury", "mercury"]


class Meaning:
    """An embedder in which chosen labels lie at a chosen cosine to another label."""

    def __init__(self, **near: tuple[str, float]) -> None:
        self.near = near
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        self.asked += texts
        return np.stack([self.one(text) for text in texts])

    def one(self, text: str) -> FloatArray:
        if text not in self.near:
            return vector(text)
        other, cosine = self.near[text]
        base, rest = vector(other), vector(text)
        rest = normalized(rest - (rest @ base) * base)
        return np.asarray(cosine * base + np.sqrt(1 - cosine**2) * rest, np.float32)


@pytest.mark.parametrize(("cosine", "merged"), [(0.99, True), (0.9005, True), (0.8995, False), (0.5, False)])
def test_labels_merge_at_rho_as_full_precision_decides(tmp_path: Path, cosine: float, merged: bool) -> None:
    meaning = Meaning(couch=("sofa", cosine))
    with Memory.open(tmp_path, MemoryConfig(rho=0.9), meaning) as memory:
        memory.remember(told("a", 0, has("sofa")))
    with Memory.open(tmp_path, MemoryConfig(rho=0.9), meaning) as memory:
        record = memory.remember(told("b", 0, has("couch")))
        assert memory.entities_of(record.id) == ("I", "sofa" if merged else "couch")
        assert record.triplets == (has("couch"),)


def test_near_labels_in_one_memory_are_one_entity(tmp_path: Path) -> None:
    with Memory.open(tmp_path, MemoryConfig(), Meaning(couch=("sofa", 0.95))) as memory:
        record = memory.remember(told("a", 0, has("sofa"), has("couch")))
        assert memory.entities_of(record.id) == ("I", "sofa")


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ("gate B12", "gate B14", False),
        ("gate B12", "Gate no. B12", False),
        ("gate B12", "the gate B12", True),
        ("on Tuesday at noon", "on Thursday at noon", False),
        ("allergic to peanuts", "not allergic to peanuts", False),
        ("my sister's bike", "my brother's bike", False),
        ("platform C", "platform D", False),
        ("blue bottle", "the blue bottle", True),
        ("two tablets", "2 tablets", False),
    ],
)
def test_labels_merge_only_when_the_words_that_tell_things_apart_agree(
    tmp_path: Path, first: str, second: str, merged: bool
) -> None:
    with Memory.open(tmp_path, MemoryConfig(), Meaning(**{second: (first, 0.97)})) as memory:
        memory.remember(told("a", 0, has(first)))
        memory.remember(told("b", 1, has(second)))
        assert labels(memory) == sorted({"I", first, first if merged else second})


def test_known_labels_are_not_embedded_again(tmp_path: Path) -> None:
    meaning = Meaning()
    with Memory.open(tmp_path, MemoryConfig(), meaning) as memory:
        memory.remember(told("a", 0, has("sofa")))
        meaning.asked.clear()
        memory.remember(told("b", 0, has("SOFA")))
        assert meaning.asked == []


def test_hashing_finds_near_vectors_and_keeps_groups_apart() -> None:
    rng = np.random.default_rng(3)
    known = normalized(rng.standard_normal((3000, 384)))
    noise = normalized(rng.standard_normal((300, 384)))
    index = NearIndex(384)
    coded = index.code(known)
    red, blue = np.full(3000, group_of("a", ""), np.uint64), np.full(300, group_of("a", "12"), np.uint64)
    for rows in np.array_split(np.arange(3000), 5):
        index.add(rows.tolist(), red[rows], coded.signs[rows])
    for cosine, least in ((0.9, 0.98), (0.95, 0.995)):
        residual = normalized(noise - (noise * known[:300]).sum(axis=1, keepdims=True) * known[:300])
        near = index.code(normalized(cosine * known[:300] + np.sqrt(1 - cosine**2) * residual))
        found = index.nearest(near, red[:300])
        assert np.mean([row in candidates for row, candidates in enumerate(found)]) >= least
        assert sum(map(len, found)) < 330  # and hardly anything else
        assert not any(index.nearest(near, blue))


def test_a_stored_vector_gives_the_cosine_to_three_places() -> None:
    index = NearIndex(384)
    pair = normalized(np.random.default_rng(4).standard_normal((2, 384)))
    coded = index.code(pair)
    assert float(stored_vector(coded.stored(0)) @ pair[1]) == pytest.approx(float(pair[0] @ pair[1]), abs=0.003)
    assert (stored_signs([coded.stored(0), coded.stored(1)]) == coded.signs).all()


# --- facts with time ----------------------------------------------------------------------


def test_a_newer_fact_supersedes_an_older_one_and_history_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        old = memory.remember(
            told("my dentist appointment is on Tuesday", 0, fact("dentist appointment is", "Tuesday"))
        )
        new = memory.remember(
            told("My dentist appointment is on Friday", 5, fact("Dentist appointment is", "Friday"), category="medical")
        )
        assert memory.get(old.id).superseded_by == new.id
        assert memory.get(old.id).valid_to == at(5)
        assert memory.get(new.id).valid_to is None
        assert [f.triplet.object for f in memory.facts("i")] == ["Tuesday", "Friday"]
        assert [f.triplet.object for f in memory.facts("I", at=at(3))] == ["Tuesday"]
        assert [f.triplet.object for f in memory.facts("I", at=at(5))] == ["Friday"]
        assert memory.facts("I", at=at(-1)) == []
        assert ("memory", old.id) in memory.graph()[("memory", new.id)]


def test_facts_that_arrive_out_of_order_settle_by_their_time(tmp_path: Path) -> None:
    values = {3: "C", 1: "A", 4: "D", 2: "B"}
    with opened(tmp_path) as memory:
        ids = {hour: memory.remember(told(f"gate {v}", hour, fact("gate is", v))).id for hour, v in values.items()}
        for hour in (1, 2, 3):
            record = memory.get(ids[hour])
            assert (record.superseded_by, record.valid_to) == (ids[hour + 1], at(hour + 1))
        assert memory.get(ids[4]).superseded_by is None


def test_the_same_value_again_and_other_subjects_supersede_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        records = [
            memory.remember(told("a", 0, fact("phone is", "123"))),
            memory.remember(told("b", 1, fact("phone is", "123."))),
            memory.remember(told("c", 2, fact("phone is", "456", "Anna"))),
            memory.remember(told("d", 3, fact("address is", "456"))),
            memory.remember(told("e", 4, Triplet("I", "phone is", "789"))),
        ]
        assert [memory.get(r.id).superseded_by for r in records] == [None] * 5


def test_a_memory_with_a_second_fact_that_still_holds_is_not_superseded(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        both = memory.remember(told("a", 0, fact("gate is", "B12"), fact("seat is", "4A")))
        memory.remember(told("b", 1, fact("gate is", "C3")))
        assert memory.get(both.id).superseded_by is None
        assert [f.triplet.object for f in memory.facts("I", at=at(2))] == ["4A", "C3"]
        last = memory.remember(told("c", 2, fact("seat is", "9F")))
        assert memory.get(both.id).superseded_by == last.id


def test_what_was_read_does_not_overrule_what_the_owner_told(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        mine = memory.remember(told("my platform is 4", 0, fact("platform is", "4")))
        sign = replace(seen("PLATFORM 5", 1, fact("platform is", "5")), provenance=Provenance.READ)
        read = memory.remember(sign)
        assert memory.get(mine.id).superseded_by is None
        told_again = memory.remember(told("my platform is 6", 2, fact("platform is", "6")))
        assert memory.get(mine.id).superseded_by == memory.get(read.id).superseded_by == told_again.id


def test_forgetting_the_newer_fact_makes_the_older_hold_again(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        old, middle, new = (memory.remember(told(v, n, fact("gate is", v))) for n, v in enumerate("ABC"))
        memory.forget(Selector(ids=(middle.id,)))
        assert (memory.get(old.id).superseded_by, memory.get(old.id).valid_to) == (new.id, at(2))
        memory.forget(Selector(ids=(new.id,)))
        assert (memory.get(old.id).superseded_by, memory.get(old.id).valid_to) == (None, None)
        assert [f.triplet.object for f in memory.facts("I", at=at(9))] == ["A"]
        assert memory.recall(ask("A"))[0].memory.id == old.id


def test_correcting_a_fact_settles_the_others(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        old = memory.remember(told("gate A", 0, fact("gate is", "A")))
        new = memory.remember(told("gate B", 1, fact("gate is", "B")))
        memory.correct(new.id, "seat 4", vectors("seat 4"), [fact("seat is", "4")])
        assert memory.get(old.id).superseded_by is None


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ABC"), st.booleans()), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_any_order_of_arrival_settles_alike(said: list[tuple[int, str, bool]]) -> None:
    """The first later statement with another value ends one; told ones are ended by told ones only."""
    with TemporaryDirectory() as folder, opened(Path(folder)) as memory:
        records = []
        for n, (hour, value, is_told) in enumerate(said):
            new = told(f"{n}", hour, fact("place is", value))
            kind = Provenance.TOLD if is_told else Provenance.READ
            records.append((hour, memory.remember(replace(new, provenance=kind)).id, value, is_told))
        records.sort()
        for place, (_, id, value, is_told) in enumerate(records):
            after = [r for r in records[place + 1 :] if r[2] != value and (r[3] or not is_told)]
            expected = (after[0][1], at(after[0][0])) if after else (None, None)
            record = memory.get(id)
            assert (record.superseded_by, record.valid_to) == expected
