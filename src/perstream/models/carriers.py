"""Things that texts stand on: a sign, a board, a receipt. A memory of a text seldom says what it stood on."""

from __future__ import annotations

import re

from perstream.models.spans import MONTHS, TIMES, SpanType, find_spans
from perstream.models.units import Unit

CARRIERS = frozenset(
    """sign signs label labels screen board whiteboard blackboard poster box page paper display panel notice sticker card
    sheet calendar letter document tag note qr code receipt bill menu ticket timetable schedule list parcel task tasks item items""".split()
)
_PAGES = frozenset({"whiteboard", "blackboard", "board", "list", "note", "letter", "page", "sheet"})
_BOARD_LINE = re.compile(
    r"(?i)^\s*[-•*☐□]\s*\w|^\d[.)]\s|\b(?:to ?do|tasks?|agenda|meeting|notes?|plan|this week|sprint|ideas|goals|dear)\b"
)
_LIST_LINE = re.compile(
    rf"(?i){_BOARD_LINE.pattern[4:]}|^\d{{1,3}}\s?x?\s(?!(?:{MONTHS})\b)[a-z]{{3,}}|\b(?:shopping|to buy|groceries|list)\b"
)
_COUNTED = re.compile(r"\d{1,3}(?:\s?(?:x|kg|g|l|ml|cl))?\s[^\W\d_]{3,}")
_LISTS = frozenset({"list", "note"})
_RECIPIENT = re.compile(r"(?i)^(?:to|from|recipient|sender|deliver to|ship to)\s*:")
_CARRIER_SHAPES: dict[str, frozenset[SpanType]] = {
    "calendar": TIMES,
    "timetable": TIMES,
    "schedule": TIMES,
    "receipt": frozenset({SpanType.PRICE, SpanType.DECIMAL}),
    "bill": frozenset({SpanType.PRICE, SpanType.DECIMAL}),
    "menu": frozenset({SpanType.PRICE, SpanType.DECIMAL}),
    "ticket": frozenset({SpanType.PRICE, SpanType.NUMBER, SpanType.CLOCK, SpanType.DATE}),
}


def carrier_fits(word: str, unit: Unit) -> float | None:
    """How well a text read may stand on the thing that ``word`` names; None when it names no such thing."""
    if word == "appointment" and unit.way == "read" and find_spans(unit.text, TIMES):
        return 0.5  # a calendar names the doctor and the hour, seldom the word
    if word not in CARRIERS:
        return None
    if word == "qr" or (word == "code" and unit.way == "code"):
        return 1.0 if unit.way == "code" else 0.0
    if word == "code":
        return None
    if unit.way != "read":
        return 0.0
    if word in _PAGES:
        shape_of_page = _BOARD_LINE if word.endswith("board") else _LIST_LINE
        fits = len(unit.lines) > 2 and any(shape_of_page.search(line) for line in unit.lines)
        counted = word in _LISTS and sum(bool(_COUNTED.match(line)) for line in unit.lines) > 1
        return 0.9 if counted else 0.7 if fits else 0.0
    if word == "parcel":
        return 0.6 if any(_RECIPIENT.match(line) for line in unit.lines) else 0.0
    shape = _CARRIER_SHAPES.get(word)
    return 0.7 if shape is None or find_spans(unit.text, shape) else 0.0
