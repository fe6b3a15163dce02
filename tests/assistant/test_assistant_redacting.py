"""What the assistant leaves out of what is told, asked, imported and written by a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from percepts import START, percept

from perstream.assistant.assistant import Assistant
from perstream.assistant.redacting import Clearing, Redacting
from perstream.config import Config
from perstream.config_privacy import PrivacyConfig
from perstream.events import Event, MemoryStored, Redacted
from perstream.imports.item import Imported
from perstream.lab.import_records import tell
from perstream.memory.memory import Memory
from perstream.memory.redactions import KEPT
from perstream.models.scripted import load
from perstream.protocols import Answer, AnswerRequest, Backend, ProactiveRequest, Proposal
from perstream.types import Caption, Moment, Observation, ObservationKind, Selector, Triplet, Withheld

CARD = "4111 1111 1111 1111"


class Telltale:
    """A model that reads what it should not, and says it in every way that it has."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        scene = Observation(ObservationKind.SCENE, f"A hand holds a card with {CARD}.", 0.7, 1.0, 2.0)
        read = Observation(ObservationKind.TEXT, "PLATFORM 9", 0.9, 1.0, 2.0, votes=3)
        return Caption(f"A hand holds a card with {CARD} at platform 9.", (scene, read))

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        return (Triplet("card", "has the number", CARD), Triplet("wifi password", "is", "sunny-otter-42"))

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        return (Triplet("wifi password", "is", "sunny-otter-42"), Triplet("I", "own", "a locker"))

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        self.asked.append(request.question)
        return Answer("It is so.", (request.hits[0].memory.id,), 1.0)

    def propose(self, request: ProactiveRequest, cancelled: Callable[[], bool] = lambda: False) -> tuple[Proposal, ...]:
        return (Proposal(f"Your card is {CARD}.", f"You said {CARD}.", "notes:1", (), 1, 0.9),)


class House:
    def __init__(self, folder: Path, privacy: PrivacyConfig) -> None:
        self.config = replace(Config(), privacy=privacy)
        scripted = load(self.config.backend, self.config.moment)
        self.model = Telltale()
        self.backend = Backend("test", scripted.vision, self.model, self.model, scripted.embedder, self.model)
        self.events: list[Event] = []
        self.memory = Memory.open(folder, self.config.memory, self.backend.embedder.embed)
        self.assistant = Assistant(
            self.memory, self.backend, self.config, self.events.append, lambda: START, lambda rgb: b"jpeg"
        )

    @property
    def redacted(self) -> list[tuple[str, int]]:
        return [(event.kind, event.count) for event in self.events if isinstance(event, Redacted)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "store", PrivacyConfig())
    yield house
    house.memory.close()


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_what_a_model_writes_itself(house: House, tmp_path: Path) -> None:
    house.assistant.tell("I keep my card with me at platform 9.")
    house.assistant.see(percept(1.0, "PLATFORM 9 Basel"))
    house.assistant.see(percept(2.0, "PLATFORM 9 Basel"))
    house.assistant.finish("cam")
    stored = [event for event in house.events if isinstance(event, MemoryStored) and event.source == "cam"]
    assert stored
    assert stored[0].caption == "A hand holds a card with [card number] at platform 9."
    record = house.memory.get(stored[0].id)
    assert [one.text for one in record.observations] == ["A hand holds a card with [card number].", "PLATFORM 9"]
    assert {t.object for t in record.triplets} == {"[card number]", "[password]"}
    said = house.memory.feedback.recent(10)
    assert any("[card number]" in word.text for word in said)
    assert not any(CARD in str(event) or "otter" in str(event) for event in house.events)
    assert ("card", 1) in house.redacted
    assert {one.origin for one in house.memory.redactions.recent()} == {"model"}
    house.memory.backup()
    data = everything(tmp_path)
    assert b"4111 1111" not in data
    assert b"sunny-otter" not in data


def test_what_is_told_says_what_was_left_out(house: House) -> None:
    record = house.assistant.tell(f"My card is {CARD} and the wifi password is banana.")
    assert record.text == "My card is [card number] and the wifi password is [password]."
    assert record.redacted == {"card": 1, "password": 1}
    assert house.memory.get(record.id).redacted == {}
    assert house.redacted == [("card", 1), ("password", 1)]
    assert [(one.kind, one.count, one.origin, one.source) for one in house.memory.redactions.recent()] == [
        ("password", 1, "told", None),
        ("card", 1, "told", None),
    ]
    assert house.memory.redactions.counts() == {"card": 1, "password": 1}
    assert house.assistant.tell("My locker is 4417.").redacted == {}


