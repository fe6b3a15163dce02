"""Retention at work: what has had its time is forgotten, a little at a time, and nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from perstream.daemon.chores import Chore
from perstream.daemon.privacy_status import Aged, AgeReport
from perstream.daemon.worker import AssistantWorker, Priority
from perstream.memory.memory import Memory
from perstream.privacy.calendar import Calendar
from perstream.privacy.retention import Rule

EVERY_S = 3600.0
FIRST_S = 5.0
"""After the start: first the house begins to watch and to answer."""
BATCH = 10
"""Memories deleted at once: a question that comes in between waits for one batch at most."""
REST_S = 0.02
"""Between two batches: what is perceived is remembered meanwhile."""
TRIES, AGAIN_S = 40, 15.0
"""A rebuild of the file that a question interrupted is taken up again so often; after that in an hour."""


class Aging:
    """Of one house. ``run`` on the chores' thread, ``report`` and ``by_hand`` on any."""

    def __init__(
        self,
        rules: Sequence[Rule],
        memory: Memory,
        worker: AssistantWorker,
        calendar: Calendar,
        gone: Callable[[tuple[int, ...]], None],
    ) -> None:
        """``gone`` is told, on the assistant's thread, of memories that are no more."""
        self._rules = tuple(rules)
        self._memory = memory
        self._worker = worker
        self._calendar = calendar
        self._gone = gone
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    @property
    def chores(self) -> tuple[Chore, ...]:
        """Once an hour; none without rules."""
        return (Chore("retention", EVERY_S, self.run, FIRST_S),) if self._rules else ()

    def stop(self) -> None:
        """Come to an end after the batch in hand."""
        self._stopping.set()

    def run(self) -> None:
        """Forget what has had its time, unless the date is doubted. StoreError."""
        with self._lock:
            now = self._calendar.today()
            if now is not None:
                self._forget(now)

    def report(self) -> AgeReport:
        """What would be removed now. StoreError."""
        now = datetime.now(timezone.utc)
        return AgeReport(self._counted(now), now, self._believed(now), dry_run=True)

    def by_hand(self) -> AgeReport:
        """Forget now; whoever asks for it vouches for the clock. StoreError."""
        with self._lock:
            now = self._calendar.confirm()
            counted = self._counted(now)
            removed, finished = self._forget(now, tries=1)
        return AgeReport(counted, now, believed=True, dry_run=False, removed=removed, finished=finished)

    def _believed(self, now: datetime) -> bool:
        with self._lock:
            return bool(self._rules) and self._calendar.believes(now)

    def _counted(self, now: datetime) -> tuple[Aged, ...]:
        seen: set[int] = set()
        found = []
        for rule in self._rules:
            ids = set(self._older(rule, now)) - seen
            seen |= ids
            found.append(Aged(rule.text, rule.keep.total_seconds(), len(ids)))
        return tuple(found)

    def _older(self, rule: Rule, now: datetime, most: int = -1) -> list[int]:
        column = "" if rule.kind == "everything" else rule.kind
        return self._memory.ages.older(now - rule.keep, column, rule.value, most)

    def _forget(self, now: datetime, tries: int = TRIES) -> tuple[int, bool]:
        """How many went, and whether every file is clear of them."""
        removed = 0
        for rule in self._rules:
            while not self._stopping.is_set() and (ids := self._older(rule, now, BATCH)):
                removed += self._worker.submit(Priority.TOLD, lambda ids=ids: self._delete(ids)).result()  # type: ignore[misc]
                time.sleep(REST_S)
        return removed, self._clear(tries)

    def _delete(self, ids: Sequence[int]) -> int:
        receipt = self._memory.ages.forget(ids)
        self._gone(receipt.memory_ids)
        return len(receipt.memory_ids)

    def _clear(self, tries: int) -> bool:
        """Backups, file and log, each step where it holds nobody up."""
        ages = self._memory.ages
        for attempt in range(tries):
            if attempt and self._stopping.wait(AGAIN_S):
                break
            ages.clear_backups()
            if self._worker.submit(Priority.TOLD, lambda: ages.rebuild(self._worker.urgent)).result():
                ages.settle_log()
                if self._worker.submit(Priority.TOLD, ages.strike).result():
                    return True
        return False
