"""Which token vectors stay in RAM: the budget's rule for the recall index.

Over ``ram_budget_mb`` the token vectors of the coldest memories leave RAM; they stay on disk and come back when a
search wants them. Everything else in the index (about 1.2 kB a memory: vectors, words, rows, links) is needed to find
a memory at all. Where that floor alone is above the budget, nothing is lost and nothing hidden: it is said.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable

from perstream.memory.columns import chunks, marks
from perstream.memory.engine import Connection
from perstream.memory.recall import RecallIndex
from perstream.memory.status import MB
from perstream.memory.store import Store

log = logging.getLogger(__name__)

HYSTERESIS = 0.99
"""Over budget, token vectors are evicted down to this share of it."""
ROOM = 0.1
"""The budget must have this share free again before it is said anew that it is too small."""
STEP = 500
"""Memories looked at in one go, so that no write waits long; what is left is done at the next."""

_Place = tuple[float, int]
"""Heat and id: the order from cold to hot."""
_SIZES = "SELECT m.id, m.heat, length(v.tokens) FROM memories m JOIN vectors v ON v.memory_id = m.id WHERE "
_START: _Place = (-math.inf, 0)


class Residence:
    """Evicts at a cost that grows with what is evicted, never with the store."""

    def __init__(self, store: Store, budget_mb: float, other_bytes: Callable[[], int]) -> None:
        """``budget_mb`` 0 is no limit; ``other_bytes`` is what else counts against it."""
        self._store = store
        self._limit = int(budget_mb * MB)
        self._other_bytes = other_bytes
        self._lock = threading.Lock()
        self._frontier = _START
        """Up to here, from the coldest on, token vectors are out of RAM, but for the loose ones."""
        self._loose: set[int] = set()
        """What came into RAM since, wherever it stands in the order."""
        self._warned = False

    def forget(self) -> None:
        """The index is gone."""
        with self._lock:
            self._frontier, self._loose = _START, set()

    def came(self, memories: Iterable[int]) -> None:
        """The token vectors of these are in RAM (again)."""
        with self._lock:
            if self._frontier != _START:
                self._loose.update(memories)

    def excess(self, index: RecallIndex) -> int:
        """Bytes above the budget; 0 or less is within it."""
        return index.nbytes + self._other_bytes() - self._limit if self._limit else 0

    def fit(self, index: RecallIndex, added: int = 0) -> bool:
        """Evict the coldest while over budget; False when a further call has more to do.

        After many memories were ``added`` at once, so many more may have to go.
        """
        over = self.excess(index)
        if over <= 0:
            self._warned = self._warned and -over < self._limit * ROOM
            return True
        with self._lock:
            loose, self._loose = self._loose, set()
        self._evict(index, [row for row in self._sizes_of(loose) if (row[1], row[0]) <= self._frontier])
        if self.excess(index) > 0:
            ahead = self._beyond(STEP + added)
            self._evict(index, ahead)
            if len(ahead) == STEP + added and self.excess(index) > 0:
                return False
            self._tell(index)
        return True

    def fill(self, index: RecallIndex) -> None:
        """Into an index whose token vectors are all out of RAM, bring the hottest memories' as far as there is room."""
        room, place = -self.excess(index) - int(self._limit * (1 - HYSTERESIS)), (math.inf, 0)
        self.forget()
        while True:
            rows = self._read(
                f"{_SIZES}(m.heat, m.id) < (?, ?) ORDER BY m.heat DESC, m.id DESC LIMIT {STEP}", (*place,)
            )
            taken: list[int] = []
            for memory, heat, size in rows:
                place = (heat, memory)
                if (room := room - (size or 0)) < 0:
                    break
                if size:
                    taken.append(memory)
            index.bring_back(taken)
            if room < 0 or len(rows) < STEP:
                break
        with self._lock:
            # Bringing back noted them as loose; in the order of heat they stand where they belong.
            self._frontier, self._loose = place if room < 0 else _START, set()
        self._tell(index)

    def _beyond(self, limit: int) -> list[tuple[int, float, int | None]]:
        return self._read(f"{_SIZES}(m.heat, m.id) > (?, ?) ORDER BY m.heat, m.id LIMIT {limit}", self._frontier)

    def _evict(self, index: RecallIndex, rows: list[tuple[int, float, int | None]]) -> None:
        """Evict from the coldest on, until there is some room."""
        goal = int(self._limit * (HYSTERESIS - 1))
        over, gone = self.excess(index) - goal, list[int]()
        for number, (memory, heat, size) in enumerate(rows):
            if over <= 0:
                with self._lock:
                    self._loose.update(row[0] for row in rows[number:] if (row[1], row[0]) <= self._frontier)
                break
            self._frontier = max(self._frontier, (heat, memory))
            if size and index.holds_tokens(memory):
                gone.append(memory)
                over -= size
            if over <= 0:  # by the sizes of the vectors alone: see what it comes to
                index.evict(gone)
                over, gone = self.excess(index) - goal, []
        index.evict(gone)

    def _sizes_of(self, memories: set[int]) -> list[tuple[int, float, int | None]]:
        """From cold to hot."""
        rows = [
            row
            for piece in chunks(sorted(memories))
            for row in self._read(f"{_SIZES}m.id IN ({marks(piece)})", tuple(piece))
        ]
        return sorted(rows, key=lambda row: (row[1], row[0]))

    def _read(self, sql: str, values: tuple[float, ...]) -> list[tuple[int, float, int | None]]:
        # The store is let go of before the index is asked: a search holds the index and reads the store.
        with self._store.reading() as connection:
            return _rows(connection, sql, values)

    def _tell(self, index: RecallIndex) -> None:
        """Nothing is left to evict: say it once, until there is room again."""
        over = self.excess(index)
        if over <= 0 or self._warned:
            return
        self._warned = True
        parts = ", ".join(f"{name} {size / MB:.1f}" for name, size in index.held().items())
        log.warning(
            "the memory index takes %.1f MB, %.1f MB more than memory.ram_budget_mb allows, and all of it is needed to "
            "find %d memories (MB: %s): raise the budget, or set memory.disk_budget_mb so that memories are given up",
            (over + self._limit) / MB,
            over / MB,
            len(index),
            parts,
        )


def _rows(connection: Connection, sql: str, values: tuple[float, ...]) -> list[tuple[int, float, int | None]]:
    return connection.execute(sql, values).fetchall()
