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

from perstream.whenread import READERS, Local, Now
from perstream.whenwords import FUTURE, PAST, kinds_of, pattern_of

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


def spans(text: str, now: datetime, prefer: str | None = None) -> tuple[When, ...]:
    """The stretches of time that ``text`` names, in the order of the text.

    ``now`` must know its timezone (ValueError). ``prefer`` is ``past`` or ``future`` for what could be
    either ("on Tuesday"); None lets the sentence's own words decide, and past when they do not.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a timezone")
    text = text[:MAX_CHARS]
    kinds = kinds_of(text)
    if not kinds:
        return ()
    ahead = prefer == "future" or (prefer is None and bool(FUTURE.search(text)) and not PAST.search(text))
    found = list(_found(text, kinds, Now(now, ahead)))
    return tuple(_when(item, text, now) for item in _joined(found, text))


def _found(text: str, kinds: tuple[str, ...], at: Now) -> Iterator[Local]:
    for match in pattern_of(kinds).finditer(text):
        kind = match.lastgroup or ""
        try:
            item = READERS[kind](match, at)
        except (ValueError, OverflowError):  # 31 February, year 0, a million weeks ago
            continue
        if item is not None:
            yield replace(item, bound=_bound(text, match.start()))


def _bound(text: str, start: int) -> str:
    before = re.search(r"\b(since|before|after|until|till|by)\s+(?:the\s+)?$", text[max(0, start - 16) : start], re.I)
    return {"till": "until", "by": "until"}.get(before[1].lower(), before[1].lower()) if before else ""


def _joined(found: list[Local], text: str) -> list[Local]:
    """A time of day beside a day belongs to it: "yesterday at 5 pm", "at 9:40 on Monday"."""
    out: list[Local] = []
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


def _when(item: Local, text: str, now: datetime) -> When:
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


def _bounded(item: Local, since: datetime, until: datetime, now: datetime) -> tuple[datetime, datetime, str]:
    """Before 5 pm stays within the day; "before May" reaches a year back; "since" ends now."""
    if item.clock is not None:
        day = since.astimezone(now.tzinfo).date()
        start, end = _at(day, 0, now), _at(day, 24 * 60, now)
    else:
        start, end = since - timedelta(days=366), now if since < now else until + timedelta(days=366)
    if item.bound in ("before", "until"):
        return start, since if item.bound == "before" else until, "span"
    after = until if item.bound == "after" and item.clock is None else since
    return after, max(end, until), "span"
