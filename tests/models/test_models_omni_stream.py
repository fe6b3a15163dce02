"""Tokens to text: whole characters, no stray spaces, and repetition noticed."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from perstream.models.omni.textstream import TextStream, circling

SPECIAL = 999


def decode(ids: Sequence[int]) -> str:
    """A tokenizer of single bytes; ``SPECIAL`` has no text."""
    return bytes(i for i in ids if i != SPECIAL).decode("utf-8", errors="replace")


def told(tokens: Sequence[int]) -> tuple[str, list[str]]:
    said: list[str] = []
    stream = TextStream(decode, said.append)
    for token in tokens:
        stream.add(token)
    stream.end()
    return stream.text, said


@given(st.text())
def test_any_text_comes_through_whole_and_stripped(text: str) -> None:
    found, said = told(list(text.encode("utf-8", errors="ignore")))
    assert found == text.encode("utf-8", errors="ignore").decode().replace("\ufffd", "").strip()
    assert "".join(said) == found
    assert all(piece for piece in said)


def test_a_character_of_several_tokens_is_one_piece() -> None:
    _, said = told(list("a鑰é🔑.".encode()))
    assert said == ["a", "鑰", "é", "🔑", "."]


def test_an_unfinished_character_is_dropped() -> None:
    assert told(list(b"key") + list("🔑".encode())[:3]) == ("key", ["k", "e", "y"])


def test_bytes_that_are_no_text_do_not_hold_up_the_rest() -> None:
    found, _ = told([0xFF] * 40 + list(b"so"))
    assert found == "so"


def test_control_tokens_are_never_said() -> None:
    assert told([SPECIAL, *b"a ", SPECIAL, *b"b", SPECIAL]) == ("a b", ["a", " b"])


def test_repetition() -> None:
    assert not circling(list(range(200)))
    assert not circling([1] * 50)
    assert circling([*range(30), *[7] * 96])
    assert circling([*range(30), *[7, 8, 9] * 32])
    assert not circling([*range(30), *[7, 8, 9] * 31, 1, 2, 3])
