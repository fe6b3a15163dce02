"""Calendars (.ics, RFC 5545): appointments and to-dos, one sentence each. Needs icalendar.

Components are parsed one by one, so that a broken one costs only itself. Definitions of time zones are not read (their
rules would be another program to run); a zone counts by its name, and one that nobody knows as the owner's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

from perstream.errors import BackendUnavailable, ConfigError
from perstream.imports.components import (
    MAX_COMPONENT,
    alarm_of,
    components,
    every,
    first,
    notes_of,
    people_of,
    place_of,
    words,
)
from perstream.imports.files import decoded, key_for, read_bytes, short_name, utc
from perstream.imports.item import MAX_TEXT, Found, Imported, Skipped
from perstream.imports.recurrence import Rule, day_text, rule_of

AHEAD = timedelta(days=60)
"""So far ahead the days of a repeated appointment are said."""
MOST_DAYS = 8
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError, OSError)


def read_calendar(path: Path, now: datetime, zone: tzinfo | None = None) -> Iterator[Found]:
    """Appointments and open to-dos; ``zone`` is the owner's (the system's by default), ``now`` (aware) begins what comes."""
    try:
        import icalendar
    except ImportError as error:
        raise BackendUnavailable("calendars need: pip install 'perstream[imports]' (icalendar is missing)") from error
    text = decoded(read_bytes(path), path)
    if "BEGIN:VCALENDAR" not in text[:100_000].upper():
        raise ConfigError(f"{path} is no calendar: it does not say BEGIN:VCALENDAR")
    read = _Reader(f"calendar:{short_name(path)}", now, zone)
    found: dict[str, _Entry] = {}
    for number, block in enumerate(components(text), start=1):
        where = f"entry {number}"
        if block is None:
            yield Skipped(where, f"it is longer than {MAX_COMPONENT} characters")
            continue
        try:
            component = icalendar.Component.from_ical(block)
            entry = read.entry(component)
        except _BROKEN:
            yield Skipped(where, "it cannot be read")
            continue
        if isinstance(entry, str):
            yield Skipped(where, entry)
        elif entry.key not in found or found[entry.key].sequence <= entry.sequence:
            found[entry.key] = entry
    moved: dict[str, set[date]] = {}
    for entry in found.values():
        if entry.instead_of is not None:
            moved.setdefault(entry.uid, set()).add(entry.instead_of)
    for entry in found.values():
        yield read.told(entry, moved.get(entry.uid, set()))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One component, understood."""

    key: str
    uid: str
    sequence: int
    title: str
    place: str
    notes: str
    people: tuple[str, ...]
    start: datetime | date | None
    end: datetime | date | None
    rule: Rule | None
    repeats: bool
    """There is a rule, perhaps one that is not understood."""
    off: frozenset[date]
    instead_of: date | None
    cancelled: bool
    todo: bool
    changed: datetime | None
    alarm: timedelta | datetime | None


