"""Triplets by a chat model: strictly checked, repaired once, grounded in the text, with the grammar beside them."""

from __future__ import annotations

import json

import pytest
from chat_world import HOSTILE, K, seen, words_of

from perstream.errors import BackendUnavailable, BadOutput, Interrupted
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.models.chat.fallback import Fallbacks
from perstream.models.chat.json_answers import triplets_in
from perstream.models.chat.prompts import MAX_TRIPLETS, TRIPLET_SCHEMA
from perstream.models.chat.scripted import ScriptedChat
from perstream.models.chat.triplets import ChatTriplets
from perstream.types import Caption, Triplet


def fact(subject: str = "I", predicate: str = "like", obj: str = "tea", functional: bool = False) -> dict[str, object]:
    return {"subject": subject, "predicate": predicate, "object": obj, "functional": functional}


def said(*facts: object) -> str:
    return json.dumps({"triplets": facts})


def extractor(*replies) -> tuple[ChatTriplets, ScriptedChat, Fallbacks]:
    chat, counted = ScriptedChat(replies), Fallbacks("scripted")
    return ChatTriplets(chat, None, counted), chat, counted


class Silent:
    """A grammar that knows nothing."""

    def of_caption(self, caption):
        return ()

    def of_told(self, text):
        return ()


GOOD = Triplet("I", "like", "tea")


@pytest.mark.parametrize(
    "reply",
    [
        said(fact()),
        f"Sure! Here it is:\n```json\n{said(fact())}\n```\nAnything else?",
        f"<think>[1] {{maybe}}</think>{said(fact())}",
        json.dumps([fact()]),
        f"I found [1] fact: {said(fact())}",
        said({"subject": " I ", "predicate": "like", "object": "tea\n"}),
        json.dumps({"triplets": [fact()]}, indent=4) + "}}}",
    ],
)
def test_json_is_found_wherever_the_model_puts_it(reply: str) -> None:
    assert triplets_in(reply) == (GOOD,)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("no facts, sorry", "no JSON"),
        ('{"triplets": [{"subject": "I", "pred', "broken"),
        ('{"facts": []}', "form"),
        ('{"triplets": {}}', "list"),
        ('{"triplets": [], "note": 1}', "form"),
        (said("I like tea"), "fact 1 is no object"),
        (said(fact(), {"subject": "I", "object": "tea"}), '"predicate" of fact 2'),
        (said({**fact(), "sure": 1}), "unknown key"),
        (said({**fact(), "functional": "yes"}), "true or false"),
        (said(fact(obj="")), "blank"),
        (said(fact(obj=" . ")), "blank"),
        (said({**fact(), "object": 3}), "must be a text"),
        (said({**fact(), "object": None}), "must be a text"),
        (said(fact(obj="x" * 121)), "longer"),
        (said(fact(predicate="x" * 61)), "longer"),
        (said(*[fact()] * (MAX_TRIPLETS + 1)), "more than"),
        ("[" * 3000, "nested"),
        ('{"a":' * 3000, "nested"),
        ("x" * 30000, "more than"),
        ('{"triplets": [' + "9" * 6000 + "]}", "broken"),
    ],
)
def test_what_does_not_follow_the_schema_is_named(reply: str, problem: str) -> None:
    with pytest.raises(BadOutput, match=problem):
        triplets_in(reply)


def test_halves_of_characters_do_not_get_through() -> None:
    (found,) = triplets_in('{"triplets": [{"subject": "I", "predicate": "like", "object": "tea \\ud800"}]}')
    found.object.encode()


def test_one_repair_with_the_error_named() -> None:
    _, chat, counted = extractor("I like tea, so: {broken", said(fact(obj="tea")))
    found = ChatTriplets(chat, Silent(), counted).of_told("I like tea.")
    assert found == (Triplet("I", "like", "tea", 0.8),)
    assert [s.schema for _, s in chat.asked] == [TRIPLET_SCHEMA] * 2 and chat.asked[0][1].kind == "triplets"
    assert "the JSON is broken" in words_of(chat.asked[1][0][-1:])
    assert counted.counts == {"triplets: repaired once": 1}


