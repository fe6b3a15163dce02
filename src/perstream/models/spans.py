"""Spans of a known type inside a text: times, days, dates, prices, amounts, numbers, addresses, colours.

Plain regular expressions, each bounded so that no input takes more than linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class SpanType(str, Enum):
    """What a span is."""

    CLOCK = "clock"
    DAY = "day"
    DATE = "date"
    PRICE = "price"
    AMOUNT = "amount"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    NUMBER = "number"
    COLOR = "color"
    DURATION = "duration"
    FREQUENCY = "frequency"
    CODE = "code"
    ADDRESS = "address"
    DECIMAL = "decimal"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text."""

    type: SpanType
    text: str
    start: int
    end: int


DAYS = "mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_HOURS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_UNITS = (
    "mg|mcg|µg|ug|g|kg|ml|cl|dl|l|litres?|liters?|iu|ie|%|kcal|cm|mm|km|m|miles?|gb|mb|watts?|w|volts?|v"
    "|grams?|kilos?|tablets?|pills?|capsules?|drops?|cups?|spoons?|slices?|pieces?|bottles?|boxes|bags?"
)
_STREETS = (
    "street|st|road|rd|avenue|ave|lane|row|hill|square|place|way|drive|court|crescent|terrace|boulevard|strasse|straße|gasse"
    "|weg|platz|allee|rue|via|garden|gardens|walk|close|park|quay"
)
COLORS = (
    "red|green|blue|yellow|orange|purple|violet|pink|brown|black|white|gr[ae]y|beige|turquoise|teal|navy|golden|gold"
    "|silver|cyan|magenta|maroon|lilac|crimson"
)
_MONEY = r"(?:chf|eur|usd|gbp|sfr|fr\.|€|\$|£|¥)"
_AMOUNT = r"\d{1,6}(?:['’.,]\d{1,3}){0,3}"

