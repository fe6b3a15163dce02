"""Time expressions of English sentences, relative to an explicit now.

Used on questions ("what did I read yesterday at 9:40?") and on memories ("I saw her last week").
Conservative: a word that only may be a time ("may I", "a second opinion", "it sat there") is none.
Days, weeks and hours are those of ``now``'s own timezone; weeks begin on Monday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone

from perstream.whenwords import (
    CLOCK,
    DAY_PARTS,
    FUTURE,
    MONTHS,
    NUMBERS,
    PAST,
    PATTERN,
    SEASONS,
    UNIT_DAYS,
    WEEKDAYS,
)

MAX_CHARS = 2000
"""Text beyond this is not looked at: questions and memories name their time early."""


@dataclass(frozen=True, slots=True)
class When:
    """One stretch of time that a text names."""

    since: datetime
    """UTC, included."""
    until: datetime
    """UTC, not included."""
    grain: str
    """``minute``, ``hour``, ``part`` (of a day), ``day``, ``weekend``, ``week``, ``month``, ``season``, ``year``, ``span``."""
    words: str
    """The words that said so, as written."""


@dataclass(frozen=True, slots=True)
class _Local:
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


def spans(text: str, now: datetime, prefer: str | None = None) -> tuple[When, ...]:
    """The stretches of time that ``text`` names, in the order of the text.

    ``now`` must know its timezone (ValueError). ``prefer`` is ``past`` or ``future`` for what could be
    either ("on Tuesday"); None lets the sentence's own words decide, and past when they do not.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a timezone")
    text = text[:MAX_CHARS]
    if not CLOCK.search(text):  # the cheap test that nearly all sentences end at
        return ()
    ahead = prefer == "future" or (prefer is None and bool(FUTURE.search(text)) and not PAST.search(text))
    found = list(_found(text, now, ahead))
    return tuple(_when(item, text, now) for item in _joined(found, text))


def _found(text: str, now: datetime, ahead: bool) -> Iterator[_Local]:
    for match in PATTERN.finditer(text):
        kind = match.lastgroup or ""
        try:
            item = _READERS[kind](match, now, ahead)
        except (ValueError, OverflowError):  # 31 February, year 0, a million weeks ago
            continue
        if item is not None:
            yield replace(item, bound=_bound(text, match.start()))


def _bound(text: str, start: int) -> str:
    before = re.search(r"\b(since|before|after|until|till|by)\s+(?:the\s+)?$", text[max(0, start - 16) : start], re.I)
    return {"till": "until", "by": "until"}.get(before[1].lower(), before[1].lower()) if before else ""


def _joined(found: list[_Local], text: str) -> list[_Local]:
    """A time of day beside a day belongs to it: "yesterday at 5 pm", "at 9:40 on Monday"."""
    out: list[_Local] = []
    for item in found:
        last = out[-1] if out else None
        if last is not None and re.fullmatch(
            r"[\s,]*(?:(?:at|on|in|around|about|the|of|from)\s+)*", text[last.end : item.start]
        ):
            day, hour = (last, item) if last.clock is None else (item, last)
            if (
                day.grain == "day"
                and day.clock is None
                and day.span is None
                and hour.clock is not None
                and hour.first is None
            ):
                joined = replace(hour, first=day.first, start=last.start, end=item.end, bound=hour.bound or last.bound)
                out[-1] = joined
                continue
        out.append(item)
    return out


def _when(item: _Local, text: str, now: datetime) -> When:
    zone = now.tzinfo
    if item.span is not None:
        since, until = item.span
    else:
        day = item.first or now.date()
        midnight = datetime.combine(day, time(), zone)
        if item.clock is not None:
            since, until = (_at(day, minute, now) for minute in item.clock)
        else:
            since, until = midnight, datetime.combine(day + timedelta(days=item.days), time(), zone)
    grain = item.grain
    if item.bound:
        since, until, grain = _bounded(item, since, until, now)
    return When(since.astimezone(timezone.utc), until.astimezone(timezone.utc), grain, text[item.start : item.end])


def _at(day: date, minute: int, now: datetime) -> datetime:
    days, rest = divmod(minute, 24 * 60)
    return datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), now.tzinfo)


