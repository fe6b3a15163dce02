"""Whether today's date may be believed before memories are given up because of it.

A clock that jumps ahead by years would make everything too old at once. So a date far ahead of the last one known is
believed only when the house has lived with it for a day, or when its owner says so.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

log = logging.getLogger(__name__)
FILE = "calendar.json"
JUMP = timedelta(days=1)
"""While the house runs its clock may get ahead of a clock that nobody can set by so much."""
REST = timedelta(days=7)
"""So long the house may have been switched off without a doubt."""
SETTLED_S = 24 * 3600.0
"""A doubted date is believed after the house has run with it for so many seconds."""
MOST_BYTES = 10_000


def running_s() -> float:
    """Seconds by a clock that nobody can set and that, where the system has one, goes on while the machine sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Calendar:
    """Remembers, on disk, the latest date that was believed. For one thread at a time."""

    def __init__(
        self,
        folder: Path,
        newest: Callable[[], datetime | None],
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        running: Callable[[], float] = running_s,
    ) -> None:
        """``newest`` is when (UTC) the store's latest memory is from, where no date was ever noted."""
        self._path = folder / FILE
        self._newest = newest
        self._now = now
        self._running = running
        self._last: tuple[datetime, float] | None = None
        """The date and the running seconds at the latest look of this run."""

    def today(self) -> datetime | None:
        """The date and time (UTC) to judge ages by; None while it is doubted."""
        now, running = self._now(), self._running()
        known, lived_s = self._read()
        passed = timedelta(seconds=0 if self._last is None else max(0.0, running - self._last[1]))
        steady = self._last is None or abs(now - self._last[0] - passed) <= JUMP
        fresh = self._last is None and lived_s is None
        self._last = (now, running)
        known = (known or self._newest() or now) + passed
        if now - known <= (REST if fresh else JUMP):
            self._write(now, None)
            return now
        if lived_s is None:
            log.warning(
                "the clock says %s, %d days ahead of what was known: nothing is forgotten for its age until it has "
                "held for a day, or until `perstream privacy retention` says that it is right",
                now.date(),
                (now - known).days,
            )
        lived_s = lived_s + passed.total_seconds() if lived_s is not None and steady else 0.0
        if lived_s >= SETTLED_S:
            log.warning("the date %s has held for a day: it is believed now", now.date())
            self._write(now, None)
            return now
        self._write(known, lived_s)
        return None

    def believes(self, now: datetime) -> bool:
        """Whether this date would be believed; nothing is noted."""
        known, doubted_s = self._read()
        return now - (known or self._newest() or now) <= (REST if doubted_s is None else JUMP)

    def confirm(self) -> datetime:
        """The owner says that the clock is right."""
        now = self._now()
        self._last = (now, self._running())
        self._write(now, None)
        return now

    def _read(self) -> tuple[datetime | None, float | None]:
        """The latest date believed, and for how long one has been doubted (None: none is)."""
        try:
            with self._path.open("rb") as file:
                data = json.loads(file.read(MOST_BYTES))
            known = datetime.fromisoformat(data["known"])
            doubted = data["doubted_s"]
            return (known if known.tzinfo else None), None if doubted is None else max(0.0, float(doubted))
        except (OSError, ValueError, KeyError, TypeError):
            return None, None

    def _write(self, known: datetime, doubted_s: float | None) -> None:
        """Best effort: what cannot be noted is judged by the store's newest memory again."""
        fresh = self._path.with_name(FILE + ".new")
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"known": known.isoformat(), "doubted_s": doubted_s}, file)
            fresh.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written: %s", FILE, error.strerror)
