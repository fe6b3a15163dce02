"""Backups that the daemon makes by itself: when one is due, and how many are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from perstream.config_upkeep import BackupConfig
from perstream.daemon.chores import Chore
from perstream.daemon.upkeep_state import BackupStatus
from perstream.errors import StoreError
from perstream.memory.backups import Backups, auto_name

FIRST_S = 300.0
"""A house that is only opened to answer a question makes none."""
LOOK_S = 600.0
"""Whether one is due is looked at by the wall clock, which goes on while the machine sleeps."""
CLOCKS = timedelta(hours=1)
"""A backup from so far in the future was made under a wrong clock: it is not the newest."""


class BackupKeeper:
    """One thread makes them, any thread asks for the status."""

    def __init__(
        self,
        config: BackupConfig,
        backups: Backups,
        keep_free_mb: float,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        """``keep_free_mb`` must stay free on the disk that they go to. ``clock`` is the wall's, UTC."""
        self._config = config
        self._backups = backups
        self._keep_free_mb = keep_free_mb
        self._clock = clock
        self._lock = threading.Lock()
        self.folder = Path(config.folder).expanduser() if config.folder else backups.folder
        every_h = config.every_h if backups.lasting else 0.0
        self._status = BackupStatus(every_h, str(self.folder) if every_h else "")
        if every_h:
            self._count()

    @property
    def status(self) -> BackupStatus:
        """How it goes."""
        with self._lock:
            return self._status

    def chore(self) -> Chore:
        """What is to be done now and then."""
        return Chore("backup", LOOK_S, self.run, FIRST_S)

    def run(self) -> None:
        """Make one when it is due, and remove what is older than is kept. Raises StoreError."""
        if not self._status.every_h or not self.due():
            return
        try:
            self._make()
        except StoreError as error:
            self._count(failed=1, error=str(error))
            raise
        self._count(made=1)

    def due(self) -> bool:
        """Whether the newest one that was verified is old enough, or there is none."""
        newest = self._newest()
        return newest is None or self._clock() - newest >= timedelta(hours=self._config.every_h)

    def _make(self) -> None:
        if self._config.folder and not self.folder.is_dir():
            # Made silently it would be on the wrong disk, when it is one that was not mounted.
            raise StoreError(f"the folder for backups {self.folder} is not there: plug in its disk, or make the folder")
        now = self._clock()
        self._backups.make(self.folder / auto_name(now), self._keep_free_mb, now)
        self._backups.prune(self.folder, self._config.keep)

    def _newest(self) -> datetime | None:
        latest = self._clock() + CLOCKS
        return max((at for at in self._backups.verified().values() if at <= latest), default=None)

    def _count(self, made: int = 0, failed: int = 0, error: str | None = None) -> None:
        newest, kept = self._newest(), len(self._backups.automatic(self.folder))
        with self._lock:
            was = self._status
            self._status = replace(
                was, newest=newest, kept=kept, made=was.made + made, failed=was.failed + failed, last_error=error
            )
