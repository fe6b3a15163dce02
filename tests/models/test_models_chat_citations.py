"""Marks in a reply: whatever the pieces are, the words come out the same and no mark comes out at all."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perstream.models.chat.answer_stream import AnswerStream, Grounded, denies
from perstream.models.chat.citations import NOW, MarkFilter, read_marks
from perstream.models.chat.support import Support


@pytest.mark.parametrize(
    ("reply", "words", "numbers"),
    [
        ("[1] You parked on level 2.", "You parked on level 2.", (1,)),
        ("You parked on level 2 [1].", "You parked on level 2.", (1,)),
        ("[1][4] Both.", "Both.", (1, 4)),
        ("Level 2 [1], [2] near the lift [3-5].", "Level 2 near the lift.", (1, 2, 3, 4, 5)),
        ("[1, 3 and 7] Three.", "Three.", (1, 3, 7)),
        ("[Memory 2] Yes.", "Yes.", (2,)),
        ("It is at 10:00【2†source】.", "It is at 10:00.", (2,)),
        ("[now] It says EXIT, [2] as before.", "It says EXIT, as before.", (NOW, 2)),
        ("The [EXIT] sign [x].", "The [EXIT] sign [x].", ()),
        ("x < 5 > 3 <b>", "x < 5 > 3 b>", ()),
        ("<think>maybe [3]</think>[2] Done.", "Done.", (2,)),
        ("</response> [2] Careful: peanuts.", "Careful: peanuts.", (2,)),
        ("Yes.<|im_end|>", "Yes.", ()),
        ("[1[1]] nested </sil</silence>ence>", "1] nested /silence>", (1,)),
        ("cut off [1", "cut off", ()),
        ("cut off </sil", "cut off", ()),
        ("A\x00B\nC\t D\u202e.", "A B C D.", ()),
        ("[0] zero", "zero", ()),
        ("", "", ()),
    ],
)
def test_marks_are_taken_out_and_read(reply: str, words: str, numbers: tuple[int, ...]) -> None:
    assert (read_marks(reply).text, read_marks(reply).numbers) == (words, numbers)


PIECES = st.lists(
    st.sampled_from(
        [
            "[1",
            "]",
            "[2]",
            "[now]",
            " ",
            "You ",
            "level",
            "</sil",
            "ence>",
            "</si",
            "lence>",
            "/silence>",
            "1]",
            "<",
            "[",
            ".",
            ",",
            "</response>",
            "【3】",
            "<|im_",
            "end|>",
        ]
    )
    | st.text(max_size=4),
    max_size=14,
)


@given(PIECES)
def test_the_words_are_the_same_however_a_reply_is_cut(pieces: list[str]) -> None:
    marks = MarkFilter()
    out = "".join(marks.feed(piece) for piece in pieces) + marks.finish()
    whole = MarkFilter()
    assert out == whole.feed("".join(pieces)) + whole.finish()
    assert (marks.numbers, marks.silent) == (whole.numbers, whole.silent)


@given(PIECES)
def test_no_mark_ever_comes_out(pieces: list[str]) -> None:
    words = read_marks("".join(pieces)).text
    assert not re.search(r"</?(?:silence|response)>|<\|im_end\|>|\[(?:\d{1,3}|now)\]|【\d】", words)
    assert words == " ".join(words.split())


def test_a_bracket_that_never_closes_is_not_waited_for() -> None:
    marks = MarkFilter()
    assert marks.feed("[" + "x" * 60).startswith("[xxx")


def test_no_reply_keeps_it_busy() -> None:
    started = time.perf_counter()
    for junk in (
        "[" + "1" * 46 + "x",
        "[" + "1 " * 20_000,
        "<" * 20_000,
        "[1," * 9_000,
        "[memory " * 9_000,
        "<|" * 9_000,
    ):
        read_marks(junk)
    assert time.perf_counter() - started < 20  # exponential would be hours


def test_silence_is_noticed_and_not_said() -> None:
    marked = read_marks("I think </silence> is best.")
    assert marked.silent and "silence" not in marked.text


# --- what goes out --------------------------------------------------------------------------

SOURCES = [(1, "I parked on level 2 near the lift."), (2, "DENTIST TUE 10:00"), (NOW, 'read: "EXIT B"')]


def stream(
    reply: str, question: str = "Where did I park my car?", cut: int = 2
) -> tuple[list[str], Grounded, AnswerStream]:
    said: list[str] = []
    out = AnswerStream(said.append, frozenset({NOW, 1, 2}), Support(question, SOURCES, None))
    for start in range(0, len(reply), cut):
        out.feed(reply[start : start + cut])
    return said, out.finish(), out


@pytest.mark.parametrize(
    ("reply", "text", "numbers", "cited"),
    [
        ("[1] You parked on level 2.", "You parked on level 2.", (1,), True),
        ("You parked on level 2 near the lift [1].", "You parked on level 2 near the lift.", (1,), True),
        ("You parked on level 2.", "You parked on level 2.", (1,), False),
        ("[7] You parked on level 2.", "You parked on level 2.", (1,), False),
        ("[now] It says EXIT B.", "It says EXIT B.", (NOW,), True),
        ("Based on the memories, you parked on level 2.", "Based on the memories, you parked on level 2.", (1,), False),
        ("You parked on level 9.", None, (), False),
        ("Your car is in Paris.", None, (), False),
        ("Yes.", None, (), False),
        ("I have no memory of that.", None, (), False),
        ("[1] I have no memory of that.", None, (), False),
        ("I'm sorry, but I don't know.", None, (), False),
        (
            "I do not know the bay, but [1] you parked on level 2.",
            "I do not know the bay, but you parked on level 2.",
            (1,),
            True,
        ),
        ("The memories do not mention it.", None, (), False),
        ("</silence>", None, (), False),
        ("Well </silence>", None, (), False),
        ("[1]", None, (), False),
        ("", None, (), False),
        ("[9]", None, (), False),
    ],
)
def test_only_what_rests_on_something_is_said(
    reply: str, text: str | None, numbers: tuple[int, ...], cited: bool
) -> None:
    for cut in (1, 3, 1000):
        said, found, _ = stream(reply, cut=cut)
        assert (found.text, found.numbers, found.cited) == (text, numbers, cited)
        assert "".join(said) == (text or "")


def test_a_cited_answer_flows_from_its_first_words() -> None:
    said: list[str] = []
    out = AnswerStream(said.append, frozenset({1}), Support("Where?", SOURCES[:1], None))
    out.feed("[1] You p")
    assert said == ["You p"] and out.spoken


def test_an_answer_without_citation_waits_for_its_first_sentence() -> None:
    said: list[str] = []
    out = AnswerStream(said.append, frozenset({1}), Support("Where did I park?", SOURCES[:1], None))
    out.feed("You parked on level 2 near the lift")
    assert not out.spoken
    out.feed(". It")
    assert "".join(said) == "You parked on level 2 near the lift. It"


def test_numbers_that_stand_nowhere_support_nothing() -> None:
    support = Support("When is my dentist appointment?", SOURCES, None)
    assert support.by_words("Your dentist appointment is on Tuesday at 10:00.") == (2,)
    assert support.by_words("Your dentist appointment is on Tue at 11:30.") == ()
    assert support.by_words("") == ()


def test_a_memory_of_something_else_supports_nothing() -> None:
    sources = [
        (1, "The spare key is under the blue pot."),
        (2, "My sister Anna lives in Bern."),
        (3, "MUSEUM Adult 18 CHF"),
    ]
    for question, guess in [
        ("What colour is the bicycle?", "The bicycle is blue."),
        ("Where does Ben live?", "Ben lives in Bern."),
        ("Where is Tom?", "Tom is at the museum."),
        ("How much was the pizza?", "The pizza was 18 CHF."),
        ("Is the bicycle under the pot?", "Yes."),
    ]:
        assert Support(question, sources, None).by_words(guess) == ()
    assert Support("Where does Anna live?", sources, None).by_words("She lives in Bern.") == (2,)
    assert Support("What is under the blue pot?", sources, None).by_words("The spare key.") == (1,)


def test_two_memories_can_carry_one_answer() -> None:
    support = Support("What is on Tuesday?", SOURCES, None)
    assert set(support.by_words("You parked on level 2, and the dentist is at 10:00.")) == {1, 2}


@pytest.mark.parametrize(
    "text", ["The memories say you parked on level 2.", "You have no meetings.", "There is no milk left."]
)
def test_an_answer_in_the_negative_is_an_answer(text: str) -> None:
    assert not denies(text, cited=False)
