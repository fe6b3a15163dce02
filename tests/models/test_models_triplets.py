from __future__ import annotations

import pytest

from perstream.models.builtin_triplets import MAX_TRIPLETS, GrammarTriplets
from perstream.models.labels import label_triplets
from perstream.models.told import told_triplets
from perstream.types import Caption, Observation, ObservationKind

GRAMMAR = GrammarTriplets()


def told(text: str) -> list[tuple[str, str, str]]:
    return [(t.subject, t.predicate, t.object) for t in GRAMMAR.of_told(text)]


@pytest.mark.parametrize(
    ("sentence", "triplets"),
    [
        ("I am allergic to peanuts", [("I", "allergic to", "peanuts")]),
        ("I take lisinopril at 9 am.", [("I", "take", "lisinopril"), ("lisinopril", "at", "9 am")]),
        (
            "My train leaves from platform 7 at 9:40",
            [("my train", "leaves from", "platform 7"), ("my train", "leaves at", "9:40")],
        ),
        ("Anna is my sister", [("Anna", "is", "my sister")]),
        ("I parked on level 3", [("I", "parked on", "level 3")]),
        ("I don't eat gluten", [("I", "do not eat", "gluten")]),
        ("I never drink coffee after 4 pm", [("I", "never drink", "coffee"), ("coffee", "after", "4 pm")]),
        ("I'm looking for my black notebook", [("I", "looking for", "my black notebook")]),
        ("I used to live in Paris", [("I", "used to live in", "Paris")]),
        ("There is milk in the fridge", [("milk", "in", "fridge")]),
        (
            "Remind me to buy milk when I see the supermarket",
            [("I", "reminded to", "buy milk"), ("buy milk", "when", "supermarket")],
        ),
        ("Don't forget to call Ben tomorrow", [("I", "reminded to", "call Ben"), ("call Ben", "when", "tomorrow")]),
        (
            "I lent Ben my bike last week",
            [("I", "lent", "my bike"), ("my bike", "to", "Ben"), ("my bike", "when", "last week")],
        ),
        ("wifi password: abc123", [("wifi password", "is", "abc123")]),
        ("Last month, I bought a lamp, and it broke.", [("I", "bought", "lamp"), ("lamp", "when", "last month")]),
        ("I remember packing a bag in the attic", [("I", "remember packing", "bag"), ("bag", "in", "attic")]),
    ],
)
def test_told_sentences(sentence: str, triplets: list[tuple[str, str, str]]) -> None:
    assert told(sentence) == triplets


@pytest.mark.parametrize(
    "sentence",
    [
        "My dentist appointment is on Tuesday at 10",
        "The spare key is under the blue pot",
        "My wifi password is hunter2",
        "I live in Bern",
        "I parked on level 3",
    ],
)
def test_what_has_one_value_at_a_time_is_functional(sentence: str) -> None:
    assert all(t.functional for t in GRAMMAR.of_told(sentence))


@pytest.mark.parametrize("sentence", ["I am allergic to peanuts", "I like tea", "I was on a call", "Anna is my sister"])
def test_what_may_have_many_values_is_not(sentence: str) -> None:
    assert not any(t.functional for t in GRAMMAR.of_told(sentence))


def test_a_place_and_a_time_also_stand_under_one_predicate() -> None:
    assert ("spare key", "where", "under blue pot") in told("The spare key is under the blue pot")
    assert ("my dentist appointment", "when", "on Tuesday at 10") in told("My dentist appointment is on Tuesday at 10")


