"""Titles and their authors: a cover's two texts stand far apart, so they are read as two signs of one memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from perstream.models.units import Unit

_ASKS = re.compile(
    r"(?i)\b(?:books?|novels?|films?|movies?|albums?|magazines?|titles?|authors?|wrote|written by|writer|volume)\b"
)
_COVER_LINE = re.compile(r"[^\W\d_][^\d:;/@%€$£#]{1,40}")
_MAX_LINES = 4


def asks_title(question: str) -> bool:
    """Whether a question is about a book, a film or the like."""
    return bool(_ASKS.search(question))


def with_covers(units: Sequence[Unit], question: str) -> list[Unit]:
    """The units, with neighbours that may be a title and its author also read as one; unchanged for other questions."""
    if not asks_title(question):
        return list(units)
    covers = []
    for above, below in pairwise(units):
        pair = above.memory.id == below.memory.id and above.way == below.way == "read" and above.sure and below.sure
        if pair and _cover(above) and _cover(below):
            end = max((s for s in (above.end_s, below.end_s) if s is not None), default=None)
            covers.append(replace(above, lines=above.lines + below.lines, end_s=end))
    return [*units, *covers]


def _cover(unit: Unit) -> bool:
    """Short lines of words alone."""
    return len(unit.lines) <= _MAX_LINES and all(
        _COVER_LINE.fullmatch(line.strip()) and len(line.split()) <= 6 for line in unit.lines
    )
