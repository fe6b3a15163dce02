"""Values that a plan and a sign may disagree about: platform and gate numbers, days, times of day."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TRAVEL = ("platform", "gate", "track", "terminal", "pier", "quay", "stand", "bus", "tram", "line")
_PLACES = (
    "room",
    "hall",
    "bay",
    "level",
    "floor",
    "seat",
    "row",
    "counter",
    "desk",
    "locker",
    "table",
    "building",
    "door",
)
_SLOT = re.compile(
    rf"\b({'|'.join(_TRAVEL + _PLACES)})s?\b\s*(?:no\.?|number|nr\.?|#|:|is|to)?\s*([A-Za-z]?-?\d{{1,4}}[A-Za-z]?)\b(?![:.]\d\d)",
    re.I,
)
_NUMBERED = re.compile(
    r"\b(bus|tram|line|platform|gate|track)\b[^.;]{0,40}?\bnumber\s+([A-Za-z]?\d{1,4}[A-Za-z]?)\b", re.I
)
"""``my bus to Leeds is number 20``."""
_TIME = re.compile(r"\b([01]?\d|2[0-3])[:.h]([0-5]\d)\s*([ap]\.?m\.?)?|\b(1[0-2]|[1-9])\s*([ap])\.?m\b\.?", re.I)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)(?:s|rs|nes|urs|ur)?(?:day)?\b\.?", re.I)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a kind, for example ("platform", "7"), ("day", "tue") or ("time", "10:00")."""

    kind: str
    value: str

    @property
    def is_travel(self) -> bool:
        """A place one must be at in time."""
        return self.kind in _TRAVEL


def values(text: str) -> tuple[Value, ...]:
    """All values of a text, in order."""
    found = [Value(m[1].lower(), m[2].upper()) for m in _SLOT.finditer(text)]
    found += [v for m in _NUMBERED.finditer(text) if (v := Value(m[1].lower(), m[2].upper())) not in found]
    found += [Value("day", m[1].lower()) for m in _DAY.finditer(text)]
    found += [Value("time", _clock(m)) for m in _TIME.finditer(text)]
    return tuple(found)


def conflicts(plan: str, sign: str) -> tuple[tuple[Value, Value], ...]:
    """(of the plan, of the sign) for each kind on which they have no value in common."""
    planned, shown = values(plan), values(sign)
    found = []
    for kind in dict.fromkeys(value.kind for value in planned):
        ours = [v for v in planned if v.kind == kind]
        theirs = [v for v in shown if v.kind == kind]
        if theirs and not {v.value for v in ours} & {v.value for v in theirs}:
            found.append((ours[0], theirs[0]))
    return tuple(found)


def _clock(match: re.Match[str]) -> str:
    if match[4]:
        hour, minute, half = int(match[4]), 0, match[5]
    else:
        hour, minute, half = int(match[1]), int(match[2]), match[3]
    if half and half[0].lower() == "p" and hour < 12:
        hour += 12
    if half and half[0].lower() == "a" and hour == 12:
        hour = 0
    return f"{hour:02d}:{minute:02d}"
