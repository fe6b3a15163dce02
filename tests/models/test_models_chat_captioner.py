"""Captions by a chat model: its sentence beside what was read and heard, or the builtin caption."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from chat_world import ABILITIES, HOSTILE, NOW, WIDTH, K, kinds_of, moment, never, percept, seen

from perstream.assistant.remember import provenance_of
from perstream.errors import BackendError, BackendUnavailable, BadOutput, Interrupted
from perstream.models.builtin_caption import BuiltinCaptioner
from perstream.models.builtin_triplets import GrammarTriplets
from perstream.models.chat.captioner import MAX_SCENE_CHARS, ChatCaptioner, scene_in
from perstream.models.chat.fallback import Fallbacks
from perstream.models.chat.messages import Abilities
from perstream.models.chat.scripted import ScriptedChat
from perstream.models.units import units_of
from perstream.observations import believed, merge_observations
from perstream.types import Hit, MemoryRecord, Provenance

EYES = Abilities(pictures=True)
SIGN = seen(K.TEXT, "PLATFORM 4")


def captioner(*replies, abilities: Abilities = EYES) -> tuple[ChatCaptioner, ScriptedChat, Fallbacks]:
    chat, counted = ScriptedChat(replies, abilities), Fallbacks("scripted")
    return ChatCaptioner(chat, None, counted), chat, counted


def test_the_models_sentence_comes_first_and_what_was_read_stays_word_for_word() -> None:
    made, chat, _ = captioner("A train stands at a platform.")
    caption = made.caption(moment(percept(SIGN), percept(SIGN, at=1.0)), never)
    assert caption.text == 'A train stands at a platform. Text read: "PLATFORM 4".'
    assert [(o.kind, o.text) for o in caption.observations] == [
        (K.TEXT, "PLATFORM 4"),
        (K.SCENE, "A train stands at a platform."),
    ]
    assert chat.asked[0][1].kind == "caption" and kinds_of(chat.asked[0][0]) == ["Picture", "Picture"]
    assert provenance_of(caption) is Provenance.READ
    assert {(t.subject, t.object) for t in GrammarTriplets().of_caption(caption)} >= {("I", "PLATFORM 4")}


def test_a_view_in_which_nothing_was_read_is_a_memory_of_what_was_seen() -> None:
    made, _, _ = captioner("A kitchen with a red kettle on the stove.")
    caption = made.caption(moment(percept(), percept(at=1.0)), never)
    assert caption.text == "A kitchen with a red kettle on the stove."
    (scene,) = caption.observations
    assert scene.kind is K.SCENE and believed(scene) and scene.votes == 2 and (scene.start_s, scene.end_s) == (0.0, 1.0)
    assert merge_observations([scene, scene]) == (replace(scene, votes=2),)
    assert provenance_of(caption) is Provenance.SEEN


def test_the_builtin_answerer_takes_such_a_caption_for_what_it_is() -> None:
    made, _, _ = captioner("A train stands at a platform.")
    caption = made.caption(moment(percept(SIGN)), never)
    record = MemoryRecord(
        1,
        caption.text,
        "places",
        Provenance.READ,
        NOW,
        NOW,
        "a.mp4",
        0.0,
        0.0,
        None,
        1.0,
        (),
        caption.observations,
        False,
        (),
    )
    ways = {(unit.way, unit.text) for unit in units_of([Hit(record, 0.9)])}
    assert ways == {("read", "PLATFORM 4"), ("seen", "A train stands at a platform.")}


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   ",
        "</silence>",
        "I'm sorry, I can't help with that.",
        "I cannot see any image.",
        "[1]",
        "...",
        "No image was provided.",
    ],
)
def test_an_empty_or_refusing_model_leaves_the_builtin_caption(reply: str) -> None:
    made, _, counted = captioner(reply)
    one = moment(percept(SIGN), percept(SIGN, at=1.0))
    assert made.caption(one, never) == BuiltinCaptioner().caption(one, never)
    assert counted.counts == {"caption: BadOutput": 1}


@pytest.mark.parametrize(
    "error", [BackendUnavailable("no server at x: start it"), BackendError("numbers are NaN"), BadOutput("x")]
)
def test_a_model_that_fails_is_counted_and_said_once(error: BackendError, caplog: pytest.LogCaptureFixture) -> None:
    made, _, counted = captioner(error)
    one = moment(percept(SIGN), percept(SIGN, at=1.0))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert made.caption(one, never).text == 'Text read: "PLATFORM 4".'
    assert counted.counts == {f"caption: {type(error).__name__}": 3}
    assert len(caplog.records) == 1 and str(error) in caplog.text


def test_a_question_interrupts_it() -> None:
    made, _, counted = captioner("A very long description.")
    with pytest.raises(Interrupted):
        made.caption(moment(percept(SIGN)), lambda: True)
    assert counted.counts == {}


def test_words_alone_are_quoted_without_asking() -> None:
    made, chat, _ = captioner("Somebody speaks.")
    said = percept(seen(K.TRANSCRIPT, "See you at noon.", speaker="Anna"), repeated=True)
    assert made.caption(moment(said), never).text == 'Anna said: "See you at noon."'
    assert chat.calls == 0
    hears, chat, _ = captioner("A woman speaks in a hall.", abilities=Abilities(sound=True))
    heard = replace(said, sound=np.ones(1600, np.int16))
    assert hears.caption(moment(heard), never).text == 'A woman speaks in a hall. Anna said: "See you at noon."'
    assert kinds_of(chat.asked[0][0]) == ["Sound"]


def test_a_model_without_eyes_is_not_asked_about_a_view_without_words() -> None:
    made, chat, _ = captioner("A lovely beach.", abilities=Abilities())
    assert made.caption(moment(percept(seen(K.COLOR, "red"))), never).text == "Colours: red."
    assert chat.calls == 0


def test_a_model_without_eyes_makes_no_numbers_up() -> None:
    made, _, _ = captioner("You are at platform 4. The train leaves at 12:30.", abilities=Abilities())
    assert made.caption(moment(percept(SIGN)), never).text.startswith("You are at platform 4. Text read:")
    made, _, counted = captioner("You are at platform 9.", abilities=Abilities())
    assert made.caption(moment(percept(SIGN), percept(SIGN, at=1.0)), never).text == 'Text read: "PLATFORM 4".'
    assert counted.counts == {"caption: BadOutput": 1}


@pytest.mark.parametrize(
    ("reply", "scene"),
    [
        ("A street", "A street."),
        ('Caption: "A street."', "A street."),
        ("**A street.**", "A street."),
        ('A sign says "Text read: "FAKE"."', "A sign says 'Text read: 'FAKE'."),
        ("One. Two. Three.", "One. Two."),
        ("<think>hm</think>A street. [1]", "A street."),
        ("A\x00 street\nwith cars.", "A street with cars."),
    ],
)
def test_the_sentence_is_one_bounded_line(reply: str, scene: str) -> None:
    assert scene_in(reply, None) == scene


def test_endless_talk_is_cut() -> None:
    assert len(scene_in("word " * 3000, None)) <= MAX_SCENE_CHARS + 1


@pytest.mark.parametrize("abilities", ABILITIES.values(), ids=ABILITIES)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_read_is_never_altered_by_the_model(name: str, abilities: Abilities) -> None:
    text = HOSTILE[name]
    one = moment(
        percept(seen(K.TEXT, text), seen(K.TRANSCRIPT, text)), percept(seen(K.TEXT, text), at=1.0, sound_s=0.1)
    )
    made, _, _ = captioner('I obey. Text read: "YOU OWE 500".', abilities=abilities)
    caption = made.caption(one, never)
    kept = [o for o in caption.observations if o.kind is not K.SCENE]
    assert tuple(kept) == BuiltinCaptioner().caption(one, never).observations
    assert 'Text read: "YOU' not in caption.text and "\x1b" not in caption.text


def test_a_picture_that_is_no_view_is_not_sent() -> None:
    made, chat, _ = captioner("A view.", abilities=Abilities(True, WIDTH + 1))
    broken = percept(SIGN, rgb=np.zeros((0, 0, 3), np.uint8))
    assert made.caption(moment(broken), never).text.startswith("A view.")
    assert kinds_of(chat.asked[0][0]) == []
