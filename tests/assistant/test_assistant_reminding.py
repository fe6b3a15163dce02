"""Reminders with a time: due by the wall's clock or by a source's, once, across restarts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from percepts import START, percept

from perstream.assistant.assistant import Assistant
from perstream.config import Config
from perstream.events import Event, ProactiveSaid
from perstream.memory.memory import Memory
from perstream.models.scripted import load
from perstream.types import Selector

MINUTE = timedelta(minutes=1)


class House:
    def __init__(self, folder: Path) -> None:
        self.folder, self.wall, self.events = folder, START, list[Event]()
        self.open()

    def open(self) -> None:
        config = Config()
        backend = load(config.backend, config.moment)
        self.memory = Memory.open(self.folder, config.memory, backend.embedder.embed)
        self.assistant = Assistant(
            self.memory,
            backend,
            config,
            self.events.append,
            lambda: self.wall,
            lambda rgb: b"jpeg",
            wall=lambda: self.wall,
        )

    def restart(self) -> None:
        self.memory.close()
        self.open()

    def at(self, later: timedelta) -> list[str]:
        """What is said by the wall clock at START + later."""
        self.wall, before = START + later, len(self.said)
        self.assistant.tick(self.wall)
        return [word.text for word in self.said[before:]]

    @property
    def said(self) -> list[ProactiveSaid]:
        return [event for event in self.events if isinstance(event, ProactiveSaid)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "store")
    yield house
    house.memory.close()


def test_it_is_due_when_nothing_is_seen_and_said_once(house: House) -> None:
    told = house.assistant.tell("Remind me in 20 minutes to take the cake out.")
    assert house.at(19 * MINUTE) == []
    assert house.assistant.tick(house.wall + timedelta(seconds=58)) == pytest.approx(2.0)
    assert house.at(20 * MINUTE) == ["Reminder: take the cake out."]
    assert house.at(21 * MINUTE) == []
    word = house.said[0]
    assert (word.source, word.topic, word.evidence[0].memory_id) == (None, f"due:{told.id}", told.id)
    house.restart()
    assert house.at(22 * MINUTE) == []


def test_missed_while_nothing_ran_it_comes_at_the_next_start(house: House) -> None:
    house.assistant.tell("Remind me in 20 minutes to call Anna.")
    house.restart()
    due = (START + 20 * MINUTE).astimezone()
    assert house.at(50 * MINUTE) == [f"Reminder: call Anna. It was due at {due:%H:%M}."]
    house.restart()
    assert house.at(51 * MINUTE) == []


def test_what_repeats_comes_again(house: House) -> None:
    house.assistant.tell("Remind me every 2 hours to drink water.")
    said = [house.at(timedelta(hours=hours)) for hours in range(5)]
    assert [len(words) for words in said] == [0, 0, 1, 0, 1]


def test_a_recordings_clock_counts_for_what_was_told_in_its_time(house: House) -> None:
    house.wall = START + timedelta(days=100)
    house.assistant.tell("Remind me in one minute to breathe.", at=START)
    house.assistant.tick(house.wall)
    assert house.said == []  # its time passed before it was told
    for seconds in (10, 50, 61, 70):
        house.assistant.see(percept(float(seconds)))
    assert [(word.pts_s, word.source) for word in house.said] == [(61.0, "cam")]


def test_a_recording_of_later_says_nothing_of_earlier(house: House) -> None:
    house.assistant.tell("Remind me in one minute to breathe.", at=START)
    house.assistant.see(percept(3600.0))
    assert house.said == []


def test_held_back_it_waits(house: House) -> None:
    house.assistant.tell("Remind me in 20 minutes to call Anna.")
    house.assistant.policy.do_not_disturb = True
    assert house.at(20 * MINUTE) == []
    house.assistant.policy.do_not_disturb = False
    assert len(house.at(25 * MINUTE)) == 1
    reasons = [word.reason for word in house.assistant.policy.feedback.recent()]
    assert reasons == [None, "do not disturb"]


def test_snoozed_it_comes_again(house: House) -> None:
    told = house.assistant.tell("Remind me in 20 minutes to call Anna.")
    assert len(house.at(20 * MINUTE)) == 1
    until = START + 30 * MINUTE
    house.assistant.policy.snooze(f"due:{told.id}", until)
    house.assistant.reminding.snoozed(f"due:{told.id}", until)
    assert house.at(29 * MINUTE) == []
    assert len(house.at(30 * MINUTE)) == 1


def test_forgotten_or_corrected_it_follows(house: House) -> None:
    gone = house.assistant.tell("Remind me in 20 minutes to call Anna.")
    kept = house.assistant.tell("Remind me in 20 minutes to call Ben.")
    house.memory.forget(Selector(ids=(gone.id,)))
    house.assistant.reminding.revise(kept.id, "Remind me in 40 minutes to call Ben.", START)
    assert house.at(20 * MINUTE) == []
    assert house.at(40 * MINUTE) == ["Reminder: call Ben."]


def test_a_word_goes_with_the_memory_it_rests_on(house: House) -> None:
    told = house.assistant.tell("Remind me in 20 minutes to call Zebedee.")
    house.at(20 * MINUTE)
    house.memory.forget(Selector(ids=(told.id,)))
    assert house.assistant.policy.feedback.recent() == []
    assert house.memory.agenda.waiting() == []
    for file in house.folder.rglob("*"):
        assert not file.is_file() or b"Zebedee" not in file.read_bytes()


def test_told_before_this_version_or_imported_it_is_found_at_the_start(house: House) -> None:
    house.assistant.tell("Remind me in 20 minutes to call Anna.")
    with house.memory._store.writing() as connection:
        connection.execute("DELETE FROM reminders")
        connection.execute("DELETE FROM speech")
    house.restart()
    assert len(house.at(20 * MINUTE)) == 1


def test_the_clock_is_read_in_the_local_zone(house: House) -> None:
    local = datetime(2026, 5, 12, 17, 0).astimezone()
    house.assistant.tell("Remind me at 5 pm to call Anna.", at=local - timedelta(hours=2))
    (waiting,) = house.memory.agenda.waiting()
    assert waiting.reminder.due == local
