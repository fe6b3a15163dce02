"""Markdown and plain lists in pieces that can be told: bullets, paragraphs and table rows, with what they stand under.

It reads the Markdown that people write in notes (https://spec.commonmark.org/0.31.2/ as far as blocks go, and the links,
embeds, tags, comments and callouts of Obsidian), not all that there is. Every pattern is bounded, so that no line
takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from perstream.imports.files import tidy

MAX_LINE = 20_000
"""Characters; longer lines are data, not words."""
LONG = 600
"""Characters; longer pieces are split between sentences, so that each can be found by what it says."""
PARENT = 80
"""Characters; a longer bullet is no title of the bullets below it."""
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(\S.*)$")
_BOLD_LINE = re.compile(r"^\s{0,3}\*\*([^*]{1,120}?):?\*\*:?\s*$")
_BULLET = re.compile(r"^(\s{0,40})(?:[-*+•–]|\d{1,4}[.)])\s+(?:\[([ xX/>-])\]\s+)?(\S.*)$")
_RULE = re.compile(r"^\s{0,3}([-*_=])(?:\s*\1){2,}\s*$")
_TABLE_LINE = re.compile(r"^\s{0,3}\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*){0,50}\|?\s*$")
_TEMPLATE = re.compile(r"<%|%>|\{\{|\}\}")
_COMMENT = re.compile(r"%%.{0,20000}?%%|<!--.{0,20000}?-->", re.DOTALL)
_CLEANING = (
    (re.compile(r"!\[\[[^\[\]]{0,300}\]\]"), " "),
    (re.compile(r"!\[[^\[\]]{0,300}\]\([^()]{0,1000}\)"), " "),
    (re.compile(r"\[\[[^\[\]|]{1,300}\|([^\[\]|]{1,300})\]\]"), r"\1"),
    (re.compile(r"\[\[([^\[\]|#^]{1,300})(?:[#^][^\[\]|]{0,300})?\]\]"), r"\1"),
    (re.compile(r"\[([^\[\]]{1,300})\]\((?:[^()]|\([^()]{0,200}\)){0,1000}\)"), r"\1"),
    (re.compile(r"<(https?://[^<>\s]{1,1000})>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>]{0,300}>"), " "),
    (re.compile(r"(?<![\w&/])#(?=[^\W\d_])([\w/-]{1,80})"), r"\1"),
    (re.compile(r"\[\^[^\]\s]{1,40}\]:?"), " "),
    (re.compile(r"(?<=\S)\s+\^[\w-]{1,40}$"), ""),
    (re.compile(r"(\*\*|__|~~|==)(?=\S)(.{1,1000}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*]{1,1000})(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_]{1,1000})(?<=\S)_(?![\w_])"), r"\1"),
    (re.compile(r"`([^`]{1,1000})`"), r"\1"),
    (re.compile(r"(?<=\w)::\s"), ": "),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!|>~-])"), r"\1"),
)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_ONLY_TAGS = re.compile(r"^\s*(?:#[\w/-]{1,80}[\s,]*){1,50}$")
_TRAILING_TAGS = re.compile(r"(?:\s+#[^\W\d_][\w/-]{0,80}){1,20}\s*$")
_TODO = {" ": "To do: ", "/": "To do: ", ">": "To do: ", "x": "Done: ", "X": "Done: ", "-": "Given up: "}


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that belong together."""

    text: str
    line: int
    """Where it begins, 1-based."""
    under: tuple[str, ...] = ()
    """Headings and bullets that it stands under, outermost first."""


def pieces(text: str, *, code: bool = False, lines: bool = False) -> Iterator[Piece]:
    """The pieces in their order. ``code`` also reads what stands in code blocks; with ``lines`` each line is a piece."""
    blocks = _Blocks(code, lines)
    for number, line in enumerate(_without_comments(text).splitlines(), start=1):
        yield from blocks.take(number, line)
    yield from blocks.flush()


def _without_comments(text: str) -> str:
    """Comments gone, their line ends kept, so that lines keep their numbers."""
    return _COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)


