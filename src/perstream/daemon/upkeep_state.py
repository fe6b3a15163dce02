"""What the house knows about its own health; light to import, so that a client can speak of it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs the owner, as long as it lasts."""

    rule: str
    """``source_gone``, ``disk_low``, ``budget``, ``latency``, ``backup_overdue``, ``stuck``, ``store_errors``,
    ``clock_jump``."""
    subject: str
    """What it is about, for example a source's name; may be empty."""
    text: str
    """One line that says what is wrong and what to do."""
    since: datetime
    """UTC."""
    urgent: bool = False
    """Said whatever the owner's wishes for quiet are."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A step that has been taking too long, still or again."""

    kind: str
    """``assistant``, ``perceive``, ``deliver`` or ``chore``."""
    subject: str
    """Whose step: a source, a way of delivery, a chore; empty for the assistant."""
    step: str
    """What it is at."""
    seconds: float


@dataclass(frozen=True, slots=True)
class WatchdogStatus:
    """Steps that hang, and what is let go under load."""

    stuck: tuple[Stuck, ...] = ()
    """Now."""
    found: Mapping[str, int] = field(default_factory=dict)
    """How often since the start, by kind."""
    given_up: int = 0
    """Model calls that were cancelled because they hung."""
    replaced: int = 0
    """Perceiving threads that were left behind and replaced."""
    keep_one_in: int = 1
    """Of the keyframes of live sources one in so many is looked at; more than 1 is shedding load."""
    shed_s: float = 0.0
    """For how long load has been shed since the start, in seconds."""
    waiting_s: float = 0.0
    """How long the oldest work of a live source has been waiting."""


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """The backups that the daemon makes by itself."""

    every_h: float = 0.0
    """0 is never."""
    folder: str = ""
    newest: datetime | None = None
    """UTC; the latest one that was verified."""
    kept: int = 0
    made: int = 0
    """Since the start."""
    failed: int = 0
    """Since the start."""
    last_error: str | None = None
