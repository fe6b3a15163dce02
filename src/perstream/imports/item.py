"""What a reader finds: one thing to be told to the memory, or one that it could not use and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

MAX_TEXT = 2000
"""Characters of one thing told; readers cut longer ones at a sentence or say that it is too long."""
MAX_ITEMS = 50_000
"""Things taken from one import."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One thing to remember as told. Its text is untrusted: it says what a file says."""

    origin: str
    """Where from, for example ``mem0``, ``chatgpt``, ``calendar:work.ics`` or ``markdown:notes/trips.md``."""
    key: str
    """Names it within its origin: the same at the next import of the same thing, whatever it says then."""
    text: str
    """One line, in the first person or as the file says it; at most MAX_TEXT characters."""
    at: datetime | None = None
    """UTC: when it was written down, where the file knows."""
    valid_from: datetime | None = None
    """UTC: from when on it holds, or an appointment's begin."""
    valid_to: datetime | None = None
    """UTC: until when."""
    remind_at: datetime | None = None
    """UTC: when the file asks for a word about it."""
    revises: bool = True
    """A newer statement about the same thing ends it; False for what stands beside others, as appointments do."""
    ended: bool = False
    """It was called off: of interest only where an earlier import brought it."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One thing that could not be used; the others are."""

    where: str
    """For example ``line 12`` or ``trips.md``."""
    why: str
    cut: bool = False
    """And what comes after it was not looked at."""


Found = Imported | Skipped


class Outcome(str, Enum):
    """What became of a thing."""

    NEW = "new"
    KNOWN = "known"
    CHANGED = "changed"
    UNUSED = "unused"
    """Called off, and never known."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one thing."""

    outcome: Outcome
    memory_id: int | None
    """None where there is no memory of it."""
