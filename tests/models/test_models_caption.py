from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from perstream.models.builtin_caption import MAX_CHARS, NOTHING, BuiltinCaptioner, caption_text
from perstream.types import Keyframe, Moment, Observation, ObservationKind, Percept

START = datetime(2026, 3, 9, 8, 0, tzinfo=timezone.utc)
K = ObservationKind


def seen(
    kind: ObservationKind,
    text: str,
    *,
    votes: int = 2,
    at: float = 0.0,
    speaker: str | None = None,
    box=None,
    score: float = 0.95,
) -> Observation:
    return Observation(kind, text, score, at, at, votes, box, speaker)


def moment(*looks: tuple[Observation, ...]) -> Moment:
    rgb, patches = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 8), np.float16)
    percepts = tuple(
        Percept(Keyframe("a.mp4", i, float(i), START, rgb, "first", 0.0, 1.0, 0), look, patches)
        for i, look in enumerate(looks)
    )
    return Moment("a.mp4", 0.0, 2.0, START, START, "notes", 0.5, percepts, patches, patches, b"")


@pytest.mark.parametrize(
    ("observation", "clause"),
    [
        (seen(K.TEXT, "EXIT"), 'Text read: "EXIT".'),
        (seen(K.TEXT, "EXIT", votes=1), 'Possibly read: "EXIT".'),
        (seen(K.CODE, "https://a.example"), 'QR code read: "https://a.example".'),
        (seen(K.CODE, "4006381333931"), 'Bar code read: "4006381333931".'),
        (seen(K.PEOPLE, "1"), "At least one face seems visible."),
        (seen(K.PEOPLE, "3"), "At least 3 faces seem visible."),
        (seen(K.TRANSCRIPT, "Hello.", speaker="Anna"), 'Anna said: "Hello."'),
        (seen(K.TRANSCRIPT, "Hello."), 'Heard: "Hello."'),
        (seen(K.SPEECH, ""), "Speech was heard, the words are not known."),
        (seen(K.LIGHT, "dim"), "The light is dim."),
        (seen(K.MOTION, "turning left"), "The camera was turning left."),
        (seen(K.MOTION, "something moves"), "Something moves in view."),
        (seen(K.COLOR, "red, white, green, blue"), "Colours: red, white and green."),
        (seen(K.PLACE, (START - timedelta(minutes=20)).isoformat()), "Looks like the place seen 20 minutes before."),
        (seen(K.PLACE, "nonsense"), "Looks like the place seen before."),
    ],
)
def test_each_observation_has_its_clause_and_nothing_else(observation: Observation, clause: str) -> None:
    assert caption_text([observation], START) == clause


def test_what_people_ask_about_comes_first() -> None:
    said = caption_text(
        [
            seen(K.COLOR, "red"),
            seen(K.LIGHT, "dark"),
            seen(K.CODE, "x"),
            seen(K.TEXT, "EXIT"),
            seen(K.TRANSCRIPT, "Hi"),
        ],
        START,
    )
    order = [said.index(word) for word in ("EXIT", "QR code", "Heard", "dark", "red")]
    assert order == sorted(order)


def test_lines_that_stand_together_are_one_text() -> None:
    lines = [
        seen(K.TEXT, t, box=(0.2, y, 0.6, y + 0.08)) for t, y in (("PEANUT", 0.1), ("BUTTER", 0.2), ("340 g", 0.3))
    ]
    far = seen(K.TEXT, "EXIT", box=(0.8, 0.85, 0.95, 0.9))
    assert caption_text([*lines, far], START) == 'Text read: "PEANUT BUTTER / 340 g"; "EXIT".'


def test_nothing_perceived_is_said_plainly() -> None:
    assert caption_text([], START) == NOTHING
    assert caption_text([seen(K.PEOPLE, "many")], START) == NOTHING


def test_texts_from_the_world_are_quoted_cleaned_and_cut() -> None:
    said = caption_text([seen(K.TEXT, 'Say "yes"\n\x1b[2J\u202eforget'), seen(K.CODE, "x" * 10_000)], START)
    assert "\n" not in said and "\x1b" not in said and "\u202e" not in said
    assert said.startswith("Text read: \"Say 'yes' [2J forget\".")
    assert len(said) < 500 and "…" in said


def test_a_caption_is_bounded_and_keeps_the_useful_words() -> None:
    many = [seen(K.TRANSCRIPT, f"word {i} " * 20, at=float(i)) for i in range(200)]
    said = caption_text([seen(K.TEXT, "EXIT"), *many], START)
    assert len(said) <= MAX_CHARS + 250 and '"EXIT"' in said


def test_a_moments_keyframes_are_merged_before_they_are_stated() -> None:
    look = (seen(K.TEXT, "PLATFORM 7", votes=1),)
    again = (Observation(K.TEXT, "PLATFORM 7", 0.9, 1.0, 1.0, 1),)
    caption = BuiltinCaptioner().caption(moment(look, again), lambda: False)
    assert caption.text == 'Text read: "PLATFORM 7".'
    assert [o.votes for o in caption.observations] == [2]


def test_a_cancelled_caption_is_still_an_honest_one() -> None:
    caption = BuiltinCaptioner().caption(moment((seen(K.TEXT, "EXIT"),)), lambda: True)
    assert caption.text == NOTHING and caption.observations == ()


def test_a_guess_is_stated_but_is_nothing_to_remember() -> None:
    """What one look made out unclearly, with nothing beside it."""
    doubled = seen(K.TEXT, "88455-177440", votes=1, score=0.91)
    colours = seen(K.COLOR, "white")
    caption = BuiltinCaptioner().caption(moment((doubled, colours)), lambda: False)
    assert caption.observations == ()
    assert "88455-177440" in caption.text


@pytest.mark.parametrize(
    "beside",
    [
        seen(K.TEXT, "8:45 - 17:40", votes=1),
        seen(K.TEXT, "OPENING HOURS", votes=2),
        seen(K.CODE, "https://a.example"),
        seen(K.PEOPLE, "1"),
        seen(K.TRANSCRIPT, "Hello."),
        seen(K.SPEECH, ""),
    ],
)
def test_something_sure_or_clear_beside_a_guess_is_remembered(beside: Observation) -> None:
    guess = replace(seen(K.TEXT, "WINDQW", votes=1, score=0.9), box=(0.1, 0.1, 0.2, 0.2))
    caption = BuiltinCaptioner().caption(moment((guess, beside)), lambda: False)
    assert len(caption.observations) == 2


def test_a_view_without_words_is_remembered_and_a_stray_glyph_is_not_said() -> None:
    glyph = seen(K.TEXT, "田", votes=1, score=0.99)
    caption = BuiltinCaptioner().caption(moment((glyph, seen(K.COLOR, "black"))), lambda: False)
    assert caption.text == "Colours: black."
    assert caption.observations
