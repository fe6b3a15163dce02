"""Days and hours on a sign: which weekdays a line speaks of, and when something opens or closes on them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perstream.models.spans import DAYS, SpanType, find_spans

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE = re.compile(rf"(?i)\b({DAYS})s?\.?\s*(?:-|–|—|to|until|till|through|bis)\s*({DAYS})\b")
_DAY = re.compile(rf"(?i)\b({DAYS})(?:s|['’]s)?\b")
_CLOCK = frozenset({SpanType.CLOCK})
ALL_DAYS = frozenset(range(7))


def weekdays_of(text: str) -> frozenset[int]:
    """The weekdays a text names, 0 is Monday: "Monday - Friday", "weekdays", "Sat", "daily". Dates count for none."""
    low = text.lower()
    found: set[int] = set()
    for match in _RANGE.finditer(low):
        first, last = _number(match.group(1)), _number(match.group(2))
        found |= {(first + i) % 7 for i in range((last - first) % 7 + 1)}
    found |= {_number(match.group(1)) for match in _DAY.finditer(low)}
    if re.search(r"\b(?:weekdays?|working days?|workdays?|during the week)\b", low):
        found |= {0, 1, 2, 3, 4}
    if re.search(r"\bweekends?\b", low):
        found |= {5, 6}
    if re.search(r"\b(?:daily|every day|all week|7 days|seven days)\b", low):
        found |= ALL_DAYS
    return frozenset(found)


def _number(day: str) -> int:
    return _NAMES.index(day[:3].lower())


def lines_of_day(order: Sequence[int], lines: Sequence[str], question: str) -> list[int]:
    """Of ``order``, the lines that speak of the weekday the question names (and the next one, if it holds the time).

    A question that names none leaves them as they are; where the lines name other weekdays only, none are left.
    """
    asked = weekdays_of(question)
    of_line = [weekdays_of(line) for line in lines]
    if not asked or not any(of_line):
        return list(order)
    named = [i for i in order if asked <= of_line[i]] or [i for i in order if asked & of_line[i]]
    below = [
        i + 1 for i in named if not find_spans(lines[i], _CLOCK) and i + 1 < len(lines) and not of_line[i + 1]
    ]  # fmt: skip
    return [*named, *below]


def hour_of(line: str, starts: bool, ends: bool) -> str:
    """When something starts or ends by this line: "17:40" of "8:45 - 17:40", "13:00" of "until 13:00", "closed"; else ""."""
    clocks = [span.text for span in find_spans(line, _CLOCK)]
    if not clocks:
        return "closed" if re.search(r"(?i)\bclosed\b", line) and weekdays_of(line) else ""
    if len(clocks) > 1:
        return clocks[-1] if ends else clocks[0]
    until = re.search(r"(?i)\b(?:until|till|bis|to|clos\w+|ends?|shuts?|finish\w*)\b", line)
    return clocks[0] if bool(until) == ends and (starts or ends) else ""