class _Reader:
    def __init__(self, origin: str, now: datetime, zone: tzinfo | None) -> None:
        self._origin = origin
        self._zone = zone
        self._now = self._local(now)

    def entry(self, c: Any) -> _Entry | str:
        """The component, or why it says nothing."""
        todo = c.name == "VTODO"
        if todo and (words(c, "STATUS").upper() in ("COMPLETED", "CANCELLED") or c.get("COMPLETED") is not None):
            return "it is done"
        start = self._when(c, "DTSTART") or (self._when(c, "DUE") if todo else None)
        title = words(c, "SUMMARY")
        if not todo and start is None:
            return "it says no time"
        if not any(letter.isalnum() for letter in title):
            return "it has no title"
        end = self._when(c, "DTEND") or (self._when(c, "DUE") if todo else None)
        length = first(c, "DURATION")
        if end is None and length is not None and start is not None:
            end = start + length.dt
        instead = self._when(c, "RECURRENCE-ID")
        rules = first(c, "RRULE")
        fields = {str(name).upper(): list(value) for name, value in rules.items()} if rules is not None else {}
        uid = words(c, "UID")[:200] or key_for(title, str(start))
        return _Entry(
            key=f"{uid}/{_day(instead)}" if instead else uid,
            uid=uid,
            sequence=int(first(c, "SEQUENCE") or 0),
            title=title[:300].rstrip(" .,:;"),
            place=place_of(words(c, "LOCATION")),
            notes=notes_of(str(first(c, "DESCRIPTION") or "")),
            people=people_of(c),
            start=start,
            end=end,
            rule=rule_of(fields, _day(start)) if fields and start else None,
            repeats=bool(fields) or c.get("RDATE") is not None,
            off=frozenset(self._excluded(c)),
            instead_of=_day(instead) if instead else None,
            cancelled=words(c, "STATUS").upper() == "CANCELLED",
            todo=todo,
            changed=self._stamp(c, "LAST-MODIFIED") or self._stamp(c, "CREATED"),
            alarm=alarm_of(c),
        )

    def told(self, entry: _Entry, moved: set[date]) -> Found:
        """The sentence."""
        coming = self._coming(entry, moved)
        said = _sentence(entry, self._times(entry), coming)
        text = f"{said}. {entry.notes}" if entry.notes else f"{said}."
        if len(text) > MAX_TEXT:
            return Skipped(entry.title[:40], f"it is longer than {MAX_TEXT} characters")
        begins, ends = self._span(entry)
        if entry.repeats:
            limit = entry.rule.until if entry.rule is not None else None
            ends = self._utc(limit + timedelta(days=1)) if limit else None
        return Imported(
            self._origin,
            entry.key,
            text,
            at=entry.changed,
            valid_from=begins,
            valid_to=ends if begins is None or ends is None or ends >= begins else None,
            remind_at=None if entry.cancelled else self._reminder(entry, coming),
            revises=False,
            ended=entry.cancelled,
        )

    def _span(self, entry: _Entry) -> tuple[datetime | None, datetime | None]:
        """From when to when it holds; a day is over at its end, and a to-do is not over when it is due."""
        if entry.todo:
            return None, None
        end = entry.end
        if end is None and entry.start is not None and not isinstance(entry.start, datetime):
            end = entry.start + timedelta(days=1)
        return self._utc(entry.start), self._utc(end)

    def _coming(self, entry: _Entry, moved: set[date]) -> list[date]:
        if entry.rule is None or entry.cancelled:
            return []
        today = self._now.date()
        days = entry.rule.days(today, today + AHEAD) or []
        return [day for day in days if day not in entry.off and day not in moved][:MOST_DAYS]

    def _times(self, entry: _Entry) -> str:
        """ " on 3 December 2026 at 09:00 for 30 minutes"."""
        start, end = entry.start, entry.end
        if start is None:
            return ""
        if entry.todo:
            due = end or start
            return f", due on {day_text(_day(due))}" + (f" at {due:%H:%M}" if isinstance(due, datetime) else "")
        if entry.repeats:
            clock = f" at {start:%H:%M}" if isinstance(start, datetime) else ""
            if entry.rule is None:
                return f", repeated, first on {day_text(_day(start))}{clock}"
            return f" {entry.rule.words()}{clock}{_length(start, end)}{entry.rule.limits()}"
        if isinstance(start, datetime):
            if isinstance(end, datetime) and end.date() > start.date() and end - start > timedelta(hours=18):
                return f" from {day_text(start)} at {start:%H:%M} to {day_text(end)} at {end:%H:%M}"
            return f" on {day_text(start)} at {start:%H:%M}{_length(start, end)}"
        last = _day(end) - timedelta(days=1) if end is not None else start
        return f" from {day_text(start)} to {day_text(last)}" if last > start else f" on {day_text(start)}"

    def _reminder(self, entry: _Entry, coming: list[date]) -> datetime | None:
        """When an alarm is to sound next; None without one, or when that is over."""
        start = entry.start
        if entry.alarm is None or start is None:
            return None
        if isinstance(entry.alarm, datetime):
            at = utc(self._local(entry.alarm))
        else:
            clock = start.timetz() if isinstance(start, datetime) else time(0)
            days = coming if entry.repeats else [_day(start)]
            begins = (self._local(datetime.combine(day, clock)) for day in days)
            at = next((utc(b + entry.alarm) for b in begins if b + entry.alarm > self._now), None)
        return at if at is not None and at > self._now else None

    def _when(self, c: Any, name: str) -> datetime | date | None:
        value = first(c, name)
        if value is None:
            return None
        found = value.dt
        return self._local(found) if isinstance(found, datetime) else found if isinstance(found, date) else None

    def _stamp(self, c: Any, name: str) -> datetime | None:
        try:
            found = self._when(c, name)
        except _BROKEN:
            return None  # nobody needs it
        return utc(found) if isinstance(found, datetime) else None

    def _excluded(self, c: Any) -> Iterator[date]:
        for dates in every(c, "EXDATE"):
            for one in dates.dts[:1000]:
                yield _day(self._local(one.dt) if isinstance(one.dt, datetime) else one.dt)

    def _local(self, moment: datetime) -> datetime:
        """On the owner's clock; a time without a zone is on it already."""
        if moment.tzinfo is None:
            return moment.replace(tzinfo=self._zone) if self._zone is not None else moment.astimezone()
        return moment.astimezone(self._zone)

    def _utc(self, moment: datetime | date | None) -> datetime | None:
        if moment is None:
            return None
        if not isinstance(moment, datetime):
            moment = self._local(datetime.combine(moment, time(0)))
        return utc(moment)


def _sentence(entry: _Entry, times: str, coming: list[date]) -> str:
    place = f" at {entry.place}" if entry.place else ""
    with_whom = f" with {', '.join(entry.people)}" if entry.people else ""
    if entry.todo:
        return f"To do: {entry.title}{place}{times}"
    said = f"{entry.title}{with_whom}{place}{times}"
    if entry.instead_of is not None:
        day = day_text(entry.instead_of)
        if entry.cancelled:
            return f"{entry.title} on {day} is cancelled"
        return f"{said}, instead of the one on {day}" if entry.start and _day(entry.start) != entry.instead_of else said
    if entry.cancelled:
        return f"{said} is cancelled"
    return f"{said}. {entry.title} is next on {', '.join(map(day_text, coming))}" if coming else said


def _day(moment: datetime | date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _length(start: datetime | date, end: datetime | date | None) -> str:
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return ""
    minutes = round((end - start).total_seconds() / 60)
    if not 0 < minutes < 60 * 24:
        return ""
    if minutes % 60:
        return f" for {minutes} minutes" if minutes < 120 else f" for {minutes // 60} hours and {minutes % 60} minutes"
    return f" for {minutes // 60} hour{'s' if minutes > 60 else ''}"
