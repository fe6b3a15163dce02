"""How a source is doing, as others may see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from perstream.daemon.buckets import Spread
from perstream.daemon.tally import Latency
from perstream.types import MemoryRecord


class SourceState(str, Enum):
    """What a source is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"  # lost; it will be opened again
    ENDED = "ended"  # it came to its end and everything perceived is remembered
    FAILED = "failed"  # it could not be read (further); see last_error

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What to watch, and how."""

    uri: str
    start_time: datetime | None = None
    """UTC; when a file was recorded, or None to find out."""
    realtime: bool = False
    """Play a file at its own speed."""
    name: str | None = None
    keep: bool = False
    """Go on trying when it cannot be opened the first time, as for the cameras of a daemon."""
    masks: tuple[str, ...] = ()
    """Regions of its pictures that nobody sees, each ``X Y W H`` in shares, besides those of the settings."""
    trusted: bool = True
    """The owner named it; else it must not be this machine itself."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A snapshot of one source."""

    name: str
    uri: str
    """Without the password, where it has one."""
    live: bool
    state: SourceState
    frames: int = 0
    keyframes: int = 0
    memories: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Frames not looked at, by reason."""
    errors: int = 0
    restarts: int = 0
    last_error: str | None = None
    last_frame_at: datetime | None = None
    """UTC, when the latest frame was captured (for a file: its start time plus the place in it)."""
    pts_s: float | None = None
    """Where on the source's own clock that is."""
    latency: Latency = field(default_factory=Latency)
    took: Spread = field(default_factory=Spread)
    """From capture until the assistant has taken it in, of all frames that got there."""
    masks: tuple[str, ...] = ()
    """Regions of its pictures that nobody sees: ``X Y W H`` in shares of the picture."""
    faceless: bool = False
    """Faces are made unrecognisable before anybody sees them."""

    def shows(self, record: MemoryRecord) -> bool:
        """Whether this recording is the one a memory was seen in: its name, and that it began at the same time."""
        if self.live or self.name != record.source or record.start_s is None:
            return False
        if self.last_frame_at is None or self.pts_s is None:
            return False
        began = self.last_frame_at - timedelta(seconds=self.pts_s)
        return abs(record.observed_at - timedelta(seconds=record.start_s) - began) < SAME_START


SAME_START = timedelta(seconds=2)
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


def without_query(name: str) -> str:
    """``rtsp://camera/1?token=x`` as ``rtsp://camera/1?…``: for what is brought to others. A name of one's own stays."""
    address, mark, _ = name.partition("?")
    return f"{address}?…" if mark and "://" in address else name


def without_login(uri: str) -> str:
    """``rtsp://user:secret@camera/1`` as ``rtsp://camera/1``."""
    return _LOGIN.sub("", uri)
