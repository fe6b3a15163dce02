"""Appointments that come again: the rule in words, and its days within a short stretch.

Rules are those of RFC 5545, section 3.3.10, as far as they speak of days. Days are tested one by one, so that no rule,
however mad, takes long: there is nothing to run away.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

MAX_COUNTED = 20_000
"""Days that are looked at to count the occurrences of a rule with COUNT; a longer series is not expanded."""
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_ORDER = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second last"}
_DAY = re.compile(r"^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$")
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about days."""

    unit: str
    """``DAILY``, ``WEEKLY``, ``MONTHLY`` or ``YEARLY``."""
    start: date
    interval: int = 1
    count: int | None = None
    until: date | None = None
    by_day: tuple[tuple[int, int], ...] = ()
    """(which of the period, 0 for each; weekday, Monday is 0)."""
    by_month_day: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    set_pos: tuple[int, ...] = ()
    week_start: int = 0

    def days(self, since: date, until: date) -> list[date] | None:
        """Days of the rule in [since, until]; None when it cannot be told with little work."""
        last = min(until, self.until) if self.until else until
        first = self.start if self.count is not None else max(self.start, since)
        if (last - first).days > MAX_COUNTED:
            return None
        found, number = list[date](), 0
        for ahead in range((last - first).days + 1):
            day = first + timedelta(days=ahead)
            if self.holds(day):
                number += 1
                if self.count is not None and number > self.count:
                    break
                if day >= since:
                    found.append(day)
        return found

    def holds(self, day: date) -> bool:
        """Is this day one of the rule's? Its COUNT is not looked at."""
        if day < self.start or (self.until is not None and day > self.until) or not self._in_step(day):
            return False
        if not self._fits(day):
            return False
        if not self.set_pos:
            return True
        fitting = [other for other in self._period(day) if self._fits(other)]
        place = fitting.index(day)
        return place + 1 in self.set_pos or place - len(fitting) in self.set_pos

    def words(self) -> str:
        """ "every Tuesday", "every second month on the last Friday", "every year on 3 May"."""
        step = {1: "every ", 2: "every second "}.get(self.interval, f"every {self.interval} ")
        unit = _UNITS[self.unit] + ("s" if self.interval > 2 else "")
        named = [f"the {_ORDER.get(n, f'{n}.')} {_NAMES[day]}" if n else _NAMES[day] for n, day in self.by_day]
        place = self.set_pos[0] if len(self.set_pos) == 1 else None
        if place is not None and place in _ORDER and len(self.by_day) > 1:
            working = {day for _, day in self.by_day} == set(range(5))
            named = [f"the {_ORDER[place]} {'working day' if working else 'of ' + _listed(named)}"]
        months = [calendar.month_name[month] for month in self.by_month]
        if self.unit == "WEEKLY":
            shown = named or [_NAMES[self.start.weekday()]]
            text = step + _listed(shown) if self.interval == 1 else f"{step}{unit} on {_listed(shown)}"
        else:
            on = named or [f"day {n}" if n > 0 else "the last day" for n in self.by_month_day]
            if not on and self.unit == "MONTHLY":
                on = [f"day {self.start.day}"]
            if not on and self.unit == "YEARLY" and not months:
                on = [f"{self.start.day} {calendar.month_name[self.start.month]}"]
            text = step + unit + (f" on {_listed(on)}" if on else "")
        if months:
            text += f" in {_listed(months)}"
        return text

    def limits(self) -> str:
        """ " until 3 May 2027", ", 10 times", or nothing."""
        until = "" if self.until is None else f" until {day_text(self.until)}"
        return until + (f", {self.count} times" if self.count is not None else "")

    def _in_step(self, day: date) -> bool:
        if self.unit == "DAILY":
            return (day - self.start).days % self.interval == 0
        if self.unit == "WEEKLY":
            return (self._week(day) - self._week(self.start)).days // 7 % self.interval == 0
        if self.unit == "MONTHLY":
            return ((day.year - self.start.year) * 12 + day.month - self.start.month) % self.interval == 0
        return (day.year - self.start.year) % self.interval == 0

    def _week(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self.week_start) % 7)

    def _fits(self, day: date) -> bool:
        if self.by_month and day.month not in self.by_month:
            return False
        from_end = day.day - calendar.monthrange(day.year, day.month)[1] - 1
        if self.by_month_day and day.day not in self.by_month_day and from_end not in self.by_month_day:
            return False
        if self.by_day and not any(day.weekday() == w and self._is_nth(day, n) for n, w in self.by_day):
            return False
        if self.by_day or self.by_month_day:
            return True
        if self.unit == "WEEKLY":
            return day.weekday() == self.start.weekday()
        if self.unit == "MONTHLY":
            return day.day == self.start.day
        return self.unit == "DAILY" or (
            day.day == self.start.day and (bool(self.by_month) or day.month == self.start.month)
        )

    def _is_nth(self, day: date, number: int) -> bool:
        """Is it the ``number``-th such weekday of its month, or (yearly rules without months) of its year?"""
        if not number or self.unit in ("DAILY", "WEEKLY"):
            return True
        if self.unit == "YEARLY" and not self.by_month:
            gone, left = day.timetuple().tm_yday - 1, (date(day.year, 12, 31) - day).days
        else:
            gone, left = day.day - 1, calendar.monthrange(day.year, day.month)[1] - day.day
        return gone // 7 + 1 == number if number > 0 else left // 7 + 1 == -number

    def _period(self, day: date) -> list[date]:
        """The days among which BYSETPOS counts."""
        if self.unit == "DAILY":
            return [day]
        if self.unit == "WEEKLY":
            first, count = self._week(day), 7
        elif self.unit == "MONTHLY":
            first, count = day.replace(day=1), calendar.monthrange(day.year, day.month)[1]
        else:
            first, count = date(day.year, 1, 1), 366 if calendar.isleap(day.year) else 365
        return [first + timedelta(days=n) for n in range(count)]


