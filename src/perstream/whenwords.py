"""The vocabulary of time expressions: tables and patterns of :mod:`perstream.when`."""

from __future__ import annotations

import re
from functools import lru_cache

MONTHS = {name: i + 1 for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}
WEEKDAYS = {name: i for i, name in enumerate("mon tue wed thu fri sat sun".split())}
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""First month; northern."""

_H = 60
DAY_PARTS = {
    # Longer names first: the first one found in the words counts.
    "before breakfast": (4 * _H, 8 * _H),
    "after breakfast": (8 * _H, 12 * _H),
    "breakfast": (6 * _H, 10 * _H),
    "before lunch": (5 * _H, 12 * _H + 30),
    "after lunch": (13 * _H, 18 * _H),
    "lunch": (11 * _H + 30, 14 * _H),
    "before dinner": (13 * _H, 19 * _H),
    "after dinner": (19 * _H, 24 * _H),
    "dinner": (17 * _H + 30, 21 * _H),
    "afternoon": (12 * _H, 18 * _H),
    "morning": (5 * _H, 12 * _H),
    "evening": (17 * _H, 23 * _H),
    "night": (20 * _H, 30 * _H),
}
"""Minutes of the day [from, to); a night reaches into the next morning."""

UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

NUMBERS: dict[str, float] = {
    **{
        word: float(i + 1)
        for i, word in enumerate(
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen twenty".split()
        )
    },
    "thirty": 30.0,
    "a": 1.0,
    "an": 1.0,
    "half an": 0.5,
    "a couple of": 2.0,
    "a couple": 2.0,
    "couple of": 2.0,
    "a few": 3.0,
    "few": 3.0,
}

_N = "(?:" + "|".join(sorted(NUMBERS, key=len, reverse=True)).replace(" ", r"\s+") + r"|\d{1,4}(?:\.\d)?)"
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?)"
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_SHORT_DAY = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b\.?"
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_PART = r"(?:morning|afternoon|evening|night)"
_UNITS = r"(?:seconds?|minutes?|hours?|days?|weekends?|weeks?|months?|years?)"

_KINDS = {
    "iso": r"\b\d{4}-\d{2}-\d{2}\b",
    "dotted": r"\b\d{1,2}\.\d{1,2}\.\d{4}\b",
    "calendar": (
        rf"\b(?:the\s+)?{_DAY}(?:\s+of)?\s+{_MONTH}(?:,?\s+{_YEAR})?\b"
        rf"|\b{_MONTH}\s+(?:the\s+)?{_DAY}(?!:|\d|\s*(?:am|pm|a\.m|p\.m|o'clock|times|people|days|weeks|%))(?:,?\s+{_YEAR})?\b"
    ),
    # The bare word is a month only behind a word that says so: "may" and "march" are verbs.
    "month": (
        rf"\b{_MONTH},?\s+(?:of\s+)?{_YEAR}\b"
        rf"|(?<=\bin )(?:early |mid |mid-|late |last |the )?{_MONTH}(?!\s+(?:i|we|you|he|she|they|it|be|have|not)\b)"
        rf"|\b(?:last|next|this|early|mid|late|during|since|until|throughout)\s+{_MONTH}(?!\s+(?:i|we|you|he|she|they|it|be|have|not)\b)"
    ),
    "season": (
        rf"\b(?:in|last|this|next|during|since)\s+(?:the\s+)?(?:early\s+|late\s+)?(?:spring|summer|autumn|winter)(?:\s+(?:of\s+)?{_YEAR})?\b"
        rf"|\b(?:the\s+)?(?:spring|summer|autumn|winter|fall)\s+of\s+{_YEAR}\b"
        rf"|\b(?:last|this|next|in\s+the)\s+fall(?:\s+(?:of\s+)?{_YEAR})?\b"
    ),
    "year": rf"\b(?:(?:in|since|during|of|by|before|after|until|around|year)\s+){_YEAR}\b(?!\s*(?:people|euros|dollars|%|times|km|m\b))|\b(?:last|this|next)\s+year\b",
    "relative": (
        rf"\b(?:the\s+)?day\s+before\s+yesterday\b|\b(?:the\s+)?day\s+after\s+tomorrow\b"
        rf"|\b(?:yesterday|tomorrow)(?:'s)?(?:\s+{_PART})?\b|\btoday(?!'s\s+(?:world|society|age))\b|\btonight\b"
        rf"|\b(?:late\s+)?last\s+night\b|\b(?:earlier\s+)?this\s+(?:morning|afternoon|evening)\b"
    ),
    "weekday": (
        rf"(?<!every )(?<!each )\b(?:(?:last|next|this|this\s+past|this\s+coming|past|coming)\s+)?{_WEEKDAY}(?:\s+{_PART})?\b"
        rf"|\b(?:on|last|next|this)\s+(?-i:{_SHORT_DAY})(?:\s+{_PART})?"
    ),
    "within": rf"\b(?:last|past|previous|next|coming)\s+(?:{_N}\s+)(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b|\b(?:the\s+)?(?:last|past|next)\s+(?:hour|minute|day)\b",
    "period": r"\b(?:earlier\s+)?(?:last|this|next|previous|this\s+past|past|this\s+coming)\s+(?:weekend|week|month)\b(?!\s*(?:'s\s+)?end)|\b(?:over|at|on|during)\s+the\s+weekend\b",
    "ago": (
        rf"\b(?:about\s+|around\s+)?{_N}\s+{_UNITS}\s+(?:ago|earlier|back|from\s+now)\b"
        rf"|\b(?:just|right)\s+now\b|\ba\s+(?:moment|while\s+back\s+just|little\s+while)\s+ago\b"
        rf"|\bin\s+{_N}\s+(?:minutes?|hours?|days?|weeks?|months?|years?)(?:'s?\s+time)?(?=\s*(?:[.,;!?]|$|and\b|at\b|from\b))"
    ),
    "clock": (
        r"\b(?:[01]?\d|2[0-4])[:.][0-5]\d\s?(?:[ap]\.?\s?m\b\.?)|\b(?:[01]?\d|2[0-3]):[0-5]\d\b(?!:)"
        r"|\b(?:1[0-2]|0?[1-9])\s?(?:[ap]\.m\.?|[ap]m\b)|\b(?:1[0-2]|0?[1-9])\s+o'?clock\b|\b(?:at\s+)?(?:noon|midday|midnight)\b"
    ),
    "part": r"\b(?:before|after|during|at|over|for)\s+(?:breakfast|lunch|dinner)\b(?!\s+with\b)|\bin\s+the\s+(?:morning|afternoon|evening)\b|\bat\s+night\b",
}
_LETTERS = re.compile(r"[a-z]+")
NUMERIC = re.compile(r"\d(?:[:.\-]\d|\s?[ap]\.?\s?m\b|\s+o['’]?clock)|(?:19|20)\d\d", re.I)
_FULL_MONTHS = "january february march april may june july august september october november december".split()
_DAY_WORDS = frozenset("today yesterday tomorrow tonight night morning afternoon evening".split())
_MONTH_WORDS = frozenset([*MONTHS, *_FULL_MONTHS, "sept"])
_UNIT_WORDS = frozenset(
    f"{unit}{s}" for unit in ("second", "minute", "hour", "day", "week", "weekend", "month", "year") for s in ("", "s")
)
TRIGGERS: dict[str, frozenset[str]] = {
    "calendar": _MONTH_WORDS,
    "month": _MONTH_WORDS,
    "season": frozenset(SEASONS),
    "year": frozenset(["year"]),
    "relative": _DAY_WORDS,
    "weekday": frozenset(
        f"{day}{tail}" for day in ("mon tues wednes thurs fri satur sun".split()) for tail in ("", "day")
    )
    | frozenset("tue wed thu thur sat".split()),
    "within": _UNIT_WORDS,
    "period": _UNIT_WORDS,
    "ago": _UNIT_WORDS | frozenset(["now", "ago"]),
    "clock": frozenset("noon midday midnight clock".split()),
    "part": _DAY_WORDS | frozenset("breakfast lunch dinner".split()),
}
"""A kind of expression is looked for only in a text that has one of these words, lower-case."""
LEADS = frozenset(
    "last past next this previous coming earlier back in from just right ago weekend over on during at".split()
)
"""Units and "now" are times only in company: "next week", "in two hours", "just now"."""
NUMERIC_KINDS = ("iso", "dotted", "clock", "year")


def kinds_of(text: str) -> tuple[str, ...]:
    """Which kinds of expression a text may hold: the cheap test that nearly all sentences end at."""
    words = set(_LETTERS.findall(text.lower()))
    alone = words - _UNIT_WORDS - {"now"} if words.isdisjoint(LEADS) else words
    numeric = bool(NUMERIC.search(text))
    return tuple(
        kind
        for kind in _KINDS
        if (numeric and kind in NUMERIC_KINDS) or not alone.isdisjoint(TRIGGERS.get(kind, frozenset()))
    )


@lru_cache(maxsize=512)
def pattern_of(kinds: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for these kinds, each a named group; the first kind that matches at a place counts."""
    return re.compile("|".join(f"(?P<{kind}>{_KINDS[kind]})" for kind in kinds), re.I)


FUTURE = re.compile(
    r"\b(?:will|shall|going\s+to|gonna|upcoming|due|deadline|appointment|plan(?:ning|s)?|remind|scheduled|tomorrow|next|soon|should|must|need\s+to|have\s+to|is\s+on|are\s+on|is\s+at)\b|'ll\b",
    re.I,
)
PAST = re.compile(
    r"\b(?:did|was|were|had|went|saw|got|came|took|made|said|met|bought|gave|told|found|been|ago|last|yesterday|[a-z]{3,}ed)\b",
    re.I,
)
