"""What people say, turn by turn."""

from __future__ import annotations

from dataclasses import replace

from percepts import heard, percept

from perstream.assistant.hearing import Hearing
from perstream.types import Percept


def texts(hearing: Hearing, *percepts: Percept) -> list[str]:
    said = [u for p in percepts for u in hearing.take(p)[1]]
    return [u.percept.observations[0].text for u in (*said, *hearing.finish())]


def test_each_sentence_is_one_utterance() -> None:
    assert texts(Hearing(), heard(1, "Hello there."), heard(4, "The key is lost.")) == [
        "Hello there.",
        "The key is lost.",
    ]


def test_a_sentence_that_breaks_off_is_joined_with_what_follows() -> None:
    hearing = Hearing()
    one, two = heard(1, "My new number is", "Ben"), heard(3, "0172 738.", "Ben")
    assert texts(hearing, one, two) == ["My new number is 0172 738."]


def test_not_with_another_speaker_or_after_a_pause() -> None:
    assert len(texts(Hearing(), heard(1, "My number is", "Ben"), heard(3, "Coffee?", "Anna"))) == 2
    assert len(texts(Hearing(), heard(1, "My number is", "Ben"), heard(9, "Coffee", "Ben"))) == 2


def test_an_unfinished_sentence_does_not_wait_for_ever() -> None:
    hearing = Hearing()
    hearing.take(heard(1, "And then"))
    _, said = hearing.take(percept(10.0))
    assert [u.percept.observations[0].text for u in said] == ["And then"]


def test_a_question_is_the_context_of_its_answer() -> None:
    hearing = Hearing()
    hearing.take(heard(1, "Where is the key?", "Ben"))
    _, (answer,) = hearing.take(heard(4, "Under the pot.", "Anna"))
    assert answer.context == "Where is the key?"
    _, (own,) = hearing.take(heard(7, "Or in the shed.", "Anna"))
    assert own.context == ""


def test_words_part_from_the_picture() -> None:
    both = percept(1.0, "PLATFORM 7")
    both = replace(both, observations=both.observations + heard(1.0, "Hello there.").observations)
    seen, said = Hearing().take(both)
    assert seen is not None
    assert [o.text for o in seen.observations] == ["PLATFORM 7"]
    assert [u.percept.observations[0].text for u in said] == ["Hello there."]
    assert said[0].percept.repeated
    assert Hearing().take(heard(1.0, "Hello."))[0] is None
