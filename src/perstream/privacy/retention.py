"""How long memories are kept: the owner's rules, read from the settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from perstream.categories import CATEGORIES
from perstream.errors import ConfigError
from perstream.types import Provenance

Kind = Literal["everything", "category", "source", "provenance"]
UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365.25),
}
LONGEST = timedelta(days=36525)
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([mhdwy])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: which memories, and how old they may get."""

    kind: Kind
    value: str
    """Of the category, source or provenance; empty for everything."""
    keep: timedelta
    text: str
    """As the owner wrote it."""


def rules_of(entries: Iterable[str]) -> tuple[Rule, ...]:
    """The rules, the shortest time first. ConfigError with the entry, for what is none or is said twice."""
    rules = sorted((_rule(entry) for entry in entries), key=lambda rule: (rule.keep, rule.text))
    seen: set[tuple[str, str]] = set()
    for rule in rules:
        if (rule.kind, rule.value) in seen:
            raise ConfigError(f"privacy.retention: {rule.text!r} is the second rule for the same; keep one")
        seen.add((rule.kind, rule.value))
    return tuple(rules)


def _rule(entry: str) -> Rule:
    what, found, time = entry.rpartition("=")  # a source's address may hold = itself
    what = what.strip()
    length = _TIME.fullmatch(time.strip().lower())
    if not found or not what or length is None:
        raise ConfigError(
            f"privacy.retention: {entry[:80]!r} is not WHAT=TIME, such as *=365d, category:browsing=30d or "
            "source:webcam:0=12h; times end in m, h, d, w or y"
        )
    keep = min(LONGEST, float(length[1]) * UNITS[length[2]])
    if not keep:
        raise ConfigError(f"privacy.retention: {entry[:80]!r} keeps nothing at all; do not watch what must not be kept")
    if what == "*":
        return Rule("everything", "", keep, entry.strip())
    kind, _, value = what.partition(":")
    value = value.strip()
    known: dict[str, tuple[str, ...] | None] = {
        "category": tuple(category.key for category in CATEGORIES),
        "provenance": tuple(one.value for one in Provenance),
        "source": None,
    }
    if kind not in known or not value:
        raise ConfigError(
            f"privacy.retention: {entry[:80]!r} begins with none of *, category:NAME, source:NAME, provenance:NAME"
        )
    names = known[kind]
    if names is not None and value not in names:
        raise ConfigError(f"privacy.retention: {entry[:80]!r}: there is no {kind} {value!r}; one of {', '.join(names)}")
    if kind == "category":
        return Rule("category", value, keep, entry.strip())
    return Rule("source" if kind == "source" else "provenance", value, keep, entry.strip())
