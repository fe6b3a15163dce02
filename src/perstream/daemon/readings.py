"""Reads the house for the alerts. It waits for nobody: what takes long is measured by a chore before."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from perstream.daemon.alert_rules import LiveReading, Reading
from perstream.daemon.doing import Awake
from perstream.daemon.status import without_query
from perstream.daemon.supervisor import Supervisor
from perstream.daemon.upkeep_state import BackupStatus, Stuck
from perstream.memory.status import MemoryStatus

MB = 1024 * 1024
READ_S = 5.0
"""How often it is read."""
LATEST_S = 300.0
"""Latency is judged over the latest five minutes."""
JUMP_S = 120.0
"""The wall clock was set when it moved so much more or less than time did."""
JUMP_TOLD = timedelta(hours=1)


class ClockWatch:
    """Tells a wall clock that was set from one that goes, and from a machine that slept."""

    def __init__(
        self,
        steady: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """``steady`` never jumps, and goes on while the machine sleeps where the system has such a clock."""
        self._steady = steady or _boot_time
        self._sleeps = steady is None and sys.platform != "linux"
        self._wall = wall
        self._last = wall() - self._steady()
        self._jump_s = 0.0
        self._jumped_at: float | None = None

    def jump_s(self) -> float:
        """How far it was set of late, forward above zero; 0 when it was not."""
        steady = self._steady()
        apart = self._wall() - steady
        jump, self._last = apart - self._last, apart
        if abs(jump) > JUMP_S and not (self._sleeps and jump > 0):
            self._jump_s, self._jumped_at = jump, steady
        if self._jumped_at is not None and steady - self._jumped_at > JUMP_TOLD.total_seconds():
            self._jump_s, self._jumped_at = 0.0, None
        return self._jump_s


class Readings:
    """Of one house."""

    def __init__(
        self,
        folders: tuple[Path, ...],
        supervisor: Supervisor,
        server_spent: Callable[[], float],
        backup: Callable[[], BackupStatus],
        stuck: Callable[[], tuple[Stuck, ...]],
        trouble: Callable[[], str | None],
    ) -> None:
        """``folders``: the store's, and those that backups go to."""
        self._folders = folders
        self._supervisor = supervisor
        self._server_spent = server_spent
        self._backup = backup
        self._stuck = stuck
        self._trouble = trouble
        self._clock = ClockWatch()
        self._awake = Awake(READ_S)
        self.memory: MemoryStatus | None = None
        """As it was measured last."""

    def take(self) -> Reading:
        """The house now."""
        memory = self.memory
        return Reading(
            live=self._live(),
            free_mb=free_mb(self._folders),
            disk_mb=memory.disk_mb if memory else 0.0,
            disk_budget_mb=memory.disk_budget_mb if memory else 0.0,
            ram_over_mb=memory.ram_over_mb if memory else 0.0,
            server_spent=self._server_spent(),
            backup=self._backup(),
            stuck=tuple(replace(one, subject=without_query(one.subject)) for one in self._stuck()),
            trouble=self._trouble(),
            clock_jump_s=self._clock.jump_s(),
        )

    def _live(self) -> tuple[LiveReading, ...]:
        now = time.monotonic()
        since, awake_s = now - LATEST_S, self._awake.look(now)
        found = []
        for name, watched in self._supervisor.live().items():
            latest = watched.pipeline.tally.latency(since)
            shown = without_query(name)
            error = str(watched.failure).replace(name, shown) if watched.failure else None
            state = watched.status().state
            p95_s = latest.p95_ms / 1e3
            silent_s = min(awake_s, watched.pipeline.silent_s)
            found.append(LiveReading(shown, state, silent_s, latest.count, p95_s, error))
        return tuple(found)


def free_mb(folders: tuple[Path, ...]) -> dict[str, float]:
    """Free space of each disk, named by its first folder here; a folder that is not there is left out."""
    found: dict[str, float] = {}
    seen: set[int] = set()
    for folder in folders:
        try:
            device = folder.stat().st_dev
            free = shutil.disk_usage(folder).free / MB
        except OSError:
            continue
        if device not in seen:
            seen.add(device)
            found[str(folder)] = free
    return found


def now_utc() -> datetime:
    """The wall clock."""
    return datetime.now(timezone.utc)


def _boot_time() -> float:
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