_PATTERNS: tuple[tuple[SpanType, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (SpanType.EMAIL, r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b"),
        (SpanType.URL, r"\b(?:https?://|www\.)[^\s\"'<>]{1,300}|\b[a-z0-9-]{1,40}\.(?:com|org|net|ch|de|io|eu|edu|gov|uk)\b(?:/[^\s\"'<>]{0,200})?|\b[a-z0-9-]{1,40}(?:\.[a-z0-9-]{2,40}){1,4}/[^\s\"'<>]{1,200}"),
        (SpanType.DATE, rf"\b\d{{4}}-\d{{2}}(?:-\d{{2}})?\b|\b(?:0?[1-9]|1[0-2])[/.](?:20)\d\d\b|\b\d{{1,2}}[./]\d{{1,2}}[./](?:\d{{4}}|\d{{2}})?(?!\d)|\b\d{{1,2}}(?:st|nd|rd|th)?\.?\s(?:of\s)?(?:{MONTHS})\b\.?(?:,?\s\d{{4}})?|\b(?:{MONTHS})\.?\s\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s\d{{4}})?|\b(?:{MONTHS})\s\d{{4}}\b"),
        (SpanType.PRICE, rf"{_MONEY}\s?{_AMOUNT}(?:\.[-–])?|\b{_AMOUNT}\s?(?:{_MONEY}(?!\w)|(?:euros?|dollars?|pounds?|francs?|cents?)\b)"),
        (SpanType.CLOCK, rf"\b(?:[01]?\d|2[0-3])[:h][0-5]\d(?::[0-5]\d)?(?:\s?[ap]\.?m\b\.?)?(?![\d%])|\b(?:[01]?\d|2[0-3])\.[0-5]\d\s?(?:[ap]\.?m\b|h\b|uhr\b)|(?<=\bat )(?:[01]?\d|2[0-3])\.[0-5]\d\b|\b(?:1[0-2]|0?[1-9])\s?[ap]\.?m\b\.?|\b(?:half past|quarter past|quarter to)\s(?:{_HOURS}|\d{{1,2}})\b|\b(?:{_HOURS}|\d{{1,2}})\so['’]?clock\b|\b(?:noon|midnight|midday)\b|(?<=\bat )(?:{_HOURS}|1[0-2]|\d|2[0-3]|1\d)\b(?!\s?(?:{_UNITS})\b)"),
        (SpanType.DAY, rf"\b(?:{DAYS})\b\.?|\b(?:today|tomorrow|tonight|yesterday|this (?:morning|afternoon|evening|week|weekend)|(?:last|next) (?:week|weekend|month|year|summer|winter|spring|autumn|fall|night|{DAYS})|every (?:day|morning|evening|night|week|{DAYS}))\b|\b(?:in|by|at) the (?:morning|afternoon|evening|weekend)\b"),
        (SpanType.ADDRESS, rf"\b(?:\w[\w'’.-]{{1,20}}\s){{0,3}}(?:\w{{2,20}}(?:{_STREETS})|{_STREETS})\.?,?\s\d{{1,4}}[a-z]?\b|\b\d{{1,4}}[a-z]?,?\s(?:\w[\w'’.-]{{1,20}}\s){{1,3}}(?:{_STREETS})\b"),
        (SpanType.PHONE, r"(?<![\w.])\+?\d{2,4}(?:[ ./()-]{1,2}\d{2,5}){2,5}(?!\w)|(?<![\w.])\+\d{8,14}\b|(?<![\w.])\+(?=(?:\D{0,2}\d){7})\d{1,3}(?:[ ./()-]{1,2}\d{1,8}){1,5}(?!\w)|(?<![\w.])0\d{2,4}[ /-]{1,2}\d{4,8}(?!\w)|(?<![\w.])0\d{8,10}\b"),
        (SpanType.AMOUNT, rf"\b\d{{1,6}}(?:[.,]\d{{1,3}})?\s?(?:{_UNITS})(?!\w)"),
        (SpanType.FREQUENCY, r"\b(?:once|twice|(?:\d{1,2}|two|three|four|five|six) times) (?:a|per|every|each) (?:day|week|month|year|night|hour)\b|\b(?:once|twice|(?:\d{1,2}|two|three|four) times|\d ?x) ?(?:daily|weekly|monthly)\b|\b(?:daily|weekly|monthly|hourly)\b|\bevery (?:\d{1,2}|two|three|four|six|eight|other) (?:hours?|days?|weeks?)\b|\b(?:before|after|with) (?:meals?|food|breakfast|lunch|dinner|bed)\b|\bat bedtime\b"),
        (SpanType.DURATION, rf"\b(?:\d{{1,4}}|an?|{_HOURS}|half an)\s(?:seconds?|minutes?|mins?|hours?|days?|weeks?|months?|years?)(?:\sago)?\b"),
        (SpanType.DECIMAL, r"(?<![\w.,:])\d{1,5}[.,]\d{2}(?![\w.,:]\d)(?!\w)"),
        (SpanType.NUMBER, r"(?<![\w.])(?<![^\W\d_]-)[A-Z]{0,3}-?\d{1,12}(?:[.,'’-]\d{1,6}){0,4}[A-Z]?(?!\w)"),
        (SpanType.CODE, r"(?<![\w])(?=[^\s]{0,24}\d)(?=[^\s]{0,24}[A-Za-z])[A-Za-z0-9][\w!#$%&*+@?-]{3,24}(?!\w)"),
        (SpanType.COLOR, rf"\b(?:(?:light|dark)[ -])?(?:{COLORS})\b"),
    )
)  # fmt: skip

_LIMIT = 2000
"""Characters of a text that are looked at."""


def find_spans(text: str, wanted: frozenset[SpanType] | None = None) -> list[Span]:
    """All spans, in order; of two that overlap the earlier kind in the list above wins (a date over a number)."""
    found: list[Span] = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text[:_LIMIT]):
            if not any(match.start() < s.end and s.start < match.end() for s in found):
                found.append(Span(kind, match.group().strip(), match.start(), match.end()))
    kept = found if wanted is None else [s for s in found if s.type in wanted]
    return sorted(kept, key=lambda s: s.start)


TIMES = frozenset({SpanType.CLOCK, SpanType.DAY, SpanType.DATE})
"""When something is."""
