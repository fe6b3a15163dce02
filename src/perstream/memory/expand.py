"""A bounded walk over shared entities: from a memory to others that mention the same thing."""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perstream.memory.rows import Rows

HUB = 32
"""An entity of more memories than this connects nothing in particular and is not walked."""
REACHED = 24
"""A walk ends after so many memories."""


class Links:
    """Which memories (slots) mention which entities. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._slots: dict[str, array[int]] = {}
        self._labels: dict[int, tuple[str, ...]] = {}
        self._mentions = 0

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return 230 * len(self._slots) + 100 * len(self._labels) + 16 * self._mentions

    def add(self, slot: int, entities: Sequence[str]) -> None:
        """Note a memory's entities; the owner ("I") connects everything and so nothing."""
        keys = {label: label.strip().lower() for label in entities}
        self._note(slot, tuple(keys), keys)

    def extend(self, first: int, entities: Sequence[Sequence[str]]) -> None:
        """Note the entities of many memories, in the slots from ``first`` on."""
        keys: dict[str, str] = {}
        for slot, found in enumerate(entities, start=first):
            if not found:
                continue
            for label in found:
                if label not in keys:
                    keys[label] = label.strip().lower()
            self._note(slot, found, keys)

    def _note(self, slot: int, entities: Sequence[str], keys: Mapping[str, str]) -> None:
        labels = tuple([label for label in entities if keys[label] and keys[label] != "i"])
        if not labels:
            return
        self._labels[slot] = labels
        self._mentions += len(labels)
        for label in labels:
            slots = self._slots.get(keys[label])
            if slots is None:
                slots = self._slots[keys[label]] = array("I")
            slots.append(slot)

    def remove(self, slot: int) -> None:
        """Forget a memory's entities."""
        labels = self._labels.pop(slot, ())
        self._mentions -= len(labels)
        for label in labels:
            key = label.strip().lower()
            self._slots[key].remove(slot)
            if not self._slots[key]:
                del self._slots[key]

    def walk(self, slot: int, depth: int) -> Iterator[tuple[str, int]]:
        """(entity, memory) pairs reached in at most ``depth`` hops, nearest first, at most REACHED."""
        seen, edge = {slot}, [slot]
        for _ in range(depth):
            ahead: list[int] = []
            for here in edge:
                for label in self._labels.get(here, ()):
                    shared = self._slots[label.strip().lower()]
                    if len(shared) > HUB:
                        continue
                    for other in shared:
                        if other in seen:
                            continue
                        seen.add(other)
                        ahead.append(other)
                        yield label, other
                        if len(seen) > REACHED:
                            return
            edge = ahead


def around(
    best: Sequence[int],
    found: Container[int],
    allowed: NDArray[np.bool_] | None,
    rows: Rows,
    links: Links,
    depth: int,
) -> dict[int, list[str]]:
    """Neighbours in time of the best slots and memories that share an entity with them, not found yet: with the way there."""
    out: dict[int, list[str]] = {}
    if not depth:
        return out
    for slot in best:
        origin = int(rows.ids[slot])
        for near in (int(rows.before[slot]), int(rows.after[slot])):
            if near >= 0 and near not in found and (allowed is None or allowed[near]):
                out.setdefault(near, [f"neighbour:{origin}"])
        for label, reached in links.walk(slot, depth):
            if reached not in found and (allowed is None or allowed[reached]):
                out.setdefault(reached, [f"from:{origin}", f"entity:{label}"])
    return out
