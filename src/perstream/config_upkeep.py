"""Settings of running for months: backups, alerts, the watchdog, logs; the tree is in :mod:`perstream.config`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

Meta = msgspec.Meta


@dataclass(frozen=True)
class BackupConfig:
    """Backups that the daemon makes by itself."""

    every_h: Annotated[float, Meta(ge=0, le=8760)] = 24.0
    """Hours between backups; 0 is never."""
    keep: Annotated[int, Meta(ge=1, le=365)] = 3
    """So many of the latest are kept; older ones that the daemon made are removed."""
    folder: str = ""
    """Where they go; empty is the folder backups of the store."""


@dataclass(frozen=True)
class AlertConfig:
    """When the daemon says that something about itself needs its owner."""

    enabled: bool = True
    """Raise alerts."""
    repeat_h: Annotated[float, Meta(gt=0, le=8760)] = 24.0
    """An alert that lasts is said again after so many hours."""
    source_gone_s: Annotated[float, Meta(gt=0)] = 120.0
    """A live source has sent nothing for this long."""
    disk_free_mb: Annotated[float, Meta(ge=0)] = 500.0
    """Less than this is free on the store's disk."""
    budget_share: Annotated[float, Meta(gt=0, le=1)] = 0.95
    """So much of a budget (disk, words of a model server) is spent."""
    latency_s: Annotated[float, Meta(gt=0)] = 5.0
    """The 95th percentile of frame to memory of a live source is over this."""
    backup_overdue_h: Annotated[float, Meta(gt=0)] = 72.0
    """No backup has worked for so long, where backups are made."""


@dataclass(frozen=True)
class WatchdogConfig:
    """A step that hangs, and what is let go under load."""

    stuck_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    """A step of perception or of the assistant that takes longer is reported as stuck; a source's own is restarted."""
    shed_after_s: Annotated[float, Meta(gt=0, le=600)] = 10.0
    """Work waits longer than this: keyframes of live sources are thinned out, counted, until it is short again."""
    exit_after_s: Annotated[float, Meta(ge=0)] = 0.0
    """The assistant has been stuck for this long and cannot be freed: the daemon ends with status 75, for its service \
manager to start it again; 0 is never."""


@dataclass(frozen=True)
class LogConfig:
    """What the daemon writes about itself."""

    format: Literal["text", "json"] = "text"
    """One line of text, or one JSON object, per record."""
    level: Literal["debug", "info", "warning", "error"] = "warning"
    """Least severity written."""
    file: str = ""
    """File to write to instead of standard error, private and rotated; empty is standard error."""
    max_mb: Annotated[float, Meta(gt=0, le=1024)] = 10.0
    """The file is rotated at this size; three older ones are kept."""
