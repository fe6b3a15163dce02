"""Wording of answers: times in the asker's zone, the owner as "you", and where a statement comes from."""

from __future__ import annotations

import re
from datetime import datetime

from perstream.models.blocks import one_line
from perstream.models.builtin_caption import quote
from perstream.models.units import Unit
from perstream.origins import in_words, is_import

_TO_SECOND = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "i'm": "you're", "i've": "you've",
    "i'll": "you'll", "i'd": "you'd",
}  # fmt: skip
_PERSON = re.compile(r"\b(?:i am not|i am|am i|i was|was i|i'm|i've|i'll|i'd|myself|mine|my|me|i)\b", re.IGNORECASE)
_PAIRS = {"i am": "you are", "i am not": "you are not", "am i": "are you", "i was": "you were", "was i": "were you"}
_DAY_NAMES = {
    "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "thur": "Thursday",
    "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip


def second_person(sentence: str) -> str:
    """The owner's words said back to the owner: "My key is here" becomes "your key is here"."""

    def turned(match: re.Match[str]) -> str:
        low = match.group().lower()
        return _PAIRS.get(low) or _TO_SECOND.get(low, match.group())

    return _PERSON.sub(turned, sentence.replace("’", "'"))


def as_sentence(text: str) -> str:
    """First letter large where it begins an ordinary word, and one full stop at the end."""
    text = text.strip().rstrip(".!;, ")
    if re.match(r"[a-zäöüé]+(?:'\w+)?(?=[ ,.;]|$)", text):
        text = text[0].upper() + text[1:]
    return text if re.search(r"[.!?…][\"')]$", text) else text + "."


def told_back(sentence: str) -> str:
    """A told sentence as an answer to the one who told it, without full stop."""
    plain = sentence.strip().rstrip(".! ")
    reminder = re.match(r"(?i)(?:please\s+)?(?:remind me|don['’]t let me forget|do not let me forget)\s+(.+)$", plain)
    if reminder:
        return f"you asked me to remind you {second_person(reminder.group(1))}"
    opened = re.sub(
        r"(?i)^(?:please\s+)?(?:remember|note|don['’]t forget|keep in mind)(?:\s+that|:|,)?\s+(?=\w+ \w+ )", "", plain
    )
    return second_person(opened)


def time_text(at: datetime, now: datetime) -> str:
    """ "08:14" today, "yesterday at 08:14", else "on 9 March at 08:14", in ``now``'s zone."""
    local = at.astimezone(now.tzinfo)
    clock = f"{local:%H:%M}"
    days = (now.date() - local.date()).days
    if days == 0:
        return f"at {clock}"
    if days == 1:
        return f"yesterday at {clock}"
    year = "" if local.year == now.year else f" {local.year}"
    return f"on {local.day} {local:%B}{year} at {clock}"


def stretch_text(unit: Unit) -> str:
    """ "day.mp4, 12–18 s": where to look it up; empty for a told fact."""
    if unit.memory.source is None:
        return ""
    if unit.start_s is None:
        return unit.memory.source
    start, end = round(unit.start_s), round(unit.end_s if unit.end_s is not None else unit.start_s)
    if start < 100:
        return f"{unit.memory.source}, {start} s" if end <= start else f"{unit.memory.source}, {start}–{end} s"
    return f"{unit.memory.source}, {_clock(start)}" + (f"–{_clock(end)}" if end > start else "")


def into_text(unit: Unit) -> str:
    """ "12 s into day.mp4"; empty for a told fact."""
    if unit.memory.source is None or unit.start_s is None:
        return ""
    start = round(unit.start_s)
    return f"{start} s into {unit.memory.source}" if start < 100 else f"{_clock(start)} into {unit.memory.source}"


def _clock(seconds: int) -> str:
    """ "20:06", or "1:20:06" from an hour on."""
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def cite(unit: Unit, now: datetime) -> str:
    """How it is known: 'I read "PLATFORM 7" at 08:40 (day.mp4, 12–18 s)'."""
    when, place = time_text(unit.at, now), stretch_text(unit)
    place = f" ({place})" if place else ""
    if unit.way == "told" and is_import(unit.memory.source):
        return f"from {in_words(unit.memory.source or '')}"
    if unit.way == "told":
        return f"you told me {when}{place}"
    if unit.way == "heard":
        return f"{unit.speaker or 'someone'} said {quote(unit.text)} {when}{place}"
    if unit.way == "faces":
        return f"seen {when}{place}"
    if unit.way == "seen":
        return f"seen {when}{place}: {quote(unit.text)}"
    what = "a code that says " if unit.way == "code" else ""
    maybe = "" if unit.sure else "perhaps "
    return f"I {maybe}read {what}{quote(one_line(unit.lines))} {when}{place}"


def where_from(unit: Unit, now: datetime) -> str:
    """The same without the words: "read at 08:40, day.mp4, 12–18 s" for an answer that is those words."""
    if is_import(unit.memory.source):
        return f"from {in_words(unit.memory.source or '')}"
    way = {"code": "read from a code", "read": "read" if unit.sure else "perhaps read"}.get(unit.way, unit.way)
    place = stretch_text(unit)
    return f"{way} {time_text(unit.at, now)}" + (f", {place}" if place else "")


def spoken_time(text: str) -> str:
    """A time as read, in words that fit after "is": "TUE 10:00" becomes "on Tuesday at 10:00"."""
    text = " ".join(text.split())
    match = re.match(r"(?i)([a-z]{3,9})\.?(?:,|\s|$)\s*(.*)$", text)
    if match and match.group(1).lower()[:3] in _DAY_NAMES and match.group(1).lower().removesuffix("day") in _SHORT_DAYS:
        day, rest = _DAY_NAMES[match.group(1).lower()[:3]], match.group(2).strip()
        if not rest:
            return f"on {day}"
        return (
            f"on {day} {rest}"
            if rest.lower().startswith(("at ", "the ", "on ", "morning", "evening"))
            else f"on {day} at {rest}"
        )
    span = re.fullmatch(r"(\d{1,2}[:.h]\d\d)\s?[-–]\s?(\d{1,2}[:.h]\d\d)", text)
    if span:
        return f"from {span.group(1)} to {span.group(2)}"
    return (
        f"at {text}"
        if re.match(
            r"\d{1,2}[:.h]\d\d|\d{1,2} ?[ap]\.?m|noon$|midnight$|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)$",
            text,
            re.IGNORECASE,
        )
        else text
    )


_SHORT_DAYS = frozenset({"mon", "tue", "tues", "wed", "wednes", "thu", "thur", "thurs", "fri", "sat", "satur", "sun"})
