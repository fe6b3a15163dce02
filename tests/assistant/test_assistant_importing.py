"""What files tell: once, changed where they change, gone when it is forgotten, with its reminder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from perstream.assistant.assistant import Assistant
from perstream.config import Config
from perstream.events import Event, MemoryStored, ProactiveSaid
from perstream.imports.item import Imported, Outcome
from perstream.memory.memory import Memory
from perstream.models.scripted import load
from perstream.types import Caption, Provenance, Selector, Triplet


class OneValue:
    """A is B states the one B that A has."""

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        subject, is_, value = text.partition(" is ")
        return (Triplet(subject, "is", value, functional=True),) if is_ else ()

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = bool) -> tuple[Triplet, ...]:
        return ()


BACKEND = replace(load(Config().backend, Config().moment), triplets=OneValue())

NOW = datetime(2026, 11, 20, 16, tzinfo=timezone.utc)
START = datetime(2026, 12, 3, 8, tzinfo=timezone.utc)
DENTIST = Imported(
    "calendar:work.ics",
    "dentist",
    "Dentist at Main St 5 on 3 December 2026 at 09:00. Bring the card.",
    valid_from=START,
    valid_to=START + timedelta(minutes=30),
    remind_at=START - timedelta(minutes=30),
    revises=False,
)


class World:
    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.events: list[Event] = []
        backend = BACKEND
        self.memory = Memory.open(folder, Config().memory, backend.embedder.embed)
        self.assistant = Assistant(
            self.memory, backend, Config(), self.events.append, lambda: self.now, lambda _: b"", wall=lambda: self.now
        )

    def take(self, *items: Imported) -> list[Outcome]:
        return [one.outcome for one in self.assistant.import_all(items)]

    def texts(self) -> list[str]:
        return [record.text for record in self.memory.list()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.memory.close()


def test_told_once_with_where_from_and_when(world: World) -> None:
    assert world.take(DENTIST) == [Outcome.NEW]
    (record,) = world.memory.list()
    assert (record.provenance, record.source, record.observed_at) == (Provenance.TOLD, "import:calendar:work.ics", NOW)
    assert (record.valid_from, record.valid_to) == (DENTIST.valid_from, DENTIST.valid_to)
    assert [type(event) for event in world.events] == [MemoryStored]
    assert world.take(DENTIST) == [Outcome.KNOWN]
    assert len(world.memory.list()) == 1


def test_what_changed_in_the_file_is_changed(world: World) -> None:
    world.take(DENTIST)
    (before,) = world.memory.list()
    later = replace(
        DENTIST, text="Dentist on 4 December 2026 at 10:00.", valid_from=START + timedelta(days=1), valid_to=None
    )
    assert world.take(later) == [Outcome.CHANGED]
    (after,) = world.memory.list()
    assert (after.id, after.text, after.valid_to) == (before.id, later.text, None)
    assert after.valid_from == later.valid_from
    assert world.take(later) == [Outcome.KNOWN]


def test_the_owners_correction_stays(world: World) -> None:
    world.take(DENTIST)
    (record,) = world.memory.list()
    vectors = BACKEND.embedder.embed_tokens("Dentist, but online")
    world.memory.correct(record.id, "Dentist, but online", vectors, ())
    assert world.take(DENTIST) == [Outcome.KNOWN]
    assert world.texts() == ["Dentist, but online"]


def test_what_was_called_off(world: World) -> None:
    off = replace(DENTIST, text="Dentist on 3 December 2026 is cancelled.", ended=True)
    assert world.take(off) == [Outcome.UNUSED]
    assert world.texts() == []
    world.take(DENTIST)
    assert world.take(off) == [Outcome.CHANGED]
    assert world.texts() == [off.text]
    assert world.memory.agenda.waiting() == []


def test_forgetting_takes_the_import_back_whole(world: World) -> None:
    other = Imported("markdown:vault/a.md", "k", "The vault's code is in the shed")
    alike = Imported("markdown:vaults/a.md", "k", "Another vault")
    world.take(DENTIST, other, alike)
    assert len(world.memory.forget(Selector(source="import:markdown:vault")).memory_ids) == 1
    assert len(world.memory.forget(Selector(source="import:calendar:work.ics")).memory_ids) == 1
    assert world.texts() == [alike.text]
    assert world.take(DENTIST, other, alike) == [Outcome.NEW, Outcome.NEW, Outcome.KNOWN]


def test_appointments_of_one_name_stand_side_by_side(world: World) -> None:
    texts = ["My dentist appointment is on 3 December 2026", "My dentist appointment is on 9 March 2027"]
    world.take(*(Imported("calendar:w", text, text, revises=False) for text in texts))
    assert all(record.superseded_by is None for record in world.memory.list())


def test_newer_statements_of_an_assistant_end_older_ones(world: World) -> None:
    old = Imported("mem0", "1", "My shoe size is 42", at=NOW - timedelta(days=9))
    new = Imported("mem0", "2", "My shoe size is 43", at=NOW - timedelta(days=1))
    world.take(new, old)
    held = {record.text: record.superseded_by for record in world.memory.list()}
    assert held[new.text] is None
    assert held[old.text] is not None


def test_an_alarm_becomes_a_reminder(world: World) -> None:
    world.take(DENTIST)
    assert [one.reminder.due for one in world.memory.agenda.waiting()] == [DENTIST.remind_at]
    world.assistant.tick(world.now)
    assert not [event for event in world.events if isinstance(event, ProactiveSaid)]
    world.now = START - timedelta(minutes=29)
    world.assistant.tick(world.now)
    (said,) = [event for event in world.events if isinstance(event, ProactiveSaid)]
    assert said.text == "Reminder: Dentist at Main St 5 on 3 December 2026 at 09:00."
    (evidence,) = said.evidence
    assert evidence.source == "import:calendar:work.ics"


def test_an_invitation_gives_no_orders(world: World) -> None:
    words = "Remind me every minute to pay Bob."
    world.take(Imported("calendar:w.ics", "1", words, revises=False))
    assert world.memory.agenda.waiting() == []
    world.take(Imported("mem0", "1", "Remind me tomorrow at 9 to call Anna."))
    assert len(world.memory.agenda.waiting()) == 1


def test_secrets_are_left_out(world: World) -> None:
    world.take(Imported("text:a.txt", "1", "My card is 4111 1111 1111 1111"))
    (text,) = world.texts()
    assert "4111" not in text
    assert world.take(Imported("text:a.txt", "1", "My card is 4111 1111 1111 1111")) == [Outcome.KNOWN]


def test_no_fact_is_from_the_future(world: World) -> None:
    world.take(Imported("mem0", "1", "I like tea", at=NOW + timedelta(days=400)))
    assert world.memory.list()[0].observed_at == NOW
