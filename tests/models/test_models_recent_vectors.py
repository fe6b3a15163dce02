from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perstream.models.recent_vectors import RecentVectors
from perstream.types import FloatArray, TextVectors


class Counting:
    """Counts what it is asked for; a text's vector is made of its letters."""

    dimension = 3

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> FloatArray:
        self.asked.append(list(texts))
        return np.array([[len(text), ord(text[0]), ord(text[-1])] for text in texts], np.float32)

    def embed_tokens(self, text: str) -> TextVectors:
        raise NotImplementedError


def test_only_what_is_new_is_embedded_and_in_one_call() -> None:
    inner = Counting()
    recent = RecentVectors(inner)
    first = recent.embed(["ab", "cd", "ab"])
    again = recent.embed(["cd", "ef", "ab", "gh"])
    assert inner.asked == [["ab", "cd"], ["ef", "gh"]]
    assert first.tolist() == inner.embed(["ab", "cd", "ab"]).tolist()
    assert again.tolist() == inner.embed(["cd", "ef", "ab", "gh"]).tolist()


def test_the_one_used_longest_ago_goes_first() -> None:
    inner = Counting()
    recent = RecentVectors(inner, most=2)
    recent.embed(["a", "b"])
    recent.embed(["a"])
    recent.embed(["c"])  # b goes
    recent.embed(["a", "c"])
    recent.embed(["b"])
    assert inner.asked == [["a", "b"], ["c"], ["b"]]


def test_more_texts_than_are_kept_and_none() -> None:
    inner = Counting()
    recent = RecentVectors(inner, most=1)
    assert recent.embed(["a", "b", "\ud800"]).shape == (3, 3)
    assert recent.embed([]).shape == (0, 3)
