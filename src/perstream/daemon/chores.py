"""What the house does for itself now and then, on one thread of its own: backups, retention, alerts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from perstream.daemon.doing import Doing
from perstream.errors import PerStreamError

log = logging.getLogger(__name__)
RETRY_S = 300.0
"""A chore that failed is tried again after this long, or after its own time where that is shorter."""


@dataclass(frozen=True)
class Chore:
    """One thing to do again and again."""

    name: str
    every_s: float
    run: Callable[[], None]
    """May take long; raises what it likes, which is logged and counted."""
    first_s: float = 0.0
    """Seconds from the start to the first time."""


@dataclass(frozen=True)
class ChoreStatus:
    """How a chore is doing."""

    name: str
    done: int = 0
    failed: int = 0
    last_error: str | None = None
    running_s: float = 0.0
    """For how long it has been running; 0 when it is not."""
    done_at: datetime | None = None
    """UTC, when it was done last."""


class Chores:
    """Runs chores one after another, each when it is due."""

    def __init__(self, chores: Sequence[Chore], clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds; it never goes back."""
        self._clock = clock
        self._stopping = threading.Event()
        now = clock()
        self._due = [(now + chore.first_s, chore) for chore in chores]
        self._status = {chore.name: ChoreStatus(chore.name) for chore in chores}
        self.doing = Doing(clock)
        """The chore in hand."""
        self._thread = threading.Thread(target=self._run, name="perstream-chores", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether they are looked after; also before the start, and where there are none."""
        return self._thread.is_alive() or self._thread.ident is None or not self._due

    @property
    def status(self) -> tuple[ChoreStatus, ...]:
        """Each chore, in the order they were given."""
        step = self.doing.step
        found = []
        for name, status in self._status.items():
            took = self.doing.busy_s if step is not None and step.name == name else 0.0
            found.append(replace(status, running_s=took))
        return tuple(found)

    def close(self, timeout: float) -> bool:
        """No further chore; False when the one in hand does not end within ``timeout`` seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._due:
            place = min(range(len(self._due)), key=lambda i: self._due[i][0])
            due, chore = self._due[place]
            if self._stopping.wait(max(0.0, due - self._clock())):
                return
            with self.doing.at(chore.name):
                worked = self._do(chore)
            pause = chore.every_s if worked else min(chore.every_s, RETRY_S)
            self._due[place] = (self._clock() + pause, chore)

    def _do(self, chore: Chore) -> bool:
        was = self._status[chore.name]
        try:
            chore.run()
        except PerStreamError as error:
            log.warning("%s: %s", chore.name, error)
            self._status[chore.name] = replace(was, failed=was.failed + 1, last_error=str(error))
            return False
        except Exception as error:
            log.exception("%s failed", chore.name)
            told = f"{type(error).__name__}: {error}"
            self._status[chore.name] = replace(was, failed=was.failed + 1, last_error=told)
            return False
        else:
            self._status[chore.name] = replace(
                was, done=was.done + 1, last_error=None, done_at=datetime.now(timezone.utc)
            )
            return True
