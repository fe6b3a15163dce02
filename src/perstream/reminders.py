"""Reminders with a time: "remind me at 5 pm to call Anna", "in 20 minutes", "tomorrow at 9", "every Monday".

Only what the owner asks to be reminded of is one; a cue that must be seen ("when I see the supermarket") makes it
none. Days come from :mod:`perstream.when`; a clock is read here because a reminder may leave out half of it ("at 5").
All clocks are those of the zone that ``now`` is given in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from perstream.when import spans
from perstream.whenwords import NUMBERS

MAX_CHARS = 500
EVERY_DAY, WORK_DAYS, WEEKEND = 0b1111111, 0b0011111, 0b1100000
"""Days of the week as bits, Monday lowest."""
MORNING = time(9)
"""When a day is named without a clock."""
LATER = timedelta(minutes=30)
"""When the part of the day that is named has begun already."""
_PARTS = {"morning": time(8), "noon": time(12), "afternoon": time(14), "evening": time(18), "night": time(20)}
_ASKS = re.compile(
    r"\b(?:remind\s+me|(?:do\s+not|don['’]?t)\s+(?:let\s+me\s+)?forget|remember|wake\s+me(?:\s+up)?"
    r"|set\s+(?:a|an|my)\s+(?:reminder|alarm|timer))\b(?:\s+(?:please|again))?",
    re.I,
)
_CUE = re.compile(
    r"\b(?:when(?:ever)?|if|as soon as|once|next time|the moment|until)\s+(?:I|we|you|he|she|they|there|it|the|my)\b",
    re.I,
)
_NUMBER = "(?:" + "|".join(sorted(NUMBERS, key=len, reverse=True)).replace(" ", r"\s+") + r"|\d{1,4}(?:\.\d)?)"
_UNIT = r"(?P<unit>seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?)"
_IN = re.compile(
    rf"\b(?:in|after|for)\s+(?P<n>{_NUMBER})\s+{_UNIT}(?:\s+and\s+a\s+(?P<half>half))?(?:['’]?s?\s+time|\s+from\s+now)?\b",
    re.I,
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_EVERY = re.compile(
    rf"\b(?:(?:every|each)\s+(?P<days>{_DAY}(?:(?:\s*,\s*|\s+and\s+|\s*,\s*and\s+|\s+or\s+){_DAY})*"
    rf"|week\s?days?|work(?:ing)?\s?days?|weekends?|days?|mornings?|afternoons?|evenings?|nights?|(?:{_NUMBER}\s+)?(?:hours?|minutes?))|(?P<daily>daily|every day))\b",
    re.I,
)
_CLOCK = re.compile(
    r"(?:(?P<lead>\b(?:at|by|around|about|from|before)\s+)|\b)(?:(?P<h>[01]?\d|2[0-4])(?:[:.](?P<m>[0-5]\d)(?P<vague>~)?)?(?:\s*(?P<half>[ap])\.?\s?m\b\.?)?"
    r"(?P<oclock>\s*o['’]?clock)?(?![\d%:]|\s*(?:%|st\b|nd\b|rd\b|th\b|percent|euros?|dollars?|people|times|platform))"
    r"|(?P<word>noon|midday|midnight))(?:\s+in\s+the\s+(?P<part>morning|afternoon|evening)|\s+at\s+(?P<night>night))?",
    re.I,
)
_HOURS = {word: i for i, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)}
_SPOKEN = re.compile(
    rf"\b(?P<part>half past|quarter past|quarter to|at)\s+(?P<h>{'|'.join(_HOURS)}|\d{{1,2}})\b(?![:.]\d)", re.I
)
_LEADING = re.compile(r"^[\s,;:.\-–]*(?:(?:please|again|on|at|in|by)\s+)*(?:to|about|of|that|for)\s+", re.I)
_LOOSE = re.compile(r"(?:[\s,]+(?:on|at|by|in|for|from|around|before|and))+\s*$|^[\s,;:.]+|[\s,;:.!?]+$", re.I)


@dataclass(frozen=True, slots=True)
class Reminder:
    """What to say, and when."""

    action: str
    """In the owner's words, for example ``call Anna``."""
    due: datetime
    """UTC, the first time."""
    weekdays: int = 0
    """Days on which it comes again, as bits; 0 for never."""
    step_s: int = 0
    """Seconds after which it comes again; 0 for never."""


