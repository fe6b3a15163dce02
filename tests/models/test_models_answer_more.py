from __future__ import annotations

from datetime import datetime, timezone

import pytest
from answer_fifth import FIFTH_CASES, FIFTH_DAY
from answer_fourth import FOURTH_CASES, FOURTH_DAY
from answer_more import THIRD_CASES, THIRD_DAY
from answer_world import NOW, Item, World, verdict

from perstream.models.builtin_answer import BuiltinAnswerer
from perstream.models.hours import hour_of, lines_of_day, weekdays_of
from perstream.models.minilm import MiniLM
from perstream.models.saiddays import said_time
from perstream.protocols import Answer


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="module")
def third(embedder: MiniLM) -> World:
    return World(THIRD_DAY, embedder)


@pytest.fixture(scope="module")
def fourth(embedder: MiniLM) -> World:
    return World(FOURTH_DAY, embedder)


@pytest.fixture(scope="module")
def fifth(embedder: MiniLM) -> World:
    return World(FIFTH_DAY, embedder)


def ask(world: World, question: str) -> Answer:
    return BuiltinAnswerer(world.embedder, 0.35).answer(world.request(question, 20, NOW), lambda _: None, lambda: False)


@pytest.mark.parametrize(("question", "expected", "keys"), THIRD_CASES)
def test_a_third_day_is_remembered(third: World, question: str, expected: str | None, keys: str) -> None:
    assert verdict(third, ask(third, question), expected, keys) == ""


@pytest.mark.parametrize(("question", "expected", "keys"), FOURTH_CASES)
def test_a_fourth_day_is_remembered(fourth: World, question: str, expected: str | None, keys: str) -> None:
    assert verdict(fourth, ask(fourth, question), expected, keys) == ""


@pytest.mark.parametrize(("question", "expected", "keys"), FIFTH_CASES)
def test_a_fifth_day_is_remembered(fifth: World, question: str, expected: str | None, keys: str) -> None:
    assert verdict(fifth, ask(fifth, question), expected, keys) == ""


def test_closed_is_no(third: World) -> None:
    assert str(ask(third, "Is the bicycle repair open on Sunday?").text).startswith("No: I read")
    assert str(ask(third, "Is the bicycle repair open on Saturday?").text).startswith("Yes: I read")


def test_a_title_is_found_on_another_part_of_the_cover(embedder: MiniLM) -> None:
    world = World(
        [Item("cover", 5, ("text:GLASS RIVERS", "text:Tomas Aldo")), Item("sign", 9, ("text:BAKERY",))], embedder
    )
    record = world.records[0]
    assert "GLASS RIVERS" in record.text and record.text.count('"') >= 2
    for question in ("Which book by Tomas Aldo did I see?", "What is the title of the book by Tomas Aldo?"):
        assert str(ask(world, question).text).startswith("GLASS RIVERS: I read")


def test_a_fact_about_one_thing_is_not_taken_for_another(embedder: MiniLM) -> None:
    world = World([Item("a", -9, told="My favourite drink is orange juice.")], embedder)
    assert ask(world, "What is my favourite orange?").text is None
    assert ask(world, "What is my favourite film?").text is None
    assert ask(world, "What is my favourite song?").text is None
    assert ask(world, "What is my favourite drink?").text is not None


def test_the_owner_is_known_by_what_the_owner_said(embedder: MiniLM) -> None:
    world = World([Item("a", -9, told="My name is Kim Larsen."), Item("b", -8, told="My dog's name is Rex.")], embedder)
    assert "Kim Larsen" in str(ask(world, "What is my name?").text)
    assert "Kim Larsen" in str(ask(world, "Who am I?").text)
    assert "Rex" in str(ask(world, "What is my dog's name?").text)
    assert ask(world, "How old am I?").text is None


def test_a_why_is_answered_by_a_reason(embedder: MiniLM) -> None:
    world = World(
        [
            Item("a", 5, ("Ilse: The picnic was cancelled because of the storm.",)),
            Item("b", 6, ("Ilse: The concert was moved to Friday.",)),
        ],
        embedder,
    )
    assert "storm" in str(ask(world, "Why was the picnic cancelled?").text)
    assert ask(world, "Why was the concert moved?").text is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Monday - Friday", {0, 1, 2, 3, 4}),
        ("Sat, Sun", {5, 6}),
        ("Fri to Mon", {4, 5, 6, 0}),
        ("weekdays", {0, 1, 2, 3, 4}),
        ("open daily", {0, 1, 2, 3, 4, 5, 6}),
        ("Room 7", set()),
    ],
)
def test_weekdays_of_a_line(text: str, days: set[int]) -> None:
    assert weekdays_of(text) == days


def test_hours_of_a_day() -> None:
    sign = ["OPEN", "Tue - Sat", "9:00 - 17:30", "Sunday until 12:00", "Monday closed"]
    assert lines_of_day(range(5), sign, "when does it open on Thursday") == [1, 2]
    assert lines_of_day(range(3), sign, "when does it open on Sunday") == []
    assert hour_of(sign[2], starts=True, ends=False) == "9:00" and hour_of(sign[2], starts=False, ends=True) == "17:30"
    assert hour_of(sign[3], starts=False, ends=True) == "12:00" and hour_of(sign[3], starts=True, ends=False) == ""
    assert hour_of(sign[4], starts=True, ends=False) == "closed" and hour_of("OPEN", starts=True, ends=False) == ""


@pytest.mark.parametrize(
    ("time", "meant"),
    [
        ("yesterday", "on 3 March"),
        ("Tomorrow at 10:00", "on 5 March at 10:00"),
        ("tonight", "on 4 March"),
        ("last Friday", "on 27 February"),
        ("next Monday", "today"),
        ("last week", "the week before 4 March"),
        ("last month", "in February"),
        ("last year", "in 2025"),
        ("three months ago", "in December 2025"),
        ("two weeks ago", "about 18 February"),
        ("5 days ago", "on 27 February"),
        ("Friday at 10:00", ""),
        ("at 10:00", ""),
    ],
)
def test_relative_days_stay_true(time: str, meant: str) -> None:
    said = datetime(2026, 3, 4, 9, 0, tzinfo=timezone.utc)  # a Wednesday; NOW is the Monday after
    assert said_time(time, said, NOW) == meant
    assert said_time(time, NOW, NOW) == ""


def test_what_was_tomorrow_is_dated(embedder: MiniLM) -> None:
    world = World([Item("a", -3 * 1440, ("Ines: I see the vet tomorrow at 15:30.",))], embedder)
    assert str(ask(world, "When does Ines see the vet?").text).startswith("On 7 March at 15:30: Ines said")
