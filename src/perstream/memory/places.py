"""Where each memory stands: its slot by its id."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

SPARSE = 4
"""Ids are in the table as long as it has at most so many places for each."""


def room_for(count: int) -> int:
    """Places to lay out for ``count``: a quarter more each time, the same however they come."""
    room = 1024
    while room < count:
        room += room // 4
    return room


class Places:
    """A table by id, as a store numbers its memories one after the other; a dictionary for ids far off. Not thread-safe."""

    def __init__(self) -> None:
        self._table = array("i")
        """Slot by id, -1 for none."""
        self._far: dict[int, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, memory: int) -> bool:
        return self.get(memory) is not None

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return len(self._table) * self._table.itemsize + 110 * len(self._far)

    def get(self, memory: int) -> int | None:
        """The slot of a memory, or None."""
        if 0 <= memory < len(self._table) and (slot := self._table[memory]) >= 0:
            return slot
        return self._far.get(memory) if self._far else None

    def put(self, memory: int, slot: int) -> None:
        """Note the slot of a new memory."""
        self._count += 1
        if self._reaches(memory):
            self._table[memory] = slot
        else:
            self._far[memory] = slot

    def extend(self, memories: Sequence[int], first: int) -> None:
        """Note new memories of ascending ids in the slots from ``first`` on."""
        self._count += len(memories)
        if memories and memories[0] >= 0 and self._reaches(memories[-1]):
            table = np.frombuffer(self._table, np.int32)
            table[np.array(memories, np.int64)] = np.arange(first, first + len(memories))
        else:
            self._count -= len(memories)
            for place, memory in enumerate(memories):
                self.put(memory, first + place)

    def remove(self, memory: int) -> None:
        """Forget a memory that is there."""
        self._count -= 1
        if self._far.pop(memory, None) is None:
            self._table[memory] = -1

    def _reaches(self, memory: int) -> bool:
        """Is there a place in the table, or room for one?"""
        held = len(self._table)
        if 0 <= memory < held:
            return True
        if not 0 <= memory < max(1024, SPARSE * self._count):
            return False
        self._table.frombytes(b"\xff" * (self._table.itemsize * (room_for(memory + 1) - held)))
        return True
