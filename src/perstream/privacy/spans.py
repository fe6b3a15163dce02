"""A secret found in a text, and the text as its finders read it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from perstream.config_privacy import Secret


@dataclass(frozen=True, slots=True)
class Found:
    """Characters ``start`` to ``end`` are secret."""

    start: int
    end: int
    kind: Secret
    label: str
    """What stands in its place, in brackets: ``card number``."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in ASCII spelling of digits, dashes and spaces, without invisible characters."""

    text: str
    places: tuple[int, ...] | None
    """Of each character its place in the original; None where they are the same."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original that ``start`` to ``end`` is here; what is invisible at its end stays out."""
        if self.places is None or start == end:
            return start, end
        return self.places[start], self.places[end - 1] + 1


_UNUSUAL = re.compile(r"[^\x00-\x7f]")
_DASHES = "‐‑‒–—―−⁃﹣－"


def plain(text: str) -> Plain:
    """Fullwidth and other digits, dashes and spaces as ASCII; zero-width and direction characters left out."""
    if not _UNUSUAL.search(text):
        return Plain(text, None)
    spelled = [(i, letter) for i, letter in enumerate(map(_spelled, text)) if letter]
    return Plain("".join(letter for _, letter in spelled), tuple(i for i, _ in spelled))


def _spelled(letter: str) -> str:
    if letter < "\x80":
        return letter
    if letter in _DASHES:
        return "-"
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.digit(letter))
    if category == "Zs":
        return " "
    if category in ("Cf", "Mn", "Me"):
        return ""
    if "！" <= letter <= "～":
        return chr(ord(letter) - 0xFEE0)
    return letter


def beside(text: str, start: int, end: int, words: re.Pattern[str], before: int = 48, after: int = 0) -> bool:
    """Whether one of ``words`` stands up to so many characters before or after the span."""
    if words.search(text[max(0, start - before) : start]):
        return True
    return bool(after and words.search(text[end : end + after]))
