"""Readers of time expressions: what each kind of match means in the local calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from perstream.whenwords import DAY_PARTS, MONTHS, NUMBERS, SEASONS, UNIT_DAYS, WEEKDAYS


@dataclass(frozen=True, slots=True)
class Local:
    """A stretch in the local calendar; ``days`` long from ``first``, or a time of day where ``clock`` is set."""

    start: int
    end: int
    grain: str
    first: date | None = None
    days: int = 1
    clock: tuple[int, int] | None = None
    """Minutes of the day [from, to); may pass 24 h."""
    span: tuple[datetime, datetime] | None = None
    bound: str = ""
    """``since``, ``before``, ``after`` or ``until`` in front of it."""


@dataclass(frozen=True, slots=True)
class Now:
    """What an expression is relative to, and whether the sentence looks ahead."""

    now: datetime
    ahead: bool


def _day(match: re.Match[str], day: date, days: int = 1, grain: str = "day") -> Local:
    return Local(match.start(), match.end(), grain, first=day, days=days)


def _iso(match: re.Match[str], _: Now) -> Local:
    year, month, day = (int(part) for part in re.findall(r"\d+", match["iso"])[:3])
    return _day(match, date(year, month, day))


def _dotted(match: re.Match[str], _: Now) -> Local:
    day, month, year = (int(part) for part in re.findall(r"\d+", match["dotted"])[:3])
    return _day(match, date(year, month, day))


def _calendar(match: re.Match[str], at: Now) -> Local:
    words = re.findall(r"[a-z]+|\d+", match[0].lower())
    month = next(MONTHS[w[:3]] for w in words if w[:3] in MONTHS and not w.isdigit())
    numbers = [int(w) for w in words if w.isdigit()]
    day = next(n for n in numbers if n <= 31)
    year = next((n for n in numbers if n > 31), 0)
    if not year:
        year = _near_year(date(at.now.year, month, day), at)
    return _day(match, date(year, month, day))


def _near_year(day: date, at: Now) -> int:
    if at.ahead:
        return day.year + (day < at.now.date())
    return day.year - (day > at.now.date())


def _month(match: re.Match[str], at: Now) -> Local:
    words = re.findall(r"[a-z]+|\d+", match[0].lower())
    month = next(MONTHS[w[:3]] for w in words if w[:3] in MONTHS)
    year = next((int(w) for w in words if w.isdigit()), 0)
    if not year:
        year = at.now.year
        if "next" in words or (at.ahead and "last" not in words):
            year += month < at.now.month or ("next" in words and month == at.now.month)
        else:
            year -= month > at.now.month or ("last" in words and month == at.now.month)
    first = date(year, month, 1)
    return _day(match, first, (_next_month(first) - first).days, "month")


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _season(match: re.Match[str], at: Now) -> Local:
    words = re.findall(r"[a-z]+|\d+", match[0].lower())
    month = next(SEASONS[w] for w in words if w in SEASONS)
    year = next((int(w) for w in words if w.isdigit()), 0)
    if not year:
        year = at.now.year
        start = date(year, month, 1)
        if "next" in words:
            year += start <= at.now.date()
        elif "last" in words:
            year -= start + timedelta(days=92) > at.now.date()
        elif not at.ahead:
            year -= start > at.now.date()
    first = date(year, month, 1)
    end = _next_month(_next_month(_next_month(first)))
    return _day(match, first, (end - first).days, "season")


def _year(match: re.Match[str], at: Now) -> Local:
    number = re.search(r"\d{4}", match[0])
    words = match[0].lower()
    year = int(number[0]) if number else at.now.year + ("next" in words) - ("last" in words)
    return _day(match, date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days, "year")


def _relative_day(match: re.Match[str], at: Now) -> Local:
    words = match[0].lower()
    today = at.now.date()
    if "night" in words and "last" in words:
        return Local(match.start(), match.end(), "part", first=today - timedelta(days=1), clock=DAY_PARTS["night"])
    if "before yesterday" in words:
        day = today - timedelta(days=2)
    elif "after tomorrow" in words:
        day = today + timedelta(days=2)
    else:
        day = today + timedelta(days=("tomorrow" in words) - ("yesterday" in words))
    part = next((name for name in DAY_PARTS if name in words.replace("tonight", "night")), None)
    if part is None:
        return _day(match, day)
    return Local(match.start(), match.end(), "part", first=day, clock=DAY_PARTS[part])


def _weekday(match: re.Match[str], at: Now) -> Local:
    words = re.findall(r"[a-z]+", match[0].lower())
    number = next(WEEKDAYS[w[:3]] for w in words if w[:3] in WEEKDAYS)
    back = (at.now.weekday() - number) % 7
    if "next" in words or "coming" in words or (at.ahead and "last" not in words and "past" not in words):
        offset = (number - at.now.weekday()) % 7 or 7
    elif "this" in words and "past" not in words:
        offset = number - at.now.weekday()
    else:
        offset = -back if back or not {"last", "past"} & set(words) else -7
    if not back and not {"last", "past", "next", "coming", "this"} & set(words):
        offset = 0
    day = at.now.date() + timedelta(days=offset)
    part = next((name for name in DAY_PARTS if name in words), None)
    if part is None:
        return _day(match, day)
    return Local(match.start(), match.end(), "part", first=day, clock=DAY_PARTS[part])


def _period(match: re.Match[str], at: Now) -> Local:
    words = match[0].lower()
    step = -1 if re.search(r"\b(?:last|previous)\b", words) or "past" in words else int("next" in words)
    monday = at.now.date() - timedelta(days=at.now.weekday())
    if "weekend" in words:
        if re.search(r"\b(?:last|past)\b", words) or step == 0:
            # The weekend that is over or, on a Saturday or Sunday, "this" one; "last" is never today.
            saturday = monday + timedelta(days=5)
            if step or (at.now.weekday() < 5 and not at.ahead and "this" not in words):
                saturday -= timedelta(days=7)
        else:
            saturday = monday + timedelta(days=5 + (7 if at.now.weekday() >= 5 else 0))
        return _day(match, saturday, 2, "weekend")
    if "week" in words:
        return _day(match, monday + timedelta(days=7 * step), 7, "week")
    index = at.now.year * 12 + at.now.month - 1 + step
    first = date(index // 12, index % 12 + 1, 1)
    return _day(match, first, (_next_month(first) - first).days, "month")


def _number(word: str) -> float:
    word = re.sub(r"\s+", " ", word.lower())
    return float(word) if word[0].isdigit() else NUMBERS[word]


def _ago(match: re.Match[str], at: Now) -> Local:
    parts = re.match(PARTS_OF_AGO, match[0], re.I)
    if parts is None:
        return Local(
            match.start(), match.end(), "minute", span=(at.now - timedelta(minutes=5), at.now + timedelta(seconds=1))
        )
    count, unit = _number(parts["n"]), parts["unit"].lower().rstrip("s")
    sign = -1 if re.search(r"\b(?:ago|earlier|before|back)\b", match[0], re.I) else 1
    if unit in ("second", "minute", "hour"):
        length = timedelta(**{unit + "s": count})
        slack = max(timedelta(minutes=2), length / 4)
        middle = at.now + sign * length
        return Local(
            match.start(), match.end(), "hour" if unit == "hour" else "minute", span=(middle - slack, middle + slack)
        )
    if unit == "month":
        index = at.now.year * 12 + at.now.month - 1 + sign * round(count)
        first = date(index // 12, index % 12 + 1, 1)
        return _day(match, first, (_next_month(first) - first).days, "month")
    if unit == "year":
        year = at.now.year + sign * round(count)
        return _day(match, date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days, "year")
    if unit == "weekend":
        saturday = (
            at.now.date()
            - timedelta(days=(at.now.weekday() - 5) % 7)
            + timedelta(days=7 * sign * (round(count) - (sign < 0) * (at.now.weekday() < 5)))
        )
        return _day(match, saturday, 2, "weekend")
    day = at.now.date() + sign * timedelta(days=UNIT_DAYS[unit] * count)
    if unit == "week":
        return _day(match, day - timedelta(days=day.weekday()), 7, "week")
    return _day(match, day)


PARTS_OF_AGO = (
    r"(?:in\s+|about\s+|around\s+)*(?P<n>"
    + "|".join(sorted(NUMBERS, key=len, reverse=True)).replace(" ", r"\s+")
    + r"|\d+(?:\.\d+)?)\s+(?P<unit>seconds?|minutes?|hours?|days?|weekends?|weeks?|months?|years?)"
)


def _within(match: re.Match[str], at: Now) -> Local:
    """The last three days, the past hour: up to now."""
    parts = re.search(
        r"(?:last|past|previous|next|coming)\s+(?:(?P<n>[a-z]+(?: of)?|\d+)\s+)?(?P<unit>second|minute|hour|day|week|month|year)",
        match[0],
        re.I,
    )
    if parts is None:
        return Local(match.start(), match.end(), "minute", span=(at.now - timedelta(minutes=5), at.now))
    count = _number(parts["n"]) if parts["n"] else 1.0
    unit = parts["unit"].lower()
    length = timedelta(days=UNIT_DAYS[unit] * count) if unit in UNIT_DAYS else timedelta(**{unit + "s": count})
    span = (at.now, at.now + length) if re.search(r"\b(?:next|coming)\b", match[0], re.I) else (at.now - length, at.now)
    return Local(match.start(), match.end(), "span", span=span)


def _clock(match: re.Match[str], _: Now) -> Local | None:
    words = match[0].lower()
    if "noon" in words or "midday" in words:
        minute, width = 12 * 60, 60
    elif "midnight" in words:
        minute, width = 24 * 60, 60
    else:
        numbers = [int(n) for n in re.findall(r"\d+", words)]
        hour, minutes = numbers[0], numbers[1] if len(numbers) > 1 else 0
        half = re.search(r"([ap])\.?\s?m\b", words)
        if half and not 1 <= hour <= 12:
            return None
        if half:
            hour = hour % 12 + (12 if half[1] == "p" else 0)
        if hour > 24 or minutes > 59:
            return None
        minute, width = hour * 60 + minutes, 60 if len(numbers) == 1 else 1
    return Local(match.start(), match.end(), "hour" if width == 60 else "minute", clock=(minute, minute + width))


def _part(match: re.Match[str], _: Now) -> Local:
    words = match[0].lower()
    name = next(name for name in DAY_PARTS if name in words)
    return Local(match.start(), match.end(), "part", clock=DAY_PARTS[name])


READERS = {
    "iso": _iso,
    "dotted": _dotted,
    "calendar": _calendar,
    "month": _month,
    "season": _season,
    "year": _year,
    "relative": _relative_day,
    "weekday": _weekday,
    "period": _period,
    "ago": _ago,
    "within": _within,
    "clock": _clock,
    "part": _part,
}
