"""A bounded walk over shared entities: from a memory to others that mention the same thing."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

HUB = 32
"""An entity of more memories than this connects nothing in particular and is not walked."""
REACHED = 24
"""A walk ends after so many memories."""


class Links:
    """Which memories (slots) mention which entities. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._slots: dict[str, array[int]] = {}
        self._labels: dict[int, tuple[str, ...]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        return 230 * len(self._slots) + sum(100 + 16 * len(labels) for labels in self._labels.values())

    def add(self, slot: int, entities: Sequence[str]) -> None:
        """Note a memory's entities; the owner ("I") connects everything and so nothing."""
        labels = tuple(dict.fromkeys(label for label in entities if label.strip() and label.strip().lower() != "i"))
        if not labels:
            return
        self._labels[slot] = labels
        for label in labels:
            self._slots.setdefault(label.strip().lower(), array("I")).append(slot)

    def remove(self, slot: int) -> None:
        """Forget a memory's entities."""
        for label in self._labels.pop(slot, ()):
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
