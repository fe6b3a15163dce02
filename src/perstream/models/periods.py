"""The stretch of time that a question about the past names: "this morning", "yesterday", "on Monday"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PARTS = {"morning": (0, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (18, 30), "noon": (11, 14)}


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` until before ``end``."""

    start: datetime
    end: datetime


def period_of(question: str, now: datetime) -> Period | None:
    """The period named, in ``now``'s zone, or None. ``now`` must be timezone-aware."""
    low = question.lower()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ago = re.search(r"\b(\d{1,3}|an?|one|two|three|four|five|six|seven) (minute|hour|day|week)s? ago\b", low)
    if ago:
        words = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
        count = int(ago.group(1)) if ago.group(1).isdigit() else words[ago.group(1)]
        unit = {
            "minute": timedelta(minutes=1),
            "hour": timedelta(hours=1),
            "day": timedelta(days=1),
            "week": timedelta(weeks=1),
        }[ago.group(2)]
        middle = now - count * unit
        return Period(middle - unit * max(1.0, 0.5 * count), middle + unit * max(1.0, 0.5 * count))
    day: datetime | None = None
    if re.search(r"\bday before yesterday\b", low):
        day = midnight - timedelta(days=2)
    elif re.search(r"\byesterday\b|\blast night\b", low):
        day = midnight - timedelta(days=1)
    elif re.search(r"\btoday\b|\bthis (?:morning|afternoon|evening)\b|\btonight\b", low):
        day = midnight
    else:
        named = re.search(rf"\b(?:on|last) ({'|'.join(_DAYS)})\b", low)
        if named:
            back = (now.weekday() - _DAYS.index(named.group(1))) % 7
            day = midnight - timedelta(days=back or 7 if "last" in named.group() else back)
    if day is None:
        if re.search(r"\blast week\b", low):
            return Period(midnight - timedelta(days=now.weekday() + 7), midnight - timedelta(days=now.weekday()))
        if re.search(r"\bthis week\b", low):
            return Period(midnight - timedelta(days=now.weekday()), midnight + timedelta(days=7))
        return None
    part = re.search(rf"\b({'|'.join(_PARTS)})\b", low.replace("tonight", "this night"))
    first, last = _PARTS[part.group(1)] if part else (0, 24)
    return Period(day + timedelta(hours=first), day + timedelta(hours=last))
