"""Small tools for words: cleaning, sentences, stems. Pure functions and one stemmer object."""

from __future__ import annotations

import re
from collections.abc import Sequence

import snowballstemmer

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufffb"
    r"\U000e0000-\U000e0fff]+"
)
"""What nobody sees and a model reads all the same: joiners, fillers, variation selectors, tag characters."""
_SPACE = re.compile(r"\s+")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9ÄÖÜÉ])")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|No|vs|e\.g|i\.e|approx|a\.m|p\.m)\.$")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

STOP_WORDS = frozenset(
    """a an the this that these those and or but if then than so as of in on at to for from by with without about into
    over under up down out off again is am are was were be been being do does did done doing has have had having i me my
    mine myself we us our ours you your yours he him his she her hers it its they them their theirs what which who whom
    whose when where why how will would shall should can could may might must not no nor yes there here just also too
    very much many some any all both each few more most other own same s t d m re ve ll don isn wasn aren didn doesn
    let's i'm it's what's where's when's who's i've i'd you're don't didn't doesn't isn't wasn't aren't can't please
    tell got get""".split()
)
"""Words that carry no content in a question or an answer."""


def cleaned(text: str, limit: int) -> str:
    """One line without control, direction or invisible characters, at most ``limit`` characters ("…" marks a cut)."""
    line = _SPACE.sub(" ", _CONTROL.sub(" ", _INVISIBLE.sub("", text[: limit * 4]))).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else list(parts))


def sentences(text: str, limit: int = 200) -> list[str]:
    """Split at sentence ends, keeping abbreviations whole; at most ``limit`` sentences."""
    found: list[str] = []
    for piece in _SENTENCE_END.split(_SPACE.sub(" ", text.strip())):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += " " + piece
        elif piece:
            found.append(piece)
        if len(found) > limit:
            return found[:limit]
    return found


def words(text: str) -> list[str]:
    """Words and numbers in order, as written."""
    return _WORD.findall(text)


_APART = {"training": "training", "trainings": "training", "universe": "universe"}
"""Words that the stemmer would put with another one: a training with a train."""


class Stems:
    """Snowball stems (Porter 2) with a cache of its own. Not thread-safe: one per call or thread."""

    def __init__(self) -> None:
        self._stemmer = snowballstemmer.stemmer("english")
        self._known: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        lower = word.lower().replace("’", "'")
        stem = self._known.get(lower)
        if stem is None:
            base = lower[:-2] if lower.endswith("'s") else lower
            stem = _APART.get(base) or (str(self._stemmer.stemWord(base)) if len(base) < 40 else base)
            self._known[lower] = stem
        return stem

    def of(self, text: str) -> list[str]:
        """Stems of all words, in order."""
        return [self(word) for word in words(text)]

    def content(self, text: str) -> list[str]:
        """Stems of the words that carry content, in order, each once."""
        kept = (word for word in words(text) if word.lower().replace("’", "'") not in STOP_WORDS)
        return list(dict.fromkeys(self(word) for word in kept))
