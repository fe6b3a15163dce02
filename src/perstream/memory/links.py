"""Which memories mention which entities, flat: twelve bytes a mention beside the names themselves."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perstream.memory.postings import SlotArray

_NAME_BYTES = 127
"""Of an entity: its place in the dictionary, and its numbers."""
_DEAD = 1024
"""Mentions of removed memories that are kept at least before all are laid out anew."""

Ints = NDArray[np.int32]


class Links:
    """Entities by memory (slot), in the order they were noted, and memories by entity. Not thread-safe by itself.

    Entities are told apart by a 64-bit hash of their names: two of a million are taken for one with a chance of 1 in 10^7.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._codes: dict[int, int] = {}
        """An entity's number by the hash of its lower-case name."""
        self._names = bytearray()
        """As first written, one after the other."""
        self._ends = array("q")
        """By number: where the name ends."""
        self._first, self._last, self._count = array("i"), array("i"), array("i")
        """By number: its first and last mention, and how many are of memories that are there."""
        self._slot, self._code, self._next = array("i"), array("i"), array("i")
        """By mention: memory (-1 when it was removed), entity, and the entity's next mention. A memory's lie together."""
        self._of = array("i")
        """By slot: its first mention, -1 for none."""
        self._dead = 0

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return _NAME_BYTES * len(self._codes) + len(self._names) + 12 * len(self._slot) + 4 * len(self._of)

    def add(self, slot: int, entities: Sequence[str]) -> None:
        """Note a memory's entities; the owner ("I") connects everything and so nothing."""
        codes = [code for code in dict.fromkeys(map(self._coded, entities)) if code >= 0]
        if not codes:
            return
        self._reach(slot)
        self._of[slot] = len(self._slot)
        for code in codes:
            mention = len(self._slot)
            if self._first[code] < 0:
                self._first[code] = mention
            else:
                self._next[self._last[code]] = mention
            self._last[code] = mention
            self._count[code] += 1
            self._slot.append(slot)
            self._code.append(code)
            self._next.append(-1)

    def extend(self, first: int, places: SlotArray, entities: SlotArray, names: Mapping[int, str]) -> None:
        """Note mentions of many memories: slot ``first + places[i]`` (ascending) mentions ``entities[i]``, whose
        name is ``names[entities[i]]``; without one it is left out. None of the slots has any yet."""
        if not len(places) or not names:
            return
        known = np.array(sorted(names), np.int64)
        codes = np.array([self._coded(names[entity]) for entity in known.tolist()], np.int64)
        place = np.minimum(np.searchsorted(known, entities), len(known) - 1)
        code = np.where(known[place] == entities, codes[place], -1)
        # Once per memory: the first of equals stays, in the order they came.
        _, once = np.unique(places * (len(self._codes) + 1) + code + 1, return_index=True)
        once = np.sort(once[code[once] >= 0])
        if len(once):
            self._append(places[once] + first, code[once])

    def _append(self, slots: SlotArray, codes: SlotArray) -> None:
        base, count = len(self._slot), len(slots)
        self._reach(int(slots[-1]))
        for column, values in ((self._slot, slots), (self._code, codes), (self._next, np.full(count, -1))):
            column.frombytes(values.astype(np.int32).tobytes())
        firsts = np.flatnonzero(np.diff(slots, prepend=-1))
        _ints(self._of)[slots[firsts]] = base + firsts
        order = np.argsort(codes, kind="stable")
        mentions, grouped = base + order, codes[order]
        follows = np.flatnonzero(grouped[1:] == grouped[:-1])
        after = _ints(self._next)
        after[mentions[follows]] = mentions[follows + 1]
        starts = np.flatnonzero(np.diff(grouped, prepend=-1))
        ends = np.append(starts[1:], count) - 1
        heads, entities = mentions[starts], grouped[starts]
        first, last = _ints(self._first), _ints(self._last)
        old = first[entities] >= 0
        after[last[entities[old]]] = heads[old]
        first[entities[~old]] = heads[~old]
        last[entities] = mentions[ends]
        _ints(self._count)[entities] += (ends - starts + 1).astype(np.int32)

    def remove(self, slot: int) -> None:
        """Forget a memory's entities: O(their number), and now and then all are laid out anew."""
        for mention in self._mentions(slot):
            self._slot[mention] = -1
            self._count[self._code[mention]] -= 1
            self._dead += 1
        if slot < len(self._of):
            self._of[slot] = -1
        if self._dead > max(_DEAD, len(self._slot) // 2):
            self._lay_out()

    def entities(self, slot: int) -> list[int]:
        """Numbers of the entities that a memory mentions."""
        return [self._code[mention] for mention in self._mentions(slot)]

    def count(self, entity: int) -> int:
        """How many memories mention an entity."""
        return self._count[entity]

    def memories(self, entity: int) -> list[int]:
        """Slots of the memories that mention an entity."""
        found, mention = [], self._first[entity]
        while mention >= 0:
            if (slot := self._slot[mention]) >= 0:
                found.append(slot)
            mention = self._next[mention]
        return found

    def name(self, entity: int) -> str:
        """As it was first written."""
        return self._names[self._ends[entity - 1] if entity else 0 : self._ends[entity]].decode(errors="surrogatepass")

    def _mentions(self, slot: int) -> range:
        start = end = self._of[slot] if slot < len(self._of) else -1
        if start < 0:
            return range(0)
        while end < len(self._slot) and self._slot[end] == slot:
            end += 1
        return range(start, end)

    def _coded(self, name: str) -> int:
        """The number of an entity, a new one for a new name; -1 for the owner and for nothing."""
        key = name.strip().lower()
        if not key or key == "i":
            return -1
        code = self._codes.setdefault(hash(key), len(self._codes))
        if code == len(self._ends):
            self._names += name.encode(errors="surrogatepass")
            self._ends.append(len(self._names))
            for column, value in ((self._first, -1), (self._last, -1), (self._count, 0)):
                column.append(value)
        return code

    def _reach(self, slot: int) -> None:
        if slot >= len(self._of):
            self._of.frombytes(b"\xff" * (self._of.itemsize * (slot + 1 - len(self._of))))

    def _lay_out(self) -> None:
        """Take out what is dead: mentions, and entities nobody mentions any more."""
        slots, codes = (np.array(column, np.int64) for column in (self._slot, self._code))
        slots, codes = slots[slots >= 0], codes[slots >= 0]
        alive = np.flatnonzero(np.array(self._count) > 0)
        number = {int(old): new for new, old in enumerate(alive)}
        names = [self.name(old) for old in number]
        hashes = {number[code]: key for key, code in self._codes.items() if code in number}
        self._clear()
        self._codes = {hashes[new]: new for new in range(len(names))}
        encoded = [name.encode(errors="surrogatepass") for name in names]
        self._names = bytearray().join(encoded)
        self._ends = array("q", np.cumsum([len(name) for name in encoded], dtype=np.int64).tobytes())
        for name in ("_first", "_last"):
            setattr(self, name, array("i", b"\xff" * (4 * len(names))))
        self._count = array("i", bytes(4 * len(names)))
        if len(slots):
            # A memory's mentions lie together still, but memories need not ascend.
            order = np.argsort(slots, kind="stable")
            self._append(slots[order], np.searchsorted(alive, codes[order]))


def _ints(column: array[int]) -> Ints:
    """The column itself, not a copy: not to be kept, it holds the column fast."""
    return np.frombuffer(column, np.int32)
