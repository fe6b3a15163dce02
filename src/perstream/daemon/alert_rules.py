"""When something about the house needs its owner: pure rules over one reading of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from perstream.config_upkeep import AlertConfig
from perstream.daemon.status import SourceState
from perstream.daemon.upkeep_state import BackupStatus, Stuck

URGENT = frozenset({"disk_low", "store_errors"})
"""Rules that are said whatever the owner's wishes for quiet are: memories are being lost."""
FEWEST = 20
"""Frames from which a latency means something."""
TRIES = 3
"""Backups that failed in a row before the first one ever worked are overdue."""
Key = tuple[str, str]
"""Rule and subject: what an alert is one of."""


@dataclass(frozen=True, slots=True)
class LiveReading:
    """A live source."""

    name: str
    state: SourceState
    silent_s: float
    """Since it last gave something."""
    frames: int = 0
    p95_s: float = 0.0
    """Frame to memory over the latest minutes; ``frames`` of them were counted."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The house at one moment."""

    live: tuple[LiveReading, ...] = ()
    free_mb: Mapping[str, float] = field(default_factory=dict)
    """Free space by folder; a folder that cannot be looked at is left out."""
    disk_mb: float = 0.0
    disk_budget_mb: float = 0.0
    ram_over_mb: float = 0.0
    server_spent: float = 0.0
    """Share of the model server's hourly budget."""
    backup: BackupStatus = field(default_factory=BackupStatus)
    stuck: tuple[Stuck, ...] = ()
    trouble: str | None = None
    """Why the store cannot be written."""
    clock_jump_s: float = 0.0
    """How far the wall clock was set in the last hour: the largest jump."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that holds."""

    rule: str
    subject: str
    text: str

    @property
    def key(self) -> Key:
        """What makes it the same alert."""
        return self.rule, self.subject


@dataclass(frozen=True, slots=True)
class _Look:
    """What a rule looks at."""

    reading: Reading
    config: AlertConfig
    now: datetime
    active: Collection[Key]


def findings(
    reading: Reading, config: AlertConfig, now: datetime, active: Collection[Key] = frozenset()
) -> tuple[Finding, ...]:
    """What needs the owner. An alert that is ``active`` ends at an easier limit than it began, so that it does not swing."""
    return tuple(
        finding
        for rule in (_sources, _disks, _budgets, _latency, _backups, _stuck, _store, _clock)
        for finding in rule(_Look(reading, config, now, active))
    )


def _sources(look: _Look) -> Iterator[Finding]:
    for one in look.reading.live:
        why = one.error or "check its cable, power and network, or remove it"
        if one.state is SourceState.FAILED:
            told = one.error or "check it and add it again"
            yield Finding("source_gone", one.name, f"{one.name} cannot be watched: {told}")
        elif one.state not in (SourceState.PAUSED, SourceState.ENDED) and one.silent_s > look.config.source_gone_s:
            yield Finding(
                "source_gone",
                one.name,
                f"{one.name} has sent nothing for {span(one.silent_s)}: {why}",
            )


def _disks(look: _Look) -> Iterator[Finding]:
    for folder, free in look.reading.free_mb.items():
        if free < look.config.disk_free_mb * (1.1 if ("disk_low", folder) in look.active else 1.0):
            yield Finding(
                "disk_low", folder, f"only {free:.0f} MB are free where {folder} is: free some, or memories are lost"
            )


def _budgets(look: _Look) -> Iterator[Finding]:
    def limit(subject: str) -> float:
        return look.config.budget_share * (0.95 if ("budget", subject) in look.active else 1.0)

    budget = look.reading.disk_budget_mb
    if budget and look.reading.disk_mb >= limit("disk") * budget:
        yield Finding(
            "budget",
            "disk",
            f"the store takes {look.reading.disk_mb:.0f} of {budget:g} MB: the coldest memories give up parts; raise "
            "memory.disk_budget_mb to keep them whole, or pin what matters",
        )
    if look.reading.ram_over_mb > (0 if ("budget", "ram") in look.active else 1):
        yield Finding(
            "budget",
            "ram",
            f"the index takes {look.reading.ram_over_mb:.0f} MB more than memory.ram_budget_mb: raise it, or forget "
            "what is not needed",
        )
    if look.reading.server_spent >= limit("model server"):
        yield Finding(
            "budget",
            "model server",
            f"{look.reading.server_spent:.0%} of the model server's budget of this hour is spent: builtin parts stand in; "
            "raise backend.calls_per_hour or backend.tokens_per_hour",
        )


def _latency(look: _Look) -> Iterator[Finding]:
    for one in look.reading.live:
        limit = look.config.latency_s * (0.8 if ("latency", one.name) in look.active else 1.0)
        if one.frames >= FEWEST and one.p95_s > limit:
            yield Finding(
                "latency",
                one.name,
                f"{one.name}: a frame takes {one.p95_s:.1f} s to memory: this machine is too slow for what it does; "
                "take a smaller model, switch observers off or watch less",
            )


def _backups(look: _Look) -> Iterator[Finding]:
    backup = look.reading.backup
    if not backup.every_h:
        return
    why = f" ({backup.last_error})" if backup.last_error else ""
    if backup.newest is None:
        if backup.failed >= TRIES and not backup.made:
            yield Finding("backup_overdue", "", f"no backup has worked yet{why}: run perstream memory backup")
        return
    age_h = (look.now - backup.newest).total_seconds() / 3600
    if age_h > max(look.config.backup_overdue_h, backup.every_h):
        yield Finding(
            "backup_overdue",
            "",
            f"the last backup that worked is {span(age_h * 3600)} old{why}: run perstream memory backup",
        )


def _stuck(look: _Look) -> Iterator[Finding]:
    for one in look.reading.stuck:
        who = {"assistant": "the assistant", "perceive": f"perception of {one.subject}"}.get(
            one.kind, f"{'the delivery by' if one.kind == 'deliver' else 'the chore'} {one.subject}"
        )
        more = {
            "assistant": "cameras are thinned out meanwhile; if it lasts, restart PerStream",
            "perceive": "it was restarted",
        }.get(one.kind, "see the log")
        yield Finding(
            "stuck", one.subject or one.kind, f"{who} hung for {span(one.seconds)} at one step ({one.step}): {more}"
        )


def _store(look: _Look) -> Iterator[Finding]:
    if look.reading.trouble is not None:
        yield Finding("store_errors", "", f"new memories are not stored: {look.reading.trouble}")


def _clock(look: _Look) -> Iterator[Finding]:
    jump = look.reading.clock_jump_s
    if jump:
        way = "forward" if jump > 0 else "back"
        yield Finding(
            "clock_jump",
            "",
            f"the clock was set {way} by {span(abs(jump))}: memories of that time may be dated wrongly; check the "
            "system's time",
        )


def span(seconds: float) -> str:
    """``90 s``, ``12 min``, ``5 h``, ``3 days``."""
    for size, name in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
