"""Reader of LoCoMo (Maharana et al., ACL 2024): long conversations with questions and their evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from perstream.errors import ConfigError

TURN_S = 20.0
"""Turns of a session carry no times of their own: one every so many seconds."""
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
ADVERSARIAL = CATEGORIES[5]
_EVIDENCE = re.compile(r"D\d+:\d+")
_FORMATS = ("%I:%M %p on %d %B, %Y", "%I:%M %p on %d %b, %Y", "%H:%M on %d %B, %Y", "%d %B, %Y", "%d %B %Y")


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said."""

    key: str
    """``D<session>:<turn>``."""
    session: str
    speaker: str
    text: str
    """With the caption of a shared picture in brackets."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """One question."""

    text: str
    answer: str
    category: str
    evidence: frozenset[str]
    """Keys of turns, those that exist."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Two people over months."""

    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Asked, ...]
    now: datetime
    """The day after the last session: when the questions are asked."""


def is_locomo(data: Any) -> bool:
    """Does this JSON value look like LoCoMo?"""
    return (
        isinstance(data, list) and bool(data) and isinstance(data[0], dict) and {"qa", "conversation"} <= data[0].keys()
    )


def read_locomo(data: Sequence[Mapping[str, Any]]) -> tuple[Conversation, ...]:
    """Conversations of the parsed JSON. Raises ConfigError with the place of what is wrong."""
    out = []
    for i, item in enumerate(data):
        try:
            out.append(_conversation(item, i))
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"conversation {i} of the dataset is not LoCoMo: {type(error).__name__} {error}"
            ) from error
    return tuple(out)


def _conversation(item: Mapping[str, Any], index: int) -> Conversation:
    name = str(item.get("sample_id") or f"conversation {index}")
    said = item["conversation"]
    numbers = sorted(int(key[8:]) for key in said if re.fullmatch(r"session_\d+", key))
    turns: list[Turn] = []
    last = datetime.fromtimestamp(0, timezone.utc)
    for number in numbers:
        start = _date(str(said.get(f"session_{number}_date_time", "")), name, number)
        last = max(last, start)
        for j, turn in enumerate(said[f"session_{number}"]):
            caption = str(turn.get("blip_caption") or "").strip()
            text = str(turn.get("text") or "").strip()
            turns.append(
                Turn(
                    key=str(turn["dia_id"]),
                    session=f"{name}/{number}",
                    speaker=str(turn["speaker"]),
                    text=f"{text} [{caption}]".strip() if caption else text,
                    at=start + timedelta(seconds=TURN_S * j),
                )
            )
    keys = {turn.key for turn in turns}
    return Conversation(name, tuple(turns), tuple(_asked(qa, keys) for qa in item["qa"]), last + timedelta(days=1))


def _asked(qa: Mapping[str, Any], keys: set[str]) -> Asked:
    # Some evidence is written "D1:3; D1:5" in one string, and a little of it points nowhere.
    named = {key for text in qa.get("evidence") or () for key in _EVIDENCE.findall(str(text))}
    number = int(qa["category"])
    return Asked(
        text=str(qa["question"]),
        answer=str(qa.get("answer", "")),
        category=CATEGORIES.get(number, f"category {number}"),
        evidence=frozenset(named & keys),
    )


def _date(text: str, name: str, number: int) -> datetime:
    for form in _FORMATS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    raise ConfigError(f"session {number} of {name} has no date that can be read: {text[:60]!r}")
