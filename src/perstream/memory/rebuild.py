"""Making v_M anew from M: what a tight disk budget gave up comes back when there is room again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perstream.memory import budget
from perstream.memory.columns import HELD
from perstream.memory.engine import Connection
from perstream.memory.live import LiveIndex
from perstream.memory.status import MB
from perstream.memory.store import Store
from perstream.memory.writes import write_vectors
from perstream.types import Granularity, TextVectors

STEP = 16
"""Memories per transaction: whoever else wants to write waits for no more."""
ROOM_BYTES = 3000
"""Of disk that one memory's vectors take, about."""
_V_M = HELD[Granularity.V_M]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it."""

    rebuilt: int
    """Memories that have their vectors again."""
    left: int
    """Memories still without."""
    full: bool
    """It ended because the disk budget has no more room."""


class Rebuilder:
    """Embeds the hottest memories first; an interrupted run goes on where it stopped."""

    def __init__(self, store: Store, index: LiveIndex, disk_budget_mb: float) -> None:
        """``disk_budget_mb`` 0 is no limit."""
        self._store = store
        self._index = index
        self._limit = int(disk_budget_mb * MB)

    def run(self, embed_tokens: Callable[[str], TextVectors], most: int | None) -> Rebuilt:
        """Rebuild at most ``most`` memories (None: all), as far as the disk budget has room. Raises StoreError.

        Room is what reduction leaves free at least, so that the next write does not give up again what came back.
        """
        done, full, place = 0, False, (math.inf, 0)
        while most is None or done < most:
            full = not self._has_room()
            wanted = [] if full else self._lacking(place, STEP if most is None else min(STEP, most - done))
            if not wanted:
                break
            place = wanted[-1][2], wanted[-1][0]
            made = [(memory, text, embed_tokens(text)) for memory, text, _ in wanted]
            with self._store.writing() as connection:
                back = [memory for memory, text, vectors in made if _restore(connection, memory, text, vectors)]
            self._index.revise(back)
            done += len(wanted)
        with self._store.reading() as connection:
            (left,) = connection.execute(f"SELECT count(*) FROM memories WHERE NOT held & {_V_M}").fetchone()
        return Rebuilt(done, int(left), full)

    def _has_room(self) -> bool:
        if not self._limit:
            return True
        with self._store.reading() as connection:
            return budget.used_bytes(connection) + STEP * ROOM_BYTES <= self._limit * budget.HYSTERESIS

    def _lacking(self, place: tuple[float, int], limit: int) -> Sequence[tuple[int, str, float]]:
        """Id, text and heat, from hot to cold, colder than ``place``."""
        with self._store.reading() as connection:
            return connection.execute(
                f"SELECT id, text, heat FROM memories WHERE (heat, id) < (?, ?) AND NOT held & {_V_M} "
                "ORDER BY heat DESC, id DESC LIMIT ?",
                (*place, limit),
            ).fetchall()


def _restore(connection: Connection, memory: int, text: str, vectors: TextVectors) -> bool:
    """Store the vectors of a memory that still says this; False when it was forgotten or corrected meanwhile."""
    changed = connection.execute(
        f"UPDATE memories SET held = held | {_V_M} WHERE id = ? AND text = ? AND NOT held & {_V_M}", (memory, text)
    ).rowcount
    if changed:
        write_vectors(connection, memory, vectors)
    return bool(changed)
