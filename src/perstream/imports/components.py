"""Components of an iCalendar file (RFC 5545) as text, one at a time, and the parts of a parsed one that say something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from perstream.imports.files import tidy

MAX_COMPONENT = 64 * 1024
"""Characters of one appointment, attachments left out."""
_LEFT_OUT = re.compile(r"^(?:ATTACH|X-ALT-DESC|X-MICROSOFT|X-GOOGLE|COMMENT|CONTACT)[\w-]*[;:]", re.IGNORECASE)
_URL = re.compile(r"<?\bhttps?://\S{1,2000}>?", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{1,300}>")
_END = re.compile(r"[_*~=-]{8,}")
"""Where the text of an invitation ends and the boilerplate of a meeting service begins."""
MAX_NOTES = 300


def components(text: str) -> Iterator[str | None]:
    """Appointments and to-dos as text, without what is not needed; None for one that is too long."""
    block, size, inside, skipping = list[str](), 0, "", False
    for line in text.splitlines():
        mark = line.strip().upper()
        if not inside and mark in ("BEGIN:VEVENT", "BEGIN:VTODO"):
            block, size, inside, skipping = [line.strip()], 0, mark[6:], False
        elif inside:
            skipping = (skipping and line[:1] in (" ", "\t")) or bool(_LEFT_OUT.match(line))
            if mark == f"END:{inside}":
                yield "\r\n".join([*block, mark, ""]) if size <= MAX_COMPONENT else None
                inside = ""
            elif not skipping and line.strip():
                size += len(line)
                if size <= MAX_COMPONENT:
                    block.append(line)
    if inside:
        yield "\r\n".join([*block, f"END:{inside}", ""]) if size <= MAX_COMPONENT else None


def first(c: Any, name: str) -> Any:
    """One value of a property, the first where there are several; None without."""
    value = c.get(name)
    return value[0] if isinstance(value, list) else value


def every(c: Any, name: str) -> list[Any]:
    """All values of a property."""
    value = c.get(name)
    return [] if value is None else value if isinstance(value, list) else [value]


def words(c: Any, name: str) -> str:
    """A property as words on one line; empty without."""
    return tidy(str(first(c, name) or "")[:2000])


def place_of(text: str) -> str:
    """A place without the address of a meeting on the web."""
    return _URL.sub("", text)[:200].strip(" .,;:-")


def notes_of(text: str) -> str:
    """What is said about it, in short."""
    text = _END.split(text[:4000], maxsplit=1)[0]
    words = tidy(_URL.sub(" ", _TAG.sub(" ", text)))
    if len(words) > MAX_NOTES:
        words = words[:MAX_NOTES].rpartition(" ")[0] + " …"
    return words if any(letter.isalnum() for letter in words) else ""


def people_of(c: Any) -> tuple[str, ...]:
    """Names of those who take part, at most five; addresses are no names."""
    names = [tidy(str(one.params.get("CN", "")))[:60] for one in every(c, "ATTENDEE")[:50] if hasattr(one, "params")]
    return tuple(dict.fromkeys(name.strip("'\"") for name in names if name and "@" not in name))[:5]


def alarm_of(c: Any) -> timedelta | datetime | None:
    """The last one before the begin."""
    found: list[timedelta] = []
    for alarm in c.subcomponents[:20]:
        trigger = first(alarm, "TRIGGER") if alarm.name == "VALARM" else None
        if trigger is None:
            continue
        when = trigger.dt
        if isinstance(when, datetime):
            return when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)
        if isinstance(when, timedelta) and abs(when) < timedelta(days=60):
            found.append(when)
    return max(found, default=None)
