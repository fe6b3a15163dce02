"""A bounded walk over shared entities: from a memory to others that mention the same thing."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from perstream.memory.links import Links
from perstream.memory.rows import Rows

HUB = 32
"""An entity of more memories than this connects nothing in particular and is not walked."""
REACHED = 24
"""A walk ends after so many memories."""


def walk(links: Links, slot: int, depth: int) -> Iterator[tuple[str, int]]:
    """(entity, memory) pairs reached from a memory in at most ``depth`` hops, nearest first, at most REACHED."""
    seen, edge = {slot}, [slot]
    for _ in range(depth):
        ahead: list[int] = []
        for here in edge:
            for entity in links.entities(here):
                if links.count(entity) > HUB:
                    continue
                for other in links.memories(entity):
                    if other in seen:
                        continue
                    seen.add(other)
                    ahead.append(other)
                    yield links.name(entity), other
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
        for label, reached in walk(links, slot, depth):
            if reached not in found and (allowed is None or allowed[reached]):
                out.setdefault(reached, [f"from:{origin}", f"entity:{label}"])
    return out