def day_text(day: date) -> str:
    """ "3 December 2026"."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def rule_of(fields: Mapping[str, Any], start: date) -> Rule | None:
    """A rule from its parts by name, as lists of values; None when it speaks of more than days or makes no sense."""
    if set(fields) - _KNOWN:
        return None
    try:
        unit = str(_only(fields, "FREQ", "")).upper()
        until = _only(fields, "UNTIL", None)
        count = _only(fields, "COUNT", None)
        rule = Rule(
            unit,
            start,
            interval=int(_only(fields, "INTERVAL", 1)),
            count=None if count is None else int(count),
            until=None if until is None else date(until.year, until.month, until.day),
            by_day=tuple(_weekday(str(day)) for day in fields.get("BYDAY", ())),
            by_month_day=tuple(int(day) for day in fields.get("BYMONTHDAY", ())),
            by_month=tuple(int(month) for month in fields.get("BYMONTH", ())),
            set_pos=tuple(int(place) for place in fields.get("BYSETPOS", ())),
            week_start=DAYS.index(str(_only(fields, "WKST", "MO"))),
        )
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        return None
    sound = (
        unit in _UNITS
        and 1 <= rule.interval <= 10_000
        and (count is None or (rule.count is not None and rule.count >= 1))
        and all(1 <= month <= 12 for month in rule.by_month)
        and all(day and -31 <= day <= 31 for day in rule.by_month_day)
        and max(map(len, (rule.by_day, rule.by_month_day, rule.by_month, rule.set_pos))) <= 100
    )
    return rule if sound else None


def _only(fields: Mapping[str, Any], name: str, default: Any) -> Any:
    value = fields.get(name, default)
    return value[0] if isinstance(value, (list, tuple)) else value


def _weekday(text: str) -> tuple[int, int]:
    found = _DAY.match(text.upper())
    if found is None:
        raise ValueError(f"{text!r} is no weekday")
    return int(found[1] or 0), DAYS.index(found[2])


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
