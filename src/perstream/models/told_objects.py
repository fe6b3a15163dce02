"""What follows the verb of a told sentence: the object itself, and the place and time that hang on it."""

from __future__ import annotations

import re

from perstream.models.spans import TIMES, SpanType, find_spans
from perstream.models.text import cleaned
from perstream.models.told_patterns import ASIDE, RELATIVE, TRAILING_TIME
from perstream.models.verbs import CLAUSE_STARTS, PLACE_PREPOSITIONS


def extras_of(rest: str) -> tuple[str, list[tuple[str, str]]]:
    """The object itself, and (link, value) for the place and time that hang on it."""
    extras: list[tuple[str, str]] = []
    tokens = rest.split()
    for i, token in enumerate(tokens[1:], start=1):
        if token.lower() in CLAUSE_STARTS and not is_time(tokens[i + 1 :]):
            tokens = tokens[:i]
            break
    rest = ASIDE.sub("", RELATIVE.sub("", " ".join(tokens))).strip(" ,")
    trailing = TRAILING_TIME.search(" " + rest)
    if trailing:
        extras.append(("when", trailing.group(1)))
        rest = rest[: max(0, trailing.start() - 1)].rstrip(" ,")
    rest = _without_clock(rest, extras)
    tokens = rest.split()
    for i in range(1, len(tokens) - 1):
        if tokens[i].lower() in PLACE_PREPOSITIONS and not is_time(tokens[i + 1 :]):
            extras.insert(0, (tokens[i].lower(), label_of(" ".join(tokens[i + 1 :]))))
            rest = _without_clock(" ".join(tokens[:i]), extras)
            break
    return rest, [(a, b) for a, b in extras if b]


def _without_clock(rest: str, extras: list[tuple[str, str]]) -> str:
    """The words before a closing "at 10:00", which becomes the first of the extras."""
    clock = find_spans(rest, TIMES | {SpanType.DURATION})
    link = (
        re.search(r"\s(at|on|by|from|until|in|for|after|before|since)\s(?:the\s)?$", " " + rest[: clock[0].start])
        if clock
        else None
    )
    if not link or clock[-1].end < len(rest) - 1:
        return rest
    extras.insert(0, (link.group(1), rest[clock[0].start :]))
    return rest[: max(0, link.start() - 1)].rstrip(" ,")


def is_time(tokens: list[str]) -> bool:
    """True when the words begin with a time: "Tuesday at 10", "9 am", "the morning"."""
    text = "at " + " ".join(tokens[:4])
    spans = find_spans(text, TIMES)
    return bool(spans) and spans[0].start <= 7 and spans[0].start >= 3 - (spans[0].type is SpanType.DAY) * 3


def is_plural(subject: str) -> bool:
    last = subject.split()[-1].lower()
    return last.endswith("s") and not last.endswith(("ss", "us", "is", "address"))


def label_of(text: str) -> str:
    """An entity's label: no article, no trailing punctuation, bounded."""
    label = cleaned(text, 120).strip(" .,;:!?\"'")
    label = re.sub(r"^(?:a|an|the|some)\s+", "", label, flags=re.IGNORECASE)
    return re.sub(r"^(?:My|Our|His|Her|Their|Your)(?=\s)", lambda m: m.group().lower(), label)
