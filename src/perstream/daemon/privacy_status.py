"""What retention removes and what leaves this machine, as it is told; light to import, so that a client can speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perstream.protocols import Sent


@dataclass(frozen=True)
class Aged:
    """What one rule would remove, or removed."""

    rule: str
    """As in the settings."""
    keep_s: float
    memories: int
    """Those for which no shorter rule comes first."""


@dataclass(frozen=True)
class AgeReport:
    """What retention would remove now, or removed."""

    rules: tuple[Aged, ...]
    """The shortest time first."""
    now: datetime
    """UTC; ages are judged by it."""
    believed: bool
    """False while the clock is doubted: then the hourly run removes nothing."""
    dry_run: bool
    removed: int = 0
    finished: bool = True
    """Whether backups and files are clear of it too; else that follows within the hour."""


@dataclass(frozen=True)
class Way:
    """One way out of this process, or into it."""

    name: str
    """``model server``, ``webhook``, ``paired devices``, ``other machines``, ``camera`` or ``browser``."""
    where: str
    """Scheme, host and port; never a login, a path or a key."""
    what: str
    """What goes there, in words."""
    setting: str
    """What opened it."""
    leaves: bool
    """Whether anything of what was seen, said or remembered leaves this machine by it."""


@dataclass(frozen=True)
class Posted:
    """What went to the webhook since the start."""

    words: int = 0
    failed: int = 0
    bytes_sent: int = 0


@dataclass(frozen=True)
class Network:
    """A snapshot."""

    ways: tuple[Way, ...]
    """Open by configuration; empty when nothing is."""
    sent: tuple[Sent, ...]
    """What model servers received since the start, by kind of call."""
    posted: Posted
    leaves: bool
    """Whether anything may leave this machine."""
    left_bytes: int
    """What did since the start; what a server on this machine got is not counted."""
