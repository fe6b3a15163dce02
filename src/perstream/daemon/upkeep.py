"""The house's care for itself: what is done now and then, and what is watched all the time."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perstream.config import Config
from perstream.daemon.alert_rules import findings
from perstream.daemon.alerts import Alerts
from perstream.daemon.backups import BackupKeeper
from perstream.daemon.bus import EventBus
from perstream.daemon.chores import Chore, Chores
from perstream.daemon.delivery import Delivery
from perstream.daemon.readings import READ_S, Readings, now_utc
from perstream.daemon.supervisor import Supervisor
from perstream.daemon.watchdog import CHORES_TAKE, EXIT_STUCK, LOOK_S, Patrol, Ward, Watchdog
from perstream.daemon.worker import AssistantWorker, Closing, Priority
from perstream.events import Event, MemoryStored
from perstream.memory.memory import Memory
from perstream.protocols import Backend

MEASURE_S = 120.0
"""How often the store is measured for them."""
FIRST_S = 10.0
"""Nothing is measured in a house that is only opened to answer a question."""
PROBE_S = 30.0
"""How often it is tried whether a store that could not be written can be again."""
PROBE = "written"
"""The mark that such a try writes."""


@dataclass(frozen=True)
class Household:
    """What there is to care for."""

    config: Config
    folder: Path
    """The store's."""
    memory: Memory
    backend: Backend
    worker: AssistantWorker
    supervisor: Supervisor
    delivery: Delivery
    bus: EventBus
    hushed: Callable[[], bool]
    """Whether the owner wants quiet now."""


class Upkeep:
    """Started with the house and closed before its store is."""

    def __init__(self, house: Household, more: Sequence[Chore] = (), leave: Callable[[], None] | None = None) -> None:
        """``more`` chores than those made here: each is done when it is due, one after another on a thread of their own.

        ``leave`` ends the process; see ``watchdog.exit_after_s``.
        """
        config = house.config
        self._house = house
        self.backups = BackupKeeper(config.backup, house.memory.backups, config.alerts.disk_free_mb)
        chores = (*more, Chore("measure", MEASURE_S, self._measure, FIRST_S))
        self.chores = Chores((*chores, self.backups.chore()) if self.backups.status.every_h else chores)
        self.watchdog = Watchdog(
            config.watchdog, house.worker, house.supervisor, self._others, leave or (lambda: os._exit(EXIT_STUCK))
        )
        self._readings = Readings(
            (house.folder, self.backups.folder),
            house.supervisor,
            house.backend.spent,
            lambda: self.backups.status,
            self.watchdog.recently,
            lambda: house.worker.trouble.now,
        )
        self.alerts = Alerts(config.alerts, house.bus.publish, house.delivery.alert, house.hushed)
        self._patrols = [Patrol(self.watchdog.look, min(LOOK_S, max(0.05, config.watchdog.stuck_s / 4)), "watchdog")]
        if config.alerts.enabled:
            self._patrols.append(Patrol(self._look_for_alerts, READ_S, "alerts"))
        self._probe_due = 0.0
        self._stop_hearing = house.bus.listen(self._hear)

    def start(self) -> None:
        """Begin."""
        self.chores.start()
        for patrol in self._patrols:
            patrol.start()

    def close(self, timeout: float) -> None:
        """No further chore; one in hand is waited for ``timeout`` seconds at most. Safe to call twice."""
        self._stop_hearing()
        for patrol in self._patrols:
            patrol.close(1.0)
        self.chores.close(timeout)

    def _measure(self) -> None:
        self._readings.memory = self._house.memory.status()

    def _look_for_alerts(self) -> None:
        now = now_utc()
        found = findings(self._readings.take(), self._house.config.alerts, now, self.alerts.keys)
        self.alerts.update(found, now)
        if self._house.worker.trouble.now is not None and time.monotonic() >= self._probe_due:
            self._probe_due = time.monotonic() + PROBE_S
            with contextlib.suppress(Closing):
                self._house.worker.submit(Priority.PERCEPT, self._probe, wait=False)

    def _probe(self) -> None:
        """Can the store be written again? The job's failure is counted like any other's."""
        self._house.memory.feedback.set_mark(PROBE, int(time.time()))
        self._house.worker.trouble.wrote()

    def _hear(self, event: Event) -> None:
        if isinstance(event, MemoryStored):
            self._house.worker.trouble.wrote()

    def _others(self) -> Iterable[Ward]:
        """Threads that are reported when they hang."""
        yield Ward("chore", _name(self.chores), self.chores.doing, CHORES_TAKE)
        yield Ward("chore", "sources", self._house.supervisor.doing)
        for courier in self._house.delivery.couriers:
            yield Ward("deliver", courier.channel.name, courier.doing)
        for patrol in self._patrols[1:]:
            yield Ward("chore", patrol.name, patrol.doing)


def _name(chores: Chores) -> str:
    step = chores.doing.step
    return step.name if step is not None else ""
