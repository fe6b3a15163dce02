"""What an answer without citations rests on: the sources that hold its words, or none.

A guess repeats the words of the question and adds one that stands nowhere, or stands in a memory of something else. So
the sources must hold the words that an answer adds (numbers all of them) and be about what was asked (names all of them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from perstream.models.text import Stems, words
from perstream.protocols import TextEmbedder

ENOUGH = 0.5
"""Share of the added words, and of the words asked for, that the sources must hold."""
WHOLE = 0.8
"""Share of the words that must be held where less speaks for a source: none were added, or its meaning alone fits."""
ALIKE = 0.65
"""Cosine from which a source says the same in other words."""
ABOUT = 0.3
"""Cosine of a question and a source from which the source is about it; of unrelated ones it is .15 on the average."""
MOST = 3
"""Sources that one answer is put down to."""
_FRAME = (
    "yes no tell told say said read saw see seen look hear heard memory remember note written write today yesterday now also "
    "according time day date name number colour color price cost place kind type sign text word label poster"
)
"""Words that frame a question or an answer and stand for nothing in it."""
_DAYS = {
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday", "thur": "thursday",
    "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Source:
    number: int
    text: str
    held: frozenset[str]


class Support:
    """The numbered sources of one answer. Not thread-safe; lives as long as the answer."""

    def __init__(self, question: str, sources: Sequence[tuple[int, str]], embedder: TextEmbedder | None) -> None:
        """``sources`` are (number, words); without an embedder only shared words count."""
        self._question = question
        self._given = tuple(sources)
        self._embedder = embedder
        self._stems = Stems()

    def by_words(self, answer: str) -> tuple[int, ...]:
        """Numbers of the sources that hold the answer's words, the best first; empty when they do not."""
        return self._by_words(answer, frozenset())

    def of(self, answer: str) -> tuple[int, ...]:
        """The same; where words fail, by meaning: of the question, or of the answer itself."""
        found = self.by_words(answer)
        if found or self._embedder is None or not self._sources or not answer.strip():
            return found
        vectors = self._embedder.embed([answer, self._question, *(source.text for source in self._sources)])
        alike, about = (vectors[2:] @ vectors[:2].T).T.tolist()
        found = self._by_words(
            answer, frozenset(s.number for s, near in zip(self._sources, about, strict=True) if near >= ABOUT)
        )
        if found:
            return found
        numbers = set(filter(_is_number, self._content(answer)))
        fit = [
            (near, source.number)
            for near, source in zip(alike, self._sources, strict=True)
            if near >= ALIKE and numbers <= source.held and self._is_asked([source], frozenset({source.number}))
        ]
        return (max(fit)[1],) if fit else ()

    def _by_words(self, answer: str, about: frozenset[int]) -> tuple[int, ...]:
        """``about`` are sources known to be about what was asked, whatever their words."""
        content = [stem for stem in self._content(answer) if stem not in self._frame]
        added = {stem for stem in content if stem not in self._in_question}
        if not added:
            return self._said_whole(content)
        chosen: list[_Source] = []
        left = set(added)
        while left and len(chosen) < MOST:
            # Of two that hold as many of the added words, the one that is also about what was asked.
            best = max(self._sources, key=lambda s: (len(left & s.held), len(self._asked & s.held)), default=None)
            if best is None or not left & best.held:
                break
            chosen.append(best)
            left -= best.held
        enough = 1 - len(left) / len(added) >= (WHOLE if about else ENOUGH) and not any(map(_is_number, left))
        return tuple(source.number for source in chosen) if enough and self._is_asked(chosen, about) else ()

    def _said_whole(self, content: Sequence[str]) -> tuple[int, ...]:
        """The one source that says all of an answer that adds nothing to its question."""
        if not content or not self._sources:
            return ()
        best = max(self._sources, key=lambda source: sum(stem in source.held for stem in content))
        share = sum(stem in best.held for stem in content) / len(content)
        return (best.number,) if share >= WHOLE and self._is_asked([best], frozenset()) else ()

    def _is_asked(self, chosen: Sequence[_Source], about: frozenset[int]) -> bool:
        """Whether the sources are about what was asked: every name of it, and half of its words or its meaning."""
        held = frozenset[str]().union(*(source.held for source in chosen))
        share = len(self._asked & held) / len(self._asked) if self._asked else 1.0
        return self._names <= held and (share >= ENOUGH or any(source.number in about for source in chosen))

    def _content(self, text: str) -> list[str]:
        return [_DAYS.get(stem, stem) for stem in self._stems.content(text)]

    @cached_property
    def _frame(self) -> frozenset[str]:
        return frozenset(self._stems.of(_FRAME))

    @cached_property
    def _in_question(self) -> frozenset[str]:
        return frozenset(self._content(self._question))

    @cached_property
    def _asked(self) -> frozenset[str]:
        return self._in_question - self._frame

    @cached_property
    def _names(self) -> frozenset[str]:
        later = words(self._question)[1:]
        return frozenset(self._stems(word) for word in later if word[0].isupper() and len(word) > 2) & self._asked

    @cached_property
    def _sources(self) -> list[_Source]:
        """Stemmed when first needed: an answer that cites its memories never needs it, and its first word waits for nothing."""
        return [
            _Source(number, text, frozenset(_DAYS.get(stem, stem) for stem in self._stems.of(text)))
            for number, text in self._given
        ]


def _is_number(stem: str) -> bool:
    return any(char.isdigit() for char in stem)