def is_timed(text: str) -> bool:
    """Whether a sentence asks for a word at a time: whatever ``now`` is."""
    return bool(_ASKS.search(text)) and reminder_in(text, datetime(2026, 1, 1, tzinfo=timezone.utc)) is not None


def reminder_in(text: str, now: datetime) -> Reminder | None:
    """The reminder with a time that a sentence asks for at ``now``; None for all other sentences.

    ValueError when ``now`` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a timezone")
    text = _SPOKEN.sub(_digits, " ".join(text[:MAX_CHARS].split()))
    asks = _ASKS.search(text)
    if asks is None or _CUE.search(text):
        return None
    taken: list[tuple[int, int]] = []
    found = _when(text, asks.end(), now, taken)
    if found is None:
        return None
    due, weekdays, step = found
    action = _action(text, asks, taken)
    return Reminder(action, due.astimezone(timezone.utc), weekdays, step) if due > now else None


def following(due: datetime, weekdays: int, step_s: int, now: datetime) -> datetime | None:
    """The next time after ``now`` of a reminder that was due at ``due``; None when it does not come again."""
    if step_s:
        steps = max(1, (now - due) // timedelta(seconds=step_s) + 1)
        return due + steps * timedelta(seconds=step_s)
    if not weekdays:
        return None
    local = due.astimezone(now.tzinfo)
    return _next_day(local.time(), weekdays, max(now, due)).astimezone(timezone.utc)


def _when(text: str, begins: int, now: datetime, taken: list[tuple[int, int]]) -> tuple[datetime, int, int] | None:
    """The first time, the weekdays and the step; ``taken`` gets the places of the words that said so."""
    every = _EVERY.search(text)
    if every is not None:
        taken.append(every.span())
        words = (every["days"] or "day").lower()
        step = _step(words)
        if step:
            return now + timedelta(seconds=step), 0, step
        usual = next((t for name, t in _PARTS.items() if name in words), MORNING)
        return _next_day(_clock(text, begins, now, taken, None) or usual, _mask(words), now), _mask(words), 0
    ahead = _IN.search(text)
    if ahead is not None and not (ahead[0].lower().startswith("for") and "timer" not in text.lower()):
        taken.append(ahead.span())
        return _ahead(ahead, text, begins, now, taken), 0, 0
    day, part = _day(text, now, taken)
    clock = _clock(text, begins, now, taken, day)
    if clock is None and day is None:
        return None
    if clock is None:
        clock = part or MORNING
    if day is not None:
        if part is not None and part.hour >= 12 and clock.hour < 12:  # "tonight at 8"
            clock = clock.replace(hour=clock.hour + 12)
        due = datetime.combine(day, clock, now.tzinfo)
        if due <= now and clock == part:  # "tonight", said at nine
            due = now + LATER
        return due, 0, 0
    return _next_day(clock, EVERY_DAY, now), 0, 0


def _digits(match: re.Match[str]) -> str:
    """``half past five`` as ``at 5:30``."""
    hour = int(match["h"]) if match["h"].isdigit() else _HOURS[match["h"].lower()]
    part = match["part"].lower()
    if part == "at":
        return f"at {hour}"
    if part == "quarter to":
        return f"at {(hour - 2) % 12 + 1}:45~"
    return f"at {hour}:{30 if part == 'half past' else 15}~"


def _step(words: str) -> int:
    found = re.fullmatch(rf"(?:({_NUMBER})\s+)?(hour|minute)s?", words)
    if found is None:
        return 0
    count = _count(found[1]) if found[1] else 1.0
    return max(60, round(count * (3600 if found[2] == "hour" else 60)))


def _count(words: str) -> float:
    plain = " ".join(words.lower().split())
    return float(plain) if plain[0].isdigit() else NUMBERS[plain]


def _mask(words: str) -> int:
    if "weekend" in words:
        return WEEKEND
    names = re.findall(r"mon|tues|wednes|thurs|fri|satur|sun", words)
    if names:
        order = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
        return sum({1 << order.index(name) for name in names})
    return WORK_DAYS if re.match(r"week\s?day|work", words) else EVERY_DAY


def _ahead(match: re.Match[str], text: str, begins: int, now: datetime, taken: list[tuple[int, int]]) -> datetime:
    unit, count = match["unit"].lower(), _count(match["n"]) + (0.5 if match["half"] else 0.0)
    if unit.startswith(("day", "week")):
        day = (now + timedelta(days=round(count * (7 if unit.startswith("week") else 1)))).date()
        return datetime.combine(day, _clock(text, begins, now, taken, day) or MORNING, now.tzinfo)
    return now + timedelta(seconds=count * {"s": 1, "m": 60, "h": 3600}[unit[0]])


def _day(text: str, now: datetime, taken: list[tuple[int, int]]) -> tuple[date | None, time | None]:
    """The day that is named and, of "tomorrow morning", when that is."""
    for found in spans(text, now, prefer="future"):
        if found.grain not in ("minute", "hour", "day", "part", "week", "weekend", "month"):
            continue
        start = text.lower().find(found.words.lower())
        words = found.words.lower()
        part = next((t for name, t in _PARTS.items() if name in words.replace("tonight", "night")), None)
        named = re.sub(_CLOCK, " ", words) if found.grain in ("minute", "hour") else words
        if not re.search(r"[a-z]{3}|\d{4}", re.sub(r"\b(?:noon|midday|midnight|o'?clock|the)\b", "", named)):
            continue  # a clock alone
        taken.append((start, start + len(found.words)))
        if found.grain == "part" and re.match(r"(?:in|at)\b", words):
            return now.date(), part  # "in the evening"
        return found.since.astimezone(now.tzinfo).date(), part
    return None, None


def _clock(text: str, begins: int, now: datetime, taken: list[tuple[int, int]], day: date | None) -> time | None:
    for match in _CLOCK.finditer(text):
        inside = any(start <= match.start() and match.end() <= end for start, end in taken)
        exact = bool(match["m"] or match["half"] or match["oclock"] or match["word"])
        beside = inside or match.start() <= begins + 1 or any(match.start() - end in (0, 1) for _, end in taken)
        timer = text[:begins].lower().endswith(("alarm", "reminder")) and text[begins : match.start()].strip() == "for"
        if not match["lead"] and not (exact and (beside or timer)):
            continue
        clock = _time(match, now, day)
        if clock is not None:
            taken.append(match.span())
            return clock
    return None


def _time(match: re.Match[str], now: datetime, day: date | None) -> time | None:
    if match["word"]:
        return time(0) if match["word"].lower() == "midnight" else time(12)
    hour, minute = int(match["h"]) % 24, int(match["m"] or 0)
    half = (match["half"] or "").lower()
    if not half and (match["part"] or match["night"]):
        half = "a" if (match["part"] or "").lower() == "morning" else "p"
    if half:
        return time(hour % 12 + (12 if half == "p" else 0), minute) if 1 <= hour <= 12 else None
    if (match["m"] and not match["vague"]) or hour > 12 or hour == 0:
        return time(hour, minute)
    # A bare "at 5": the next one there is today; of another day the one in waking hours.
    if day is None or day == now.date():
        gone = now.hour * 60 + now.minute
        morning, evening = hour * 60 + minute, (hour + 12) * 60 + minute
        if morning > gone or hour == 12:
            return time(hour, minute)
        if evening > gone:
            return time(hour + 12, minute)
    return time(hour + 12 if hour < 7 else hour, minute)


def _next_day(clock: time, weekdays: int, now: datetime) -> datetime:
    """The first time after ``now`` at which it is that late on one of these days."""
    for days in range(9):
        at = datetime.combine(now.date() + timedelta(days=days), clock, now.tzinfo)
        if at > now and weekdays >> at.weekday() & 1:
            return at
    raise ValueError("no day of the week was named")


def _action(text: str, asks: re.Match[str], taken: list[tuple[int, int]]) -> str:
    """The sentence without the request and without its time."""
    kept = [" " if any(a <= i < b for a, b in (*taken, asks.span())) else letter for i, letter in enumerate(text)]
    words = "".join(kept)
    before = asks.start()
    parts = [" ".join(piece.split()) for piece in (words[asks.end() :], words[:before])]
    for piece in parts:
        piece = _LEADING.sub("", f" {piece} ")
        last = ""
        while piece != last:
            last, piece = piece, _LOOSE.sub("", piece.strip())
        if sum(letter.isalpha() for letter in piece) > 1 and piece.lower() not in ("please", "to", "and"):
            return piece
    return "it is time"
