"""Giving memories up: on request for good, or part by part to stay within the budget."""

from __future__ import annotations

from dataclasses import replace

from perstream.config import MemoryConfig
from perstream.memory import backup, budget, forget
from perstream.memory.audit import AuditReport, audit, look
from perstream.memory.columns import chunks, marks
from perstream.memory.due import Due
from perstream.memory.engine import Connection
from perstream.memory.entities import Entities
from perstream.memory.live import LiveIndex
from perstream.memory.reduce import Order, Plan
from perstream.memory.status import MB, disk_bytes
from perstream.memory.store import Store
from perstream.types import Granularity, Receipt, Selector


class Keeper:
    """Deletes in the writer's thread and tells those who hold copies in RAM."""

    def __init__(self, store: Store, config: MemoryConfig, entities: Entities, index: LiveIndex) -> None:
        self._store = store
        self._config = config
        self._entities = entities
        self._index = index

    def forget(self, selector: Selector, dry_run: bool) -> Receipt:
        """Delete in one transaction, then in the backups, then rebuild the files. Raises StoreError."""
        if not forget.is_set(selector):
            return Receipt((), 0, 0, 0, 0, dry_run)
        if dry_run:
            return self._rehearse(selector)
        deleted = self.delete(selector)
        return replace(deleted, backups_rewritten=self.finish_forgetting())

    def delete(self, selector: Selector) -> Receipt:
        """Delete in one transaction; what is left in backups and in the file is noted as due. Raises StoreError."""
        with self._store.writing() as connection:
            ids = forget.chosen(connection, selector)
            due = Due(_times(connection, ids), (selector,) if forget.is_span(selector) else ())
            freed = forget.measure(connection, ids)
            entities, edges, reopened = forget.delete(connection, ids)
            if forget.delete_gaps(connection, selector) or ids:
                due.note(connection)
        self._entities.forget_cache()
        self._index.sync([*ids, *reopened])
        return Receipt(tuple(ids), entities, edges, freed, 0, False)

    def finish_forgetting(self) -> int:
        """Clear backups and files of what was deleted, when that is still due; returns the backups rewritten.

        It is due after a deletion, and at opening when a crash came in between.
        """
        with self._store.alone() as connection:
            due = Due.noted(connection)
            if due is None:
                return 0
            backup.remove_fragments(self._store.folder)
            paths = backup.own_backups(connection, self._store.folder)
            rewritten = sum(
                backup.purge(path, due.times, due.spans, self._store.keys.of_backup(path)) for path in paths
            )
            forget.scrub(connection)
            return rewritten

    def reduce(self, nbytes: int, order: Order, dry_run: bool) -> Plan:
        """Give up parts of memories until ``nbytes`` are freed, in one transaction; then the files shrink."""
        if dry_run:
            with self._store.reading() as connection:
                return budget.draw_up(connection, order, nbytes)
        drawn = self._give_up(nbytes, order, None)
        with self._store.alone() as connection:
            budget.tidy(connection, budget.ALL_PAGES)
        return drawn

    def _give_up(self, nbytes: int, order: Order, most: int | None) -> Plan:
        """Draw up a plan of at most ``most`` items and carry it out."""
        try:
            with self._store.writing() as connection:
                drawn = budget.draw_up(connection, order, nbytes, most)
                named = budget.named_by(connection, drawn.forgotten)
                changed = budget.carry_out(connection, drawn)
                self._entities.follow(connection, named)
        except BaseException:
            self._entities.forget_cache()
            raise
        # Recall never searches v_nearest and thumbnails: without them a memory is the same to it.
        self._index.revise(
            {item.memory_id for item in drawn.items if item.granularity is not Granularity.V_NEAREST} - changed
        )
        self._index.sync(changed)
        return drawn

    def audit(self, fix: bool) -> AuditReport:
        """Look the store over; without ``fix`` as a reader, whoever writes meanwhile."""
        if not fix:
            with self._store.aside() as connection:
                return look(connection)
        with self._store.writing() as connection:
            report = audit(connection, fixed=True)
        self._entities.forget_cache()
        self._index.drop()
        return report

    def stay_within_budget(self, writes: int = 1) -> None:
        """After so many writes: over the disk budget, give up what is coldest and finest, a bounded piece for each."""
        limit = int(self._config.disk_budget_mb * MB)
        if not limit or disk_bytes(self._store.path) <= limit:
            return
        steps, last = divmod(writes, budget.WRITES_AT_ONCE)
        for many in (*[budget.WRITES_AT_ONCE] * steps, last):
            # Looked at each time: what parts weigh is not what the file loses with them.
            with self._store.alone() as connection:
                excess = budget.used_bytes(connection) - limit
            if excess <= 0 or not many:
                break
            excess += int(limit * (1 - budget.HYSTERESIS))
            self._give_up(min(excess, budget.STEP_BYTES), self._config.reduction, budget.STEP_ITEMS * many)
        with self._store.alone() as connection:
            budget.tidy(connection, budget.VACUUM_PAGES * writes)

    def _rehearse(self, selector: Selector) -> Receipt:
        """What forgetting would do, done in a transaction that is undone."""
        with self._store.rehearsing() as connection:
            ids = forget.chosen(connection, selector)
            freed = forget.measure(connection, ids)
            times = _times(connection, ids)
            entities, edges, _ = forget.delete(connection, ids)
        with self._store.reading() as connection:
            paths = backup.own_backups(connection, self._store.folder)
        touched = sum(backup.holds(path, times, self._store.keys.of_backup(path)) for path in paths)
        return Receipt(tuple(ids), entities, edges, freed, touched, True)


def _times(connection: Connection, ids: list[int]) -> dict[int, int]:
    """When the memories were observed: with the id it tells a memory from another one in a backup."""
    return {
        memory: observed
        for piece in chunks(ids)
        for memory, observed in connection.execute(
            f"SELECT id, observed_at FROM memories WHERE id IN ({marks(piece)})", piece
        )
    }
