"""The memory room from its front door."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from memory_world import T0, ask, at, fact, has, opened, seen, told, vector, vectors

from perstream.errors import NotFound, StoreError
from perstream.types import Gap, Granularity, Observation, ObservationKind, Provenance


def test_what_goes_in_comes_out_after_reopening(tmp_path: Path) -> None:
    observations = (
        Observation(ObservationKind.TEXT, "GLEIS 4 — „Zürich“", 0.93, 1.0, 2.5, 3, (0.1, 0.2, 0.3, 0.4)),
        Observation(ObservationKind.TRANSCRIPT, "hallo", 1.0, 0.0, 1.0, speaker="Anna"),
    )
    new = replace(
        seen("A sign says GLEIS 4", 1.0, has("ticket"), fact("platform is", "4", "the train")),
        observations=observations,
        speaker="Anna",
        context="Which platform?",
        score=0.71,
        valid_from=at(0.5),
        valid_to=at(9),
        pinned=True,
    )
    with opened(tmp_path) as memory:
        stored = memory.remember(new)
    with opened(tmp_path) as memory:
        again = memory.get(stored.id)
        assert memory.thumbnail(stored.id) == new.thumbnail
    assert again == stored
    for name in ("text", "category", "provenance", "observed_at", "ended_at", "source", "start_s", "end_s", "speaker"):
        assert getattr(again, name) == getattr(new, name), name
    assert (again.score, again.observations, again.triplets) == (0.71, observations, new.triplets)
    assert (again.valid_from, again.valid_to, again.pinned) == (at(0.5), at(9), True)
    assert again.granularities == tuple(Granularity)


def test_recall_returns_the_stored_record_and_counts_the_visit(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all([told(f"the colour of door {n} is green", n) for n in range(20)])
        wanted = memory.remember(told("the spare key lies under the flower pot", 30))
        best = memory.recall(ask("the spare key lies under the flower pot"))[0]
        assert best.memory == wanted
        assert memory.get(wanted.id).visits == 1
        assert 0.0 <= best.score <= 1.0
        assert best.path
    with opened(tmp_path) as memory:
        assert memory.get(wanted.id).visits == 1  # written at closing


def test_recall_gives_one_result_for_words_that_were_repeated(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        for day in range(8):
            memory.remember(told("I took my blue pill", 24 * day))
        memory.remember(told("the bakery opens at seven", 5))
        hits = memory.recall(ask("I took my blue pill", k=2))
    assert [hit.memory.text for hit in hits] == ["I took my blue pill", "the bakery opens at seven"]


def test_recall_sees_what_was_remembered_while_the_index_was_loaded(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("one"))
        assert memory.recall(ask("one"))
        new = memory.remember(told("the quick brown fox"))
        assert memory.recall(ask("the quick brown fox"))[0].memory.id == new.id
    with opened(tmp_path) as memory:
        assert memory.recall(ask("the quick brown fox"))[0].memory.id == new.id


def test_list_filters_and_pages_by_time(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        ids = [memory.remember(told(f"fact {n}", hours)).id for n, hours in enumerate((5, 1, 3, 2, 4))]
        other = memory.remember(seen("a shelf", 2.5, source="b.mp4"))
        newest_first = [ids[0], ids[4], ids[2], other.id, ids[3], ids[1]]
        assert [r.id for r in memory.list()] == newest_first
        assert [r.id for r in memory.list(limit=2)] == newest_first[:2]
        assert [r.id for r in memory.list(limit=2, before_id=newest_first[1])] == newest_first[2:4]
        assert [r.id for r in memory.list(since=at(3), until=at(4))] == [ids[4], ids[2]]
        assert [r.id for r in memory.list(since=other.ended_at, until=at(2.6))] == [other.id]
        assert [r.id for r in memory.list(source="b.mp4")] == [other.id]
        assert [r.id for r in memory.list(category="places")] == [other.id]
        assert [r.id for r in memory.list(provenance=Provenance.SEEN)] == [other.id]
        assert memory.list(limit=0) == []
        assert memory.count() == 6


def test_neighbours_are_of_the_same_source_and_near_in_time(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        first, second, third, far = (memory.remember(seen(f"view {n}", n / 360)) for n in (0, 1, 2, 9))
        memory.remember(seen("elsewhere", 1 / 360, source="b.mp4"))
        lonely = memory.remember(told("a fact", 1 / 360))
        assert [r.id for r in memory.neighbours(second, 10)] == [first.id, third.id]
        assert far.id not in {r.id for r in memory.neighbours(second, 60)}
        assert memory.neighbours(lonely, 60) == []


def test_words_repeated_within_minutes_are_one_memory_and_later_another(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        first = memory.remember(told("I am allergic to peanuts", 0, has("peanut allergy")))
        again = memory.remember(told(" I am  ALLERGIC to peanuts. ", 0.1, has("peanut allergy")))
        later = memory.remember(told("I am allergic to peanuts", 30))
        heard = memory.remember(
            replace(told("I am allergic to peanuts", 30), speaker="Ben", provenance=Provenance.HEARD)
        )
        assert again.id == first.id
        assert (again.visits, again.ended_at) == (1, at(0.1))
        assert len({first.id, later.id, heard.id}) == memory.count() == 3


def test_pin_and_correct(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        old = memory.remember(told("my gate is B12", 0, fact("gate is", "B12")))
        memory.pin(old.id, True)
        new = memory.correct(old.id, "my gate is C3", vectors("my gate is C3"), [fact("gate is", "C3")])
        assert (new.id, new.text, new.pinned) == (old.id, "my gate is C3", True)
        assert new.triplets == (fact("gate is", "C3"),)
        assert memory.entities_of(old.id) == ("I", "C3")
        assert memory.recall(ask("my gate is C3"))[0].memory == replace(new, visits=0)
        assert {data["label"] for _, data in memory.graph().nodes(data=True) if data["kind"] == "entity"} == {"I", "C3"}
        for failing in (lambda: memory.pin(99, True), lambda: memory.get(99)):
            with pytest.raises(NotFound, match="99"):
                failing()


def test_gaps_are_kept_and_found_by_time(tmp_path: Path) -> None:
    gap = Gap("cam", 10.0, 20.0, at(1), at(2), "lost")
    with opened(tmp_path) as memory:
        memory.record_gap(gap)
        memory.record_gap(replace(gap, started_at=at(5), ended_at=at(6), reason="paused"))
        assert memory.gaps(since=at(0), until=at(1.5)) == [gap]
        assert [g.reason for g in memory.gaps()] == ["lost", "paused"]


def test_status_counts(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        assert (memory.status().memories, memory.status().oldest) == (0, None)
        memory.remember(told("a", 2, has("bike"), has("car")))
        memory.remember(told("b", 1, has("bike")))
        status = memory.status()
        assert (status.memories, status.entities, status.edges, status.schema_version) == (2, 3, 3, 4)
        assert (status.oldest, status.newest) == (at(1), at(2))
        assert status.disk_mb > 0
        assert status.ram_mb == pytest.approx(sum(status.ram_bytes.values()) / 2**20)
        before = status.ram_bytes["index"]
        memory.recall(ask("a"))
        assert memory.status().ram_bytes["index"] > before


def test_without_thumbnails_none_is_stored(tmp_path: Path) -> None:
    with opened(tmp_path, thumbnails=False) as memory:
        assert memory.thumbnail(memory.remember(seen("a door")).id) is None


def test_a_batch_is_stored_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    class Unplugged(Exception):
        pass

    def failing() -> object:
        yield told("first", 0, has("umbrella"))
        raise Unplugged

    with opened(tmp_path) as memory:
        with pytest.raises(Unplugged):
            memory.remember_all(failing())  # type: ignore[arg-type]
        assert (memory.count(), memory.status().entities) == (0, 0)
        assert memory.entities_of(memory.remember(told("second", 0, has("umbrella"))).id) == ("I", "umbrella")


def test_other_threads_read_while_the_writer_writes(tmp_path: Path) -> None:
    problems: list[BaseException] = []
    done = threading.Event()
    with opened(tmp_path) as memory:
        memory.remember(told("fact number 0", 0, has("thing 0")))

        def read() -> None:
            try:
                while not done.is_set():
                    newest = memory.list(limit=3)[0]
                    assert memory.get(newest.id).triplets == newest.triplets != ()
                    assert memory.recall(ask("fact number 0", k=1))[0].memory.text == "fact number 0"
                    memory.graph()
            except Exception as error:  # noqa: BLE001 - handed to the main thread
                problems.append(error)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for n in range(1, 60):
            memory.remember(told(f"fact number {n}", n, has(f"thing {n}")))
        done.set()
        for reader in readers:
            reader.join(10)
        assert problems == []
        assert memory.count() == 60


def test_a_reader_beside_the_writer_follows_it_and_cannot_write(tmp_path: Path) -> None:
    with opened(tmp_path) as writer:
        first = writer.remember(told("one apple"))
        with opened(tmp_path, read_only=True) as reader:
            assert reader.recall(ask("one apple"))[0].memory.id == first.id
            second = writer.remember(told("two pears"))
            assert reader.recall(ask("two pears"))[0].memory.id == second.id
            writer.remember(told("the pear is now", 1, fact("pear is", "soft")))
            writer.remember(told("the pear turned", 2, fact("pear is", "brown")))
            assert [hit.memory.text for hit in reader.recall(ask("the pear is now", k=1))] == [
                "the pear turned"
            ] or all(hit.memory.superseded_by is None for hit in reader.recall(ask("the pear is now", k=4)))
            with pytest.raises(StoreError, match="reading only"):
                reader.remember(told("three"))
            assert reader.list()[0].text == "the pear turned"


def test_there_is_nothing_to_read_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no memory store"):
        opened(tmp_path / "nowhere", read_only=True)
    assert not (tmp_path / "nowhere").exists()


def test_vectors_survive_the_round_trip_to_the_index(tmp_path: Path) -> None:
    """A moment can be found by its picture after reopening."""
    new = seen("a red door", 1)
    with opened(tmp_path) as memory:
        stored = memory.remember(new)
        memory.remember(replace(seen("a wall", 2), mean_vector=-np.asarray(new.mean_vector)))
    with opened(tmp_path) as memory:
        hits = memory.recall(replace(ask(""), vectors=None, picture=new.mean_vector, now=T0))
    assert hits[0].memory.id == stored.id
    assert float(vector("a") @ vector("A")) == pytest.approx(1.0)
