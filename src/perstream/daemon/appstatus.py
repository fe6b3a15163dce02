"""How the whole house is doing; light to import, so that a client can speak of it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perstream.daemon.chores import ChoreStatus
from perstream.daemon.status import SourceStatus
from perstream.daemon.upkeep_state import Alert, BackupStatus, WatchdogStatus
from perstream.daemon.vitals import Vitals
from perstream.memory.status import MemoryStatus
from perstream.protocols import Sent


@dataclass(frozen=True)
class AppStatus:
    """A snapshot."""

    backend: str
    store: str
    """Folder of the store."""
    memory: MemoryStatus
    sources: tuple[SourceStatus, ...] = ()
    silences: Mapping[str, int] = field(default_factory=dict)
    """Proactive words held back, by reason."""
    errors: int = 0
    """Percepts that failed."""
    sent: tuple[Sent, ...] = ()
    """What went to model servers since the start, by kind of call; empty when nothing leaves this process."""
    adapter: str | None = None
    """The LoRA adapter in use."""
    fallbacks: Mapping[str, int] = field(default_factory=dict)
    """How often a builtin part stood in for a model's, by part and reason."""
    notes: tuple[str, ...] = ()
    """How the backend was chosen, and what it fell back from."""
    delivered: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Words said unasked by way of delivery: sent, failed, dropped."""
    redacted: Mapping[str, int] = field(default_factory=dict)
    """Secrets left out before anything was stored, by kind; of the entries that the account still has."""
    chores: tuple[ChoreStatus, ...] = ()
    """What the house does for itself now and then."""
    alerts: tuple[Alert, ...] = ()
    """What needs the owner now."""
    backups: BackupStatus = field(default_factory=BackupStatus)
    watchdog: WatchdogStatus = field(default_factory=WatchdogStatus)
    vitals: Vitals = field(default_factory=Vitals)
    """Whether it can do its work, and what it counted."""
