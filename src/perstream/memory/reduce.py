"""Memory reduction: which parts of which memories to give up first (paper: NSBG and GSBN).

A memory holds the storage set {M, v_M, v_mean, v_nearest}; an item is one part of one memory.

- NSBG, node scan by granularity: the coldest memory first, its parts from fine to coarse, then the next.
- GSBN, granularity scan by node: the finest part of all memories first, coldest first, then the next part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from perstream.types import Granularity

Order = Literal["nsbg", "gsbn"]

FINE_TO_COARSE: tuple[Granularity, ...] = (
    Granularity.V_NEAREST,
    Granularity.V_MEAN,
    Granularity.V_M,
    Granularity.M,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One part of one memory."""

    memory_id: int
    granularity: Granularity
    nbytes: int
    """Exactly what giving it up frees."""
    heat: float
    """Colder goes first; ties go by age (the smaller id)."""
    pinned: bool = False
    """Never given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to give up, in this order."""

    items: tuple[Item, ...]
    freed: int
    """Bytes of all items together."""
    missing: int
    """Bytes that were asked for and cannot be had; 0 when the plan is enough."""

    @property
    def forgotten(self) -> tuple[int, ...]:
        """Memories whose text goes: they are forgotten altogether."""
        return tuple(item.memory_id for item in self.items if item.granularity is Granularity.M)


def plan(items: Iterable[Item], order: Order, nbytes: int) -> Plan:
    """The shortest beginning of the order that frees at least ``nbytes``.

    Giving up M forgets the memory, so it takes along whatever finer part of it is left; the order of
    both strategies has those before it.
    """
    left = [item for item in items if not item.pinned]
    left.sort(key=_nsbg if order == "nsbg" else _gsbn)
    taken: list[Item] = []
    freed = 0
    for item in left:
        if freed >= nbytes:
            break
        taken.append(item)
        freed += item.nbytes
    return Plan(tuple(taken), freed, max(0, nbytes - freed))


def _nsbg(item: Item) -> tuple[float, int, int]:
    return item.heat, item.memory_id, FINE_TO_COARSE.index(item.granularity)


def _gsbn(item: Item) -> tuple[int, float, int]:
    return FINE_TO_COARSE.index(item.granularity), item.heat, item.memory_id
