"""What "yesterday" meant when it was said: relative days turned into dates, so that they stay true."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from perstream.models.hours import weekdays_of
from perstream.models.spans import DAYS

_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_DAY = re.compile(
    r"(?i)(today|tonight|this (?:morning|afternoon|evening)|yesterday|last night|tomorrow)\b[, ]*(?:at )?(.*)$"
)
_NAMED = re.compile(rf"(?i)(last|next) ({DAYS})\b[, ]*(?:at )?(.*)$")
_SPAN = re.compile(r"(?i)(last|next) (week|weekend|month|year)$")
_AGO = re.compile(rf"(?i)(\d{{1,3}}|{'|'.join(_WORDS)}) (day|week|month|year)s? ago$")
_OFFSETS = {"yesterday": -1, "last night": -1, "tomorrow": 1}


def said_time(time: str, said: datetime, now: datetime) -> str:
    """ "yesterday", said on 8 May, is "on 7 May"; "" for what was said today or is not relative. Both are aware."""
    local = said.astimezone(now.tzinfo)
    if local.date() == now.date():
        return ""
    text = time.strip(" .")
    day = _DAY.match(text)
    if day:
        return _dated(local + timedelta(days=_OFFSETS.get(day.group(1).lower(), 0)), now, day.group(2))
    named = _NAMED.match(text)
    if named:
        (wanted,) = weekdays_of(named.group(2))
        if named.group(1).lower() == "last":
            return _dated(local - timedelta(days=(local.weekday() - wanted) % 7 or 7), now, named.group(3))
        return _dated(local + timedelta(days=(wanted - local.weekday()) % 7 or 7), now, named.group(3))
    span = _SPAN.match(text)
    if span:
        return _stretch(span.group(1).lower() == "next", span.group(2).lower(), local, now)
    ago = _AGO.match(text)
    if ago:
        count = int(ago.group(1)) if ago.group(1).isdigit() else _WORDS[ago.group(1).lower()]
        return _ago(count, ago.group(2).lower(), local, now)
    return ""


def _dated(day: datetime, now: datetime, clock: str) -> str:
    names = {0: "today", 1: "tomorrow", -1: "yesterday"}
    name = names.get((day.date() - now.date()).days) or f"on {_date(day, now)}"
    return f"{name} at {clock.strip()}" if clock.strip() else name


def _date(day: datetime, now: datetime) -> str:
    return f"{day.day} {day:%B}" + ("" if day.year == now.year else f" {day.year}")


def _stretch(coming: bool, unit: str, local: datetime, now: datetime) -> str:
    if unit == "year":
        return f"in {local.year + (1 if coming else -1)}"
    if unit == "month":
        return _month(local.year * 12 + local.month - 1 + (1 if coming else -1), now)
    return f"the {unit} {'after' if coming else 'before'} {_date(local, now)}"


def _ago(count: int, unit: str, local: datetime, now: datetime) -> str:
    if unit == "year":
        return f"about {local.year - count}"
    if unit == "month":
        return _month(local.year * 12 + local.month - 1 - count, now)
    day = local - timedelta(days=count * (7 if unit == "week" else 1))
    return f"on {_date(day, now)}" if unit == "day" else f"about {_date(day, now)}"


def _month(index: int, now: datetime) -> str:
    year, month = divmod(index, 12)
    name = f"{datetime(2000, month + 1, 1):%B}"
    return f"in {name}" + ("" if year == now.year else f" {year}")