def _bounded(item: _Local, since: datetime, until: datetime, now: datetime) -> tuple[datetime, datetime, str]:
    """ "Before 5 pm" stays within the day; "before May" reaches a year back; "since" ends now."""
    if item.clock is not None:
        day = since.astimezone(now.tzinfo).date()
        start, end = _at(day, 0, now), _at(day, 24 * 60, now)
    else:
        start, end = since - timedelta(days=366), now if since < now else until + timedelta(days=366)
    if item.bound in ("before", "until"):
        return start, since if item.bound == "before" else until, "span"
    after = until if item.bound == "after" and item.clock is None else since
    return after, max(end, until), "span"


# --- one reader per kind of expression ------------------------------------------------------


def _day(match: re.Match[str], day: date, days: int = 1, grain: str = "day") -> _Local:
    return _Local(match.start(), match.end(), grain, first=day, days=days)


def _iso(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    year, month, day = (int(part) for part in re.findall(r"\d+", match["iso"])[:3])
    return _day(match, date(year, month, day))


def _dotted(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    day, month, year = (int(part) for part in re.findall(r"\d+", match["dotted"])[:3])
    return _day(match, date(year, month, day))


def _calendar(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    words = re.findall(r"[a-z]+|\d+", match[0].lower())
    month = next(MONTHS[w[:3]] for w in words if w[:3] in MONTHS and not w.isdigit())
    numbers = [int(w) for w in words if w.isdigit()]
    day = next(n for n in numbers if n <= 31)
    year = next((n for n in numbers if n > 31), 0)
    if not year:
        year = _near_year(date(now.year, month, day), now, ahead)
    return _day(match, date(year, month, day))


def _near_year(day: date, now: datetime, ahead: bool) -> int:
    if ahead:
        return day.year + (day < now.date())
    return day.year - (day > now.date())


def _month(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    words = re.findall(r"[a-z]+|\d+", match[0].lower())
    month = next(MONTHS[w[:3]] for w in words if w[:3] in MONTHS)
    year = next((int(w) for w in words if w.isdigit()), 0)
    if not year:
        year = now.year
        if "next" in words or (ahead and "last" not in words):
            year += month < now.month or ("next" in words and month == now.month)
        else:
            year -= month > now.month or ("last" in words and month == now.month)
    first = date(year, month, 1)
    return _day(match, first, (_next_month(first) - first).days, "month")


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _season(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    words = re.findall(r"[a-z]+|\d+", match[0].lower())
    month = next(SEASONS[w] for w in words if w in SEASONS)
    year = next((int(w) for w in words if w.isdigit()), 0)
    if not year:
        year = now.year
        start = date(year, month, 1)
        if "next" in words:
            year += start <= now.date()
        elif "last" in words:
            year -= start + timedelta(days=92) > now.date()
        elif not ahead:
            year -= start > now.date()
    first = date(year, month, 1)
    end = _next_month(_next_month(_next_month(first)))
    return _day(match, first, (end - first).days, "season")


def _year(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    number = re.search(r"\d{4}", match[0])
    words = match[0].lower()
    year = int(number[0]) if number else now.year + ("next" in words) - ("last" in words)
    return _day(match, date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days, "year")


def _relative_day(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    words = match[0].lower()
    today = now.date()
    if "night" in words and "last" in words:
        return _Local(match.start(), match.end(), "part", first=today - timedelta(days=1), clock=DAY_PARTS["night"])
    if "before yesterday" in words:
        day = today - timedelta(days=2)
    elif "after tomorrow" in words:
        day = today + timedelta(days=2)
    else:
        day = today + timedelta(days=("tomorrow" in words) - ("yesterday" in words))
    part = next((name for name in DAY_PARTS if name in words.replace("tonight", "night")), None)
    if part is None:
        return _day(match, day)
    return _Local(match.start(), match.end(), "part", first=day, clock=DAY_PARTS[part])


def _weekday(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    words = re.findall(r"[a-z]+", match[0].lower())
    number = next(WEEKDAYS[w[:3]] for w in words if w[:3] in WEEKDAYS)
    back = (now.weekday() - number) % 7
    if "next" in words or "coming" in words or (ahead and "last" not in words and "past" not in words):
        offset = (number - now.weekday()) % 7 or 7
    elif "this" in words and "past" not in words:
        offset = number - now.weekday()
    else:
        offset = -back if back or not {"last", "past"} & set(words) else -7
    if not back and not {"last", "past", "next", "coming", "this"} & set(words):
        offset = 0
    day = now.date() + timedelta(days=offset)
    part = next((name for name in DAY_PARTS if name in words), None)
    if part is None:
        return _day(match, day)
    return _Local(match.start(), match.end(), "part", first=day, clock=DAY_PARTS[part])


def _period(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    words = match[0].lower()
    step = -1 if re.search(r"\b(?:last|previous)\b", words) or "past" in words else int("next" in words)
    monday = now.date() - timedelta(days=now.weekday())
    if "weekend" in words:
        if re.search(r"\b(?:last|past)\b", words) or step == 0:
            # The weekend that is over or, on a Saturday or Sunday, "this" one; "last" is never today.
            saturday = monday + timedelta(days=5)
            if step or (now.weekday() < 5 and not ahead and "this" not in words):
                saturday -= timedelta(days=7)
        else:
            saturday = monday + timedelta(days=5 + (7 if now.weekday() >= 5 else 0))
        return _day(match, saturday, 2, "weekend")
    if "week" in words:
        return _day(match, monday + timedelta(days=7 * step), 7, "week")
    index = now.year * 12 + now.month - 1 + step
    first = date(index // 12, index % 12 + 1, 1)
    return _day(match, first, (_next_month(first) - first).days, "month")


def _number(word: str) -> float:
    word = re.sub(r"\s+", " ", word.lower())
    return float(word) if word[0].isdigit() else NUMBERS[word]


def _ago(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    parts = re.match(PARTS_OF_AGO, match[0], re.I)
    if parts is None:
        return _Local(
            match.start(), match.end(), "minute", span=(now - timedelta(minutes=5), now + timedelta(seconds=1))
        )
    count, unit = _number(parts["n"]), parts["unit"].lower().rstrip("s")
    sign = -1 if re.search(r"\b(?:ago|earlier|before|back)\b", match[0], re.I) else 1
    if unit in ("second", "minute", "hour"):
        length = timedelta(**{unit + "s": count})
        slack = max(timedelta(minutes=2), length / 4)
        at = now + sign * length
        return _Local(match.start(), match.end(), "hour" if unit == "hour" else "minute", span=(at - slack, at + slack))
    if unit == "month":
        index = now.year * 12 + now.month - 1 + sign * round(count)
        first = date(index // 12, index % 12 + 1, 1)
        return _day(match, first, (_next_month(first) - first).days, "month")
    if unit == "year":
        year = now.year + sign * round(count)
        return _day(match, date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days, "year")
    if unit == "weekend":
        saturday = (
            now.date()
            - timedelta(days=(now.weekday() - 5) % 7)
            + timedelta(days=7 * sign * (round(count) - (sign < 0) * (now.weekday() < 5)))
        )
        return _day(match, saturday, 2, "weekend")
    day = now.date() + sign * timedelta(days=UNIT_DAYS[unit] * count)
    if unit == "week":
        return _day(match, day - timedelta(days=day.weekday()), 7, "week")
    return _day(match, day)


PARTS_OF_AGO = (
    r"(?:in\s+|about\s+|around\s+)*(?P<n>"
    + "|".join(sorted(NUMBERS, key=len, reverse=True)).replace(" ", r"\s+")
    + r"|\d+(?:\.\d+)?)\s+(?P<unit>seconds?|minutes?|hours?|days?|weekends?|weeks?|months?|years?)"
)


def _within(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    """ "The last three days", "in the past hour": up to now."""
    parts = re.search(
        r"(?:last|past|previous|next|coming)\s+(?:(?P<n>[a-z]+(?: of)?|\d+)\s+)?(?P<unit>second|minute|hour|day|week|month|year)",
        match[0],
        re.I,
    )
    if parts is None:
        return _Local(match.start(), match.end(), "minute", span=(now - timedelta(minutes=5), now))
    count = _number(parts["n"]) if parts["n"] else 1.0
    unit = parts["unit"].lower()
    length = timedelta(days=UNIT_DAYS[unit] * count) if unit in UNIT_DAYS else timedelta(**{unit + "s": count})
    span = (now, now + length) if re.search(r"\b(?:next|coming)\b", match[0], re.I) else (now - length, now)
    return _Local(match.start(), match.end(), "span", span=span)


def _clock(match: re.Match[str], now: datetime, ahead: bool) -> _Local | None:
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
    return _Local(match.start(), match.end(), "hour" if width == 60 else "minute", clock=(minute, minute + width))


def _part(match: re.Match[str], now: datetime, ahead: bool) -> _Local:
    words = match[0].lower()
    name = next(name for name in DAY_PARTS if name in words)
    return _Local(match.start(), match.end(), "part", clock=DAY_PARTS[name])


_READERS = {
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
