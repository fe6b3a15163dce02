"""What is kept about words said unasked, and about those that were held back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Verdict = Literal["useful", "dismissed"]
EVERYTHING = ""
"""The topic that stands for all of them, when snoozing."""
PRIOR = 4
"""So many imaginary votes for "neither" keep one vote from deciding."""
TOPIC_SHARE, KIND_SHARE = 0.5, 0.25
"""How much of a word's confidence the votes on its own topic and on its kind can move."""


@dataclass(frozen=True, slots=True)
class Considered:
    """One word that could have been said, and what was decided."""

    id: int
    """0 before it is stored; feedback names a word that was said by it."""
    at: datetime
    """UTC, on the clock of what was in view; of a repeated silence the latest."""
    topic: str
    """What cooldown and feedback count, for example ``hazard:7:peanuts``; empty where nothing came to be said."""
    text: str
    why: str
    priority: int
    confidence: float
    reason: str | None
    """Why it was held back; None when it was said."""
    detail: str = ""
    """The reason in words: until when, how many."""
    memory_ids: tuple[int, ...] = ()
    source: str | None = None
    pts_s: float | None = None
    times: int = 1
    """How often in a row the same was decided."""
    feedback: str | None = None
    """``useful`` or ``dismissed``, when the owner said so."""

    @property
    def said(self) -> bool:
        """Whether it was said."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Topic:
    """What is known about a topic, or about a kind (``kind:reminder``)."""

    topic: str
    said_at: datetime | None = None
    snoozed_until: datetime | None = None
    rests_until: datetime | None = None
    """After a dismissal."""
    useful: int = 0
    dismissed: int = 0

    @property
    def weight(self) -> float:
        """(useful - dismissed) / (useful + dismissed + 4), in (-1, 1); 0 without votes."""
        return (self.useful - self.dismissed) / (self.useful + self.dismissed + PRIOR)


def kind_of(topic: str) -> str:
    """``kind:hazard`` of ``hazard:7:peanuts``."""
    return "kind:" + topic.partition(":")[0]


def memory_of(topic: str) -> int | None:
    """The memory that a topic is about: 7 of ``hazard:7:peanuts``."""
    number = topic.split(":")[1] if ":" in topic else ""
    return int(number) if number.isdecimal() and not topic.startswith("kind:") else None


def weighed(confidence: float, topic: Topic, kind: Topic) -> float:
    """A confidence after the owner's votes, in [0, 1]: it moves by at most .5 of the topic's and .25 of the kind's weight."""
    return min(1.0, max(0.0, confidence + TOPIC_SHARE * topic.weight + KIND_SHARE * kind.weight))
