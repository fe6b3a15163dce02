"""Marks in a model's words: citations like [2], [1, 3] or [now], silence, and tags that are not meant for anybody.

A reply comes in pieces that may end anywhere, also in the middle of a mark: what could still become one is held back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NOW = 0
"""The number that stands for [now]."""
MAX_MARK = 48
"""Characters after which a bracket that did not close is no mark."""

_ITEM = r"(?:(?:memor(?:y|ies)|mem|m|no\.?|#)\s*)?(?:\d{1,3}|now|view)"
_CITATION = re.compile(
    rf"[\[【]\s*({_ITEM}(?:\s*(?:,|;|&|and|to|[-–—])\s*{_ITEM})*)\s*(?:†[^\]】\n]{{0,30}})?[\]】]", re.IGNORECASE
)
_OPEN_CITATION = re.compile(r"[\[【][^\[\]【】<>\n]*")
_TAG = re.compile(
    r"<\|[^<>|\n]{1,40}\|>|<\s*(/?)\s*(silence|response|answer|memories|view|text|think|s)\s*/?>", re.IGNORECASE
)
_OPEN_TAG = re.compile(r"<(?:\|[^<>|\n]{0,40}\|?|\s*/?\s*[a-z]{0,9}\s*/?)", re.IGNORECASE)
_LOOSE = re.compile(rf"[\[【]\s*(?:{_ITEM}(?!\w)|[\[【<])|<(?![\s\d=])", re.IGNORECASE)
_MARK_WORDS = ("memory", "memories", "mem", "no", "now", "view", "and", "to")
_RANGE = re.compile(r"(\d{1,3})\s*(?:[-–—]|to)\s*(?:(?:memory|mem|m|#)\s*)?(\d{1,3})", re.IGNORECASE)
_THOUGHTS = re.compile(r"^.*</think\s*>", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]+")


class MarkFilter:
    """Takes a reply piece by piece; gives back its words without marks, and collects what the marks said.

    The words are one line: blanks are joined, control characters are blanks, none stand at the ends or before a full
    stop. Joining what :meth:`feed` and :meth:`finish` return gives the same whatever the pieces were.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._glue = ""
        self._begun = False
        self._marked = False
        self._thinking = False
        self._numbers: dict[int, None] = {}
        self.silent = False
        """Whether a silence mark was seen."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """What was cited, each once, in order; ``NOW`` for the view."""
        return tuple(self._numbers)

    def feed(self, piece: str) -> str:
        """The words that are sure by now."""
        self._rest += _CONTROL.sub(" ", piece)
        return self._take(last=False)

    def finish(self) -> str:
        """The words that were held back and are no mark."""
        words = self._take(last=True)
        comma = self._glue.strip() if not self._marked else ""
        self._glue = ""
        return words + comma

    def _take(self, last: bool) -> str:
        out: list[str] = []
        while self._rest:
            at = next((i for i, char in enumerate(self._rest) if char in "[【<"), len(self._rest))
            if at:
                out.append(self._words(self._rest[:at]))
                self._rest = self._rest[at:]
                continue
            mark = _CITATION.match(self._rest) or _TAG.match(self._rest)
            if mark:
                self._note(mark)
                self._rest = self._rest[mark.end() :]
                continue
            opening = (_OPEN_TAG if self._rest[0] == "<" else _OPEN_CITATION).match(self._rest)
            unfinished = opening is not None and opening.end() == len(self._rest) and len(self._rest) <= MAX_MARK
            if unfinished and not last:
                break
            if unfinished and _is_torn(self._rest):
                self._rest = ""
                break
            if not _LOOSE.match(self._rest):  # a mark inside a mark must not leave one behind
                out.append(self._words(self._rest[0]))
            self._rest = self._rest[1:]
        return "".join(out)

    def _note(self, mark: re.Match[str]) -> None:
        if self._marked and self._glue:
            self._glue = " "  # what stands between two marks belongs to them
        self._marked = True
        if mark.re is _CITATION:
            if not self._thinking:
                self._numbers.update(dict.fromkeys(_cited(mark.group(1))))
            return
        name = (mark.group(2) or "").lower()
        if name == "silence":
            self.silent = True
        elif name == "think":
            self._thinking = not mark.group(1)

    def _words(self, text: str) -> str:
        if self._thinking:
            return ""
        out: list[str] = []
        for char in text:
            # Commas between two marks belong to the marks.
            if char.isspace() or (self._marked and char in ",;" and not self._glue.strip()):
                self._glue += char
                continue
            glue, comma = self._glue, self._glue.strip()
            self._glue, self._marked = "", False
            if not self._begun and char in ".,;:":
                continue
            if comma and char not in ".!?":
                out.append(comma if self._begun else "")
            if glue != comma and self._begun and char not in ".,;:!?":
                out.append(" ")
            out.append(char)
            self._begun = True
        return "".join(out)


@dataclass(frozen=True, slots=True)
class Marked:
    """A whole reply: its words, and what its marks said."""

    text: str
    numbers: tuple[int, ...]
    """What was cited; ``NOW`` for the view."""
    silent: bool


def read_marks(reply: str) -> Marked:
    """A whole reply without its marks; what a model thought aloud before is cut off."""
    marks = MarkFilter()
    text = marks.feed(_THOUGHTS.sub("", reply)) + marks.finish()
    return Marked(text.strip(), marks.numbers, marks.silent)


def _cited(body: str) -> list[int]:
    """The numbers of one citation; ranges are spelled out, at most twenty long."""
    numbers: list[int] = []
    for first, last in _RANGE.findall(body):
        numbers += range(int(first), min(int(last), int(first) + 20) + 1)
    for item in re.findall(r"\d{1,3}|now|view", body, re.IGNORECASE):
        numbers.append(int(item) if item.isdigit() else NOW)
    return [n for n in dict.fromkeys(numbers) if n > NOW or "now" in body.lower() or "view" in body.lower()]


def _is_torn(rest: str) -> bool:
    """A mark that the end of the reply cut off: "[1", "[1, ", "</sil"; a lone bracket is one too."""
    if rest[0] == "<":
        return bool(re.match(r"<(?:\||\s*/|$|\s*(?:si|re|an|th))", rest, re.IGNORECASE))
    if re.search(r"[^\w\s,;&#.\-–—\[【]|\d{4}", rest):
        return False
    return all(any(known.startswith(word.lower()) for known in _MARK_WORDS) for word in re.findall(r"[^\W\d_]+", rest))