def test_a_reminder_holds_no_secret(house: House, tmp_path: Path) -> None:
    house.assistant.tell(f"Remind me at 18:00 to call the bank about card {CARD}")
    assert any("[card number]" in one.reminder.action for one in house.memory.agenda.waiting())
    assert b"4111 1111" not in everything(tmp_path)


def test_the_owner_may_keep_his_own(tmp_path: Path) -> None:
    house = House(tmp_path / "store", PrivacyConfig(redact_told=False))
    assert house.assistant.tell(f"My card is {CARD}.").text == f"My card is {CARD}."
    assert house.assistant.ask(f"Is {CARD} my card?").answer == "It is so."
    assert house.model.asked == [f"Is {CARD} my card?"]
    house.memory.close()


def test_a_question_goes_to_a_model_without_its_secrets(house: House) -> None:
    house.assistant.tell("My card is blue.")
    reply = house.assistant.ask(f"Is {CARD} my card?")
    assert house.model.asked == ["Is [card number] my card?"]
    assert reply.question == f"Is {CARD} my card?"
    assert not house.memory.redactions.recent()


def test_what_was_left_out_of_a_percept_is_taken_down(house: House) -> None:
    house.assistant.see(replace(percept(1.0, "[card number]"), withheld=(Withheld("card", 2, "read"),)))
    assert house.redacted == [("card", 2)]
    (one,) = house.memory.redactions.recent()
    assert (one.kind, one.count, one.origin, one.source, one.at) == (
        "card",
        2,
        "read",
        "cam",
        percept(1.0).keyframe.captured_at,
    )


def test_records_are_imported_without_secrets_once(house: House) -> None:
    texts = (f"I pay with {CARD}.", "I like tea.")
    tally: list[int] = []
    assert tell(texts, START, house.memory, house.backend, tally.append) == (2, 0)
    assert tell(texts, START, house.memory, house.backend, tally.append) == (0, 2)
    assert {record.text for record in house.memory.list()} == {"I pay with [card number].", "I like tea."}
    assert [(one.kind, one.origin) for one in house.memory.redactions.recent()] == [("card", "imported")]


def test_a_file_that_is_imported(house: House, tmp_path: Path) -> None:
    items = [Imported("markdown:notes.md", "1", f"I pay with {CARD}"), Imported("markdown:notes.md", "2", "I like tea")]
    taken = house.assistant.import_all(items)
    assert [house.memory.get(one.memory_id or 0).text for one in taken] == ["I pay with [card number]", "I like tea"]
    assert [(one.kind, one.origin) for one in house.memory.redactions.recent()] == [("card", "imported")]
    again = house.assistant.import_all(items)
    assert [one.memory_id for one in again] == [one.memory_id for one in taken]
    assert b"4111 1111" not in everything(tmp_path)


def test_an_export_that_holds_secrets_is_imported_without(house: House, tmp_path: Path) -> None:
    other = House(tmp_path / "other", PrivacyConfig(redact=()))
    other.assistant.tell("The wifi password is sunny-otter-42.")
    other.assistant.tell("My locker is 4417.")
    file = tmp_path / "all.jsonl"
    with file.open("wb") as out:
        other.memory.exchange.export(out)
    other.memory.close()
    assert b"sunny-otter" in file.read_bytes()
    clearing = Clearing(Redacting(house.memory, PrivacyConfig(), house.events.append))
    with file.open("rb") as lines:
        made = house.memory.exchange.import_from(lines, house.backend.embedder.embed_tokens, cleared=clearing)
    assert made.memories == 2
    assert clearing.found["password"] >= 1
    assert {record.text for record in house.memory.list()} == {"The wifi password is [password].", "My locker is 4417."}
    house.memory.close()
    assert b"sunny-otter" not in everything(tmp_path / "store")


def test_the_account_is_bounded_and_forgets_names_of_sources(house: House) -> None:
    log = house.memory.redactions
    at = datetime(2026, 5, 1, tzinfo=timezone.utc)
    log.note([Withheld("key", 1, "read")] * (KEPT + 7), at, "old.mp4")
    assert len(log.recent(2 * KEPT)) == KEPT
    house.assistant.see(replace(percept(1.0, "PLATFORM 9 Basel"), withheld=(Withheld("card", 1, "read"),)))
    house.assistant.see(percept(2.0, "PLATFORM 9 Basel"))
    house.assistant.finish("cam")
    assert "cam" in {one.source for one in log.recent(10)}
    house.memory.forget(Selector(source="cam"))
    latest = log.recent(10)
    assert "cam" not in {one.source for one in latest}
    assert "old.mp4" in {one.source for one in latest}
    assert "card" in {one.kind for one in latest}
