"""From a moment to a stored memory: what is stored, and what says nothing new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from percepts import START, heard, percept

from perstream.assistant.assistant import Assistant
from perstream.config import Config
from perstream.events import Event, GateDecided, MemoryStored
from perstream.memory.memory import Memory
from perstream.models.builtin_caption import BuiltinCaptioner
from perstream.models.scripted import load
from perstream.protocols import Backend
from perstream.types import Gap, Observation, ObservationKind, Percept, Provenance


class House:
    """An assistant over a real store; scripted models but the builtin captioner."""

    def __init__(self, folder: Path) -> None:
        config = Config()
        scripted = load(config.backend, config.moment)
        backend = Backend(
            "test", scripted.vision, BuiltinCaptioner(), scripted.triplets, scripted.embedder, scripted.generator
        )
        self.events: list[Event] = []
        self.memory = Memory.open(folder, config.memory, backend.embedder.embed)
        self.assistant = Assistant(self.memory, backend, config, self.events.append, lambda: START, lambda rgb: b"jpeg")

    def see(self, *percepts: Percept) -> None:
        for one in percepts:
            self.assistant.see(one)

    @property
    def stored(self) -> list[MemoryStored]:
        return [e for e in self.events if isinstance(e, MemoryStored)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "store")
    yield house
    house.memory.close()


def test_a_sign_becomes_one_memory_with_its_span(house: House) -> None:
    house.see(percept(1.0, "PLATFORM 12 Basel"), percept(2.0, "PLATFORM 12 Basel"), percept(9.0))
    (event,) = house.stored
    record = house.memory.get(event.id)
    assert "PLATFORM 12 Basel" in record.text
    assert (record.provenance, record.start_s, record.end_s) == (Provenance.READ, 1.0, 2.0)
    assert house.memory.thumbnail(event.id) == b"jpeg"


def test_another_sign_is_another_memory(house: House) -> None:
    house.see(percept(1.0, "PLATFORM 12 Basel"), percept(2.0, "OPENING HOURS Monday"))
    house.assistant.finish("cam")
    assert len(house.stored) == 2


def test_the_same_words_still_in_view_are_not_stored_again(house: House) -> None:
    for second in range(1, 13):
        house.see(percept(float(second), "OPENING HOURS Monday"))
    house.assistant.finish("cam")
    assert len(house.stored) == 1


def test_a_new_place_without_words_is_remembered_once(house: House) -> None:
    green = Observation(ObservationKind.COLOR, "green, white", 0.9, 0.0, 0.0)
    views = [percept(float(second), reason="settled") for second in range(12)]
    house.see(*(replace(view, observations=(green,)) for view in views))
    house.assistant.finish("cam")
    assert len(house.stored) == 1
    assert house.stored[0].category == "places"


def test_a_view_in_which_nothing_was_perceived_is_no_memory(house: House) -> None:
    house.see(percept(0.0), percept(5.0))
    house.assistant.finish("cam")
    assert house.stored == []


def test_the_gate_event_says_what_the_buffer_does(house: House) -> None:
    green = Observation(ObservationKind.COLOR, "green, white", 0.9, 0.0, 0.0)
    house.see(replace(percept(0.0), observations=(green,)), percept(1.0, "PLATFORM 12 Basel"), percept(2.0))
    house.assistant.finish("cam")
    kept = [e.pts_s for e in house.events if isinstance(e, GateDecided) and e.remembered]
    assert kept == [0.0, 1.0]
    spans = [(e.start_s, e.end_s) for e in house.stored]
    assert all(any(start <= at <= end for start, end in spans) for at in kept)


def test_a_later_sighting_is_a_memory_of_its_own(house: House) -> None:
    house.see(percept(1.0, "OPENING HOURS Monday"), percept(30.0), percept(60.0, "OPENING HOURS Monday"))
    house.assistant.finish("cam")
    assert len(house.stored) == 2


def test_what_is_said_and_what_is_read_are_two_memories(house: House) -> None:
    house.see(percept(1.0, "PLATFORM 12 Basel"), heard(1.5, "The meeting was moved to Friday.", "Anna"))
    house.assistant.finish("cam")
    by_provenance = {house.memory.get(e.id).provenance: house.memory.get(e.id) for e in house.stored}
    assert set(by_provenance) == {Provenance.READ, Provenance.HEARD}
    assert by_provenance[Provenance.HEARD].speaker == "Anna"
    assert by_provenance[Provenance.HEARD].start_s == 1.5


def test_a_question_stores_what_is_in_the_making_first(house: House) -> None:
    house.see(percept(1.0, "PLATFORM 12 Basel"))
    reply = house.assistant.ask("platform?")
    assert not reply.abstained
    assert reply.evidence[0].memory_id == house.stored[0].id


def test_answers_are_never_stored(house: House) -> None:
    house.assistant.tell("The key is under the pot")
    before = house.memory.count()
    for _ in range(3):
        house.assistant.ask("Where is the key?")
    assert house.memory.count() == before


def test_a_gap_closes_the_moment_and_is_recorded(house: House) -> None:
    house.see(percept(1.0, "PLATFORM 12 Basel"))
    house.assistant.gap(Gap("cam", 2.0, 5.0, START, START, "lost"))
    assert len(house.stored) == 1
    assert [gap.reason for gap in house.memory.gaps()] == ["lost"]


def test_an_empty_question_is_refused_politely(house: House) -> None:
    assert house.assistant.ask("   ").abstained
    assert house.assistant.ask("x" * 1_000_000).abstained


def test_two_sources_do_not_mix(house: House) -> None:
    one = percept(1.0, "PLATFORM 12 Basel")
    two = percept(1.0, "OPENING HOURS Monday")
    two = replace(two, keyframe=replace(two.keyframe, source="other"))
    house.see(one, two)
    house.assistant.finish("other")
    (event,) = house.stored
    assert event.source == "other"
