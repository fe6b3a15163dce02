"""What lies around a node of the memory graph; light to import, so that a client can speak of it too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Place:
    """One node, and how one comes to it from where one stands."""

    node: str
    """``category:KEY``, ``memory:ID`` or ``entity:ID``."""
    kind: str
    label: str
    via: str = ""
    """``holds``, ``mentions``, ``about``, ``replaced`` or a triplet's predicate."""
    memories: int = 0
    """How many memories hang on it in the span; 0 for a memory."""
    at: datetime | None = None
    """UTC, of a memory."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A node and its neighbours: memories newest first, everything else by how much hangs on it."""

    here: Place | None
    """None at the root, whose neighbours are the categories."""
    places: tuple[Place, ...]
    total: int
    """How many neighbours there are; ``places`` is a page of them."""