class _Blocks:
    """What the lines so far have opened."""

    def __init__(self, code: bool, lines: bool) -> None:
        self._code = code
        self._lines = lines
        self._fence = ""
        self._headings: list[tuple[int, str]] = []
        self._bullets: list[tuple[int, str]] = []
        self._columns: list[str] = []
        self._open: list[str] = []
        self._began = 0

    def take(self, number: int, line: str) -> Iterator[Piece]:
        fence = _FENCE.match(line)
        if fence is not None and (not self._fence or line.strip().startswith(self._fence)):
            yield from self.flush()
            self._fence = "" if self._fence else fence.group(1)
            return
        if (self._fence and not self._code) or len(line) > MAX_LINE:
            return
        line = re.sub(r"^\s{0,3}(?:>\s?){1,5}(?:\[![\w-]{1,30}\][+-]?\s*)?", "", line)
        if not line.strip() or _RULE.match(line) or _TEMPLATE.search(line) or _ONLY_TAGS.match(line):
            yield from self.flush()
            self._columns = []
            return
        line = _TRAILING_TAGS.sub("", line)
        heading, bold = _HEADING.match(line), _BOLD_LINE.match(line)
        if heading is not None or bold is not None:
            yield from self.flush()
            level, title = (len(heading[1]), heading[2]) if heading else (7, bold[1] if bold else "")
            self._headings = [h for h in self._headings if h[0] < level] + [(level, cleaned(title).rstrip("# :"))]
            self._bullets = []
        elif (bullet := _BULLET.match(line)) is not None:
            indent = len(bullet[1].expandtabs(4))
            if self._is_title(indent):
                self._open = []
            yield from self.flush()
            self._bullets = [b for b in self._bullets if b[0] < indent]
            self._began, self._open = number, [_TODO.get(bullet[2] or "", "") + bullet[3]]
            self._under = self._path()
            self._bullets.append((indent, cleaned(bullet[3]).rstrip(".:")))
        elif line.lstrip().startswith("|"):
            yield from self.flush()
            if not line[0].isspace():
                self._bullets = []
            yield from self._row(number, line)
        elif self._open and not self._lines:
            self._open.append(line)
        else:
            yield from self.flush()
            if not line[0].isspace():
                self._bullets = []
            self._began, self._open, self._under = number, [line], self._path()

    def flush(self) -> Iterator[Piece]:
        """What was open is whole."""
        words, self._open = cleaned(" ".join(self._open)), []
        if not any(letter.isalnum() for letter in words):
            return
        for part in _split(words):
            yield Piece(part, self._began, self._under)

    def _is_title(self, indent: int) -> bool:
        """Is the open bullet only what those below it, so far in, stand under?"""
        if not self._open or not self._bullets or self._bullets[-1][0] >= indent:
            return False
        return len(self._open) == 1 and (self._open[0].rstrip().endswith(":") or len(self._open[0].split()) <= 3)

    def _path(self) -> tuple[str, ...]:
        titles = [title for _, title in self._headings]
        return tuple(t for t in (*titles, *(t for _, t in self._bullets if len(t) <= PARENT)) if t)

    def _row(self, number: int, line: str) -> Iterator[Piece]:
        if _TABLE_LINE.match(line):
            return
        cells = [cleaned(cell) for cell in line.strip().strip("|").split("|")][:50]
        if not self._columns:
            self._columns = cells
            return
        named = (f"{name}: {cell}" if name else cell for name, cell in zip(self._columns, cells, strict=False) if cell)
        words = ", ".join(named)
        if words:
            for part in _split(words):
                yield Piece(part, number, self._path())


def cleaned(text: str) -> str:
    """The words without marks, links and invisible characters, on one line."""
    for pattern, better in _CLEANING:
        text = pattern.sub(better, text)
    return tidy(text)


def under(titles: tuple[str, ...], words: str) -> str:
    """The words behind those of their titles that say more than they do: "Japan – We stayed at Hotel Sakura"."""
    known, kept = set(_words(words)), list[str]()
    for title in reversed(titles):
        if not set(_words(title)) <= known:
            kept.insert(0, title)
            known |= set(_words(title))
        if len(kept) == 3:
            break
    return f"{', '.join(kept)[:160]} – {words}" if kept else words


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _split(words: str) -> Iterator[str]:
    """Sentences together up to LONG characters."""
    together = ""
    for sentence in _SENTENCE.split(words) if len(words) > LONG else [words]:
        if together and len(together) + len(sentence) >= LONG:
            yield together
            together = ""
        together = f"{together} {sentence}".strip()
    if together:
        yield together
