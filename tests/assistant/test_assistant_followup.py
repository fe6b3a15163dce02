from __future__ import annotations

import pytest

from perstream.assistant.followup import leans, whole


@pytest.mark.parametrize(
    "question",
    [
        "And when was that?",
        "where was it",
        "Why?",
        "so who said that?",
        "What colour was it?",
        "When exactly?",
        "how long ago was this?",
    ],
)
def test_a_question_that_names_nothing_leans_on_the_one_before(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    ["", "Where are my keys?", "Is it raining?", "What did Anna say about that?", "and my keys?", "¿dónde?"],
)
def test_a_question_that_names_something_stands_by_itself(question: str) -> None:
    assert not leans(question)


def test_it_is_put_together_with_the_latest_that_stands_by_itself() -> None:
    earlier = ["Who came by?", "Where did I put my keys?", "why?"]
    assert whole("And when was that?", earlier) == "when was that: Where did I put my keys?"
    assert whole("And when was that?", []) == "And when was that?"
    assert whole("And when was that?", ["why?", " "]) == "And when was that?"
    assert whole("Where is Anna?", earlier) == "Where is Anna?"
