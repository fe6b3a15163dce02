"""What an answer without citations rests on: the sources that hold its words, or none.

A guess repeats the words of the question and adds one that stands nowhere. So the words that an answer adds must stand
in its sources, numbers all of them; an answer that adds none must be said by a source as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from perstream.models.text import Stems
from perstream.protocols import TextEmbedder

ENOUGH = 0.6
"""Share of the added words that the sources must hold."""
WHOLE = 0.8
"""Share of all words that one source must hold when none were added."""
ALIKE = 0.65
"""Cosine from which a source says the same in other words."""
MOST = 3
"""Sources that one answer is put down to."""
_FRAME = (
    "yes no told tell said say read saw see seen heard hear memory remember note today yesterday now also according"
)


class Support:
    """The numbered sources of one answer. Not thread-safe; lives as long as the answer."""

    def __init__(self, question: str, sources: Sequence[tuple[int, str]], embedder: TextEmbedder | None) -> None:
        """``sources`` are (number, words); without an embedder only shared words count."""
        self._question = question
        self._given = tuple(sources)
        self._embedder = embedder

    @cached_property
    def _stems(self) -> Stems:
        return Stems()

    @cached_property
    def _asked(self) -> set[str]:
        return set(self._stems.of(self._question))

    @cached_property
    def _sources(self) -> list[tuple[int, str, set[str]]]:
        """Stemmed when first needed: an answer that cites its memories never needs it, and its first word waits for nothing."""
        return [(number, text, set(self._stems.of(text))) for number, text in self._given]

    def by_words(self, answer: str) -> tuple[int, ...]:
        """Numbers of the sources that hold the answer's words, the best first; empty when they do not."""
        frame = set(self._stems.of(_FRAME))
        content = [stem for stem in self._stems.content(answer) if stem not in frame]
        added = [stem for stem in content if stem not in self._asked]
        if not added:
            whole = [(self._share(content, held), -i, n) for i, (n, _, held) in enumerate(self._sources)]
            best = max(whole, default=(0.0, 0, 0))
            return (best[2],) if content and best[0] >= WHOLE else ()
        chosen: list[int] = []
        left = set(added)
        while left and len(chosen) < MOST:
            # Of two that hold as many of the added words, the one that is also about what was asked.
            gains = [(len(left & held), len(held & self._asked), -i) for i, (_, _, held) in enumerate(self._sources)]
            gain, _, place = max(gains, default=(0, 0, 0))
            if gain == 0:
                break
            number, _, held = self._sources[-place]
            chosen.append(number)
            left -= held
        missing_number = any(any(char.isdigit() for char in stem) for stem in left)
        enough = 1 - len(left) / len(added) >= ENOUGH
        return tuple(chosen) if enough and not missing_number else ()

    def of(self, answer: str) -> tuple[int, ...]:
        """The same, and where words fail: the source that means the same and holds all its numbers."""
        found = self.by_words(answer)
        if found or self._embedder is None or not self._sources or not answer.strip():
            return found
        vectors = self._embedder.embed([answer, *(text for _, text, _ in self._sources)])
        nearness = (vectors[1:] @ vectors[0]).tolist()
        numbers = {stem for stem in self._stems.of(answer) if any(char.isdigit() for char in stem)}
        fit = [
            (near, number)
            for near, (number, _, held) in zip(nearness, self._sources, strict=True)
            if near >= ALIKE and numbers <= held
        ]
        return (max(fit)[1],) if fit else ()

    @staticmethod
    def _share(stems: Sequence[str], held: set[str]) -> float:
        return sum(stem in held for stem in stems) / len(stems) if stems else 0.0