@pytest.mark.parametrize(
    ("lines", "fact"),
    [
        (["Dentist Tue 10:00"], ("dentist", "at", "Tue 10:00")),
        (["DENTIST", "TUE 10:00"], ("dentist", "at", "TUE 10:00")),
        (["IBUPROFEN 400 mg", "24 tablets"], ("ibuprofen", "dose", "400 mg")),
        (["WIFI password: x9z!"], ("wifi password", "is", "x9z!")),
        (["PLATFORM 7", "ZURICH 09:40"], ("sign", "shows", "platform 7")),
        (["Menu", "Coffee 4.50 €", "Tea 3.80 €"], ("tea", "price", "3.80 €")),
        (["Dr. Meier", "044 123 45 67"], ("dr meier", "phone number", "044 123 45 67")),
        (["- Call the plumber: Lena"], ("call the plumber", "is", "Lena")),
    ],
)
def test_labels(lines: list[str], fact: tuple[str, str, str]) -> None:
    assert fact in [(t.subject, t.predicate, t.object) for t in label_triplets(lines)]


@pytest.mark.parametrize("lines", [["PEANUT BUTTER"], ["EXIT"], ["10:00"], ["https://example.org/menu"], [""]])
def test_plain_words_state_no_fact(lines: list[str]) -> None:
    assert label_triplets(lines) == []


def observed(kind: ObservationKind, text: str, votes: int = 2, speaker: str | None = None) -> Observation:
    return Observation(kind, text, 0.9, 0.0, 1.0, votes, None, speaker)


def test_a_caption_gives_what_was_read_contained_and_said() -> None:
    caption = Caption(
        "",
        (
            observed(ObservationKind.TEXT, "PLATFORM 7"),
            observed(ObservationKind.TEXT, "perhaps", votes=1),
            observed(ObservationKind.CODE, "https://a.example"),
            observed(ObservationKind.TRANSCRIPT, "My mother lives in Rome.", speaker="Anna"),
        ),
    )
    found = [(t.subject, t.predicate, t.object) for t in GRAMMAR.of_caption(caption)]
    assert ("I", "read", "PLATFORM 7") in found and ("QR code", "contains", "https://a.example") in found
    assert ("Anna", "said", "My mother lives in Rome.") in found and ("Anna's mother", "lives in", "Rome") in found
    assert not any("perhaps" in t for t in map(" ".join, found))


@pytest.mark.parametrize(
    "text", ["", "   ", "?", "What is this?", "ok", "日本語のメモ", "a " * 100_000, "I am " * 50_000, "\x00\x00"]
)
def test_odd_texts_do_no_harm(text: str) -> None:
    assert len(GRAMMAR.of_told(text)) <= MAX_TRIPLETS


@pytest.mark.parametrize(
    ("sentence", "triplets"),
    [
        ("Oh well, such is life.", []),
        ("I slept so badly last night.", []),
        (
            "I will pick you up at 20:30 in front of the museum.",
            [("I", "will pick up", "you"), ("you", "at", "20:30"), ("you", "in", "front of the museum")],
        ),
        (
            "Dinner is on Wednesday, please bring a salad.",
            [("Dinner", "is on", "Wednesday"), ("Dinner", "when", "on Wednesday")],
        ),
    ],
)
def test_what_people_say_in_passing(sentence: str, triplets: list[tuple[str, str, str]]) -> None:
    assert [(t.subject, t.predicate, t.object) for t in told_triplets(sentence)] == triplets


@pytest.mark.parametrize(
    ("lines", "fact"),
    [
        (("OPENING HOURS", "8:45 - 17:40", "Saturday until 12:55"), ("opening hours", "at", "Saturday until 12:55")),
        (("OCTOBER", "9", "Sunday", "BLOOD TEST 10:55"), ("blood test", "at", "Sunday")),
        (("CITYPARCEL", "To: Daniel Albers", "Leeds"), ("cityparcel", "to", "Daniel Albers")),
        (("To: Daniel Albers",), ("label", "to", "Daniel Albers")),
    ],
)
def test_words_that_name_nothing_are_no_subject(lines: tuple[str, ...], fact: tuple[str, str, str]) -> None:
    found = [(t.subject, t.predicate, t.object) for t in label_triplets(lines)]
    assert fact in found
    assert not {"until", "october", "to"} & {subject for subject, _, _ in found}