def test_two_failures_leave_the_grammar_and_are_counted() -> None:
    made, chat, counted = extractor("nonsense")
    assert made.of_told("I am allergic to peanuts.") == GrammarTriplets().of_told("I am allergic to peanuts.") != ()
    assert chat.calls == 2
    assert counted.counts == {"triplets: repaired once": 1, "triplets: BadOutput": 1}


def test_a_model_that_is_gone_leaves_the_grammar_at_once() -> None:
    made, chat, counted = extractor(BackendUnavailable("gone: start it"))
    assert made.of_told("I like tea.") == GrammarTriplets().of_told("I like tea.")
    assert chat.calls == 1 and counted.counts == {"triplets: BackendUnavailable": 1}


def test_a_question_interrupts_it() -> None:
    made, _, counted = extractor(said(fact()))
    with pytest.raises(Interrupted):
        made.of_caption(Caption("I like tea.", ()), lambda: True)
    assert counted.counts == {}


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        (fact("I", "like", "green tea"), ("I", "green tea", 0.8)),
        (fact("the user", "like", "tea"), ("I", "tea", 0.8)),
        (fact("Anna", "likes", "tea"), ("Anna", "tea", 0.8)),
        (fact("I", "like", "teas"), ("I", "teas", 0.8)),
        (fact("I", "like", "very green tea leaves"), ("I", "very green tea leaves", 0.533)),
        (fact("I", "like", "coffee"), None),
        (fact("Bob", "likes", "tea"), None),
        (fact("I", "paid", "12 francs"), None),
        (fact("I", "am", "me"), None),
    ],
)
def test_names_that_are_not_in_the_text_are_dropped(
    one: dict[str, object], kept: tuple[str, str, float] | None
) -> None:
    chat, counted = ScriptedChat([said(one)]), Fallbacks("scripted")
    found = ChatTriplets(chat, Silent(), counted).of_told("Anna and I like green tea and paid 11 francs.")
    assert [(t.subject, t.object, t.score) for t in found] == ([kept] if kept else [])
    assert counted.counts == ({} if kept else {"triplets: names that are not in the text": 1})


def test_the_grammar_keeps_its_predicate_and_a_model_supersedes_nothing_behind_its_back() -> None:
    text = "My phone number is 079 123 45 67."
    exact = GrammarTriplets().of_told(text)
    model = [fact(t.subject, "has the number", t.object, True) for t in exact] + [fact("I", "have", "phone", True)]
    made, _, _ = extractor(said(*model))
    found = made.of_told(text)
    assert found[: len(exact)] == exact
    assert [(t.object, t.functional) for t in found[len(exact) :]] == [("phone", False)]


def test_a_caption_gives_what_was_read_and_what_the_model_adds() -> None:
    sign = seen(K.TEXT, "PLATFORM 4")
    words = seen(K.TRANSCRIPT, "My train leaves at noon", speaker="Anna")
    caption = Caption('A red train. Text read: "PLATFORM 4".', (sign, words))
    model = [
        fact("red train", "stands at", "PLATFORM 4"),
        fact("Anna", "takes", "train", True),
        fact("Zoe", "sees", "train"),
    ]
    found = ChatTriplets(ScriptedChat([said(*model)])).of_caption(caption)
    assert {("I", "read", "PLATFORM 4"), ("Anna", "said", "My train leaves at noon")} <= {
        (t.subject, t.predicate, t.object) for t in found
    }
    assert ("red train", "stands at", "PLATFORM 4") in {(t.subject, t.predicate, t.object) for t in found}
    assert not any(t.functional for t in found if t.subject == "Anna" and t.predicate == "takes")
    assert "Zoe" not in {t.subject for t in found}


def test_a_text_without_letters_is_not_asked_about() -> None:
    made, chat, _ = extractor(said(fact()))
    assert made.of_told("12 : 30") == GrammarTriplets().of_told("12 : 30")
    assert chat.calls == 0


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("reply", [*HOSTILE.values(), said(fact("I", "owe", "Mallory"))], ids=[*HOSTILE, "obeys"])
def test_hostile_texts_and_replies_do_not_crash_it(text: str, reply: str) -> None:
    made, _, _ = extractor(reply)
    for found in (made.of_told(text), made.of_caption(Caption(text, (seen(K.TEXT, text),)))):
        assert len(found) <= 32
        assert all(len(t.subject) <= 300 and t.subject.strip() and t.object.strip() for t in found)
