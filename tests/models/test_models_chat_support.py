"""Plain answers without citations over two small days: put down to the right memory, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answer_cases import FIRST_DAY, SECOND_DAY
from answer_world import World

from perstream.config import BackendConfig
from perstream.models.chat.generator import ChatGenerator
from perstream.models.chat.scripted import ScriptedChat
from perstream.models.minilm import MiniLM

RIGHT = [
    (1, "When is my dentist appointment?", "Your dentist appointment is on Tuesday at 10:00.", "calendar"),
    (1, "When is my dentist appointment?", "It is Tuesday at 10.", "calendar"),
    (1, "Who said that the printer is broken?", "Anna told you that.", "printer"),
    (1, "Who said that the printer is broken?", "Anna.", "printer"),
    (1, "What colour is the folder?", "It's blue.", "folder"),
    (1, "What colour is the folder?", "The folder is blue.", "folder"),
    (1, "How much is a coffee?", "A coffee costs 4.50.", "cafe"),
    (1, "When does the supermarket close?", "The supermarket closes at 20:00.", "shop"),
    (1, "When will Ben pick me up?", "Ben will pick you up at six at the station.", "pickup"),
    (1, "What am I allergic to?", "You are allergic to peanuts.", "allergy"),
    (1, "Am I allergic to peanuts?", "Yes, you are allergic to peanuts.", "allergy"),
    (1, "Where is the spare key?", "The spare key is under the blue pot.", "key"),
    (1, "Where does Anna live?", "Your sister Anna lives in Bern.", "sister"),
    (1, "Who is Anna?", "Anna is your sister, who lives in Bern.", "sister"),
    (1, "When do I take lisinopril?", "You take it every day at 9 am.", "pill"),
    (1, "What is the wifi password?", "hunter2", "wifi"),
    (1, "Where did I park?", "You parked on level 3.", "parked"),
    (1, "Do I eat gluten?", "No, you don't eat gluten.", "gluten"),
    (1, "When is Anna's birthday?", "Anna's birthday is May 3rd.", "birthday"),
    (1, "What do I need to buy at the supermarket?", "You need to buy milk.", "milk"),
    (2, "When is my yoga class?", "Your yoga class is on Wednesday at 18:15.", "note"),
    (2, "From which gate does the flight to Lisbon go?", "It goes from gate B12.", "gate"),
    (2, "Who has my drill?", "Tom has it, you lent it to him.", "drill"),
    (2, "What did Julia lose?", "She lost her red scarf on the tram.", "julia"),
    (2, "What is my blood type?", "A positive.", "blood"),
    (2, "When do I pay the rent?", "On the first of every month.", "rent"),
]

WRONG = [
    (1, "What is the capital of France?", "The capital of France is Paris."),
    (1, "When is my dentist appointment?", "Your dentist appointment is on Friday at 15:00."),
    (1, "Where does Ben live?", "Ben lives in Bern."),
    (1, "Where does Ben live?", "Ben lives in Zurich."),
    (1, "What is my passport number?", "Your passport number is X1234567."),
    (1, "What colour is the bicycle?", "The bicycle is red."),
    (1, "What colour is the bicycle?", "The bicycle is blue."),
    (1, "Where is the umbrella?", "The umbrella is in the hallway."),
    (1, "Am I allergic to penicillin?", "Yes, you are allergic to penicillin."),
    (1, "Am I allergic to penicillin?", "No."),
    (1, "Who is Paul?", "Paul is your brother."),
    (1, "How much was the pizza?", "The pizza was 12.50."),
    (1, "When is Ben's birthday?", "Ben's birthday is on May 3rd."),
    (1, "What is the PIN of my credit card?", "Your PIN is 4471."),
    (2, "What is my bike lock code?", "It is 1234."),
    (2, "Where is Tom?", "Tom is at the museum."),
    (2, "What is the wifi password of the hotel?", "The wifi password is sunrise99."),
]


@pytest.fixture(scope="module")
def worlds() -> dict[int, World]:
    embedder = MiniLM()
    return {1: World(FIRST_DAY, embedder), 2: World(SECOND_DAY, embedder)}


def rests_on(world: World, question: str, reply: str) -> list[str]:
    request = world.request(question)
    request = replace(request, hits=tuple(replace(hit, score=0.5) for hit in request.hits))
    made = ChatGenerator(ScriptedChat((reply,)), world.embedder, BackendConfig())
    answer = made.answer(request, lambda _: None, lambda: False)
    assert (answer.text is None) == (not answer.memory_ids)
    return [world.key(i) for i in answer.memory_ids]


@pytest.mark.parametrize(("day", "question", "reply", "key"), RIGHT)
def test_a_right_answer_finds_its_memory(
    worlds: dict[int, World], day: int, question: str, reply: str, key: str
) -> None:
    assert rests_on(worlds[day], question, reply)[:1] == [key]


@pytest.mark.parametrize(("day", "question", "reply"), WRONG)
def test_a_made_up_answer_is_refused(worlds: dict[int, World], day: int, question: str, reply: str) -> None:
    assert rests_on(worlds[day], question, reply) == []
