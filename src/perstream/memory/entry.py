"""What the store hands to the recall index, and what the index hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perstream.types import FloatArray, HalfArray, Provenance

Int8Array = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class TokenCodes:
    """The token vectors of one text, compressed: row ``i`` is about ``codes[i] * scale``."""

    codes: Int8Array
    """[tokens, dimension]."""
    scale: float

    @property
    def nbytes(self) -> int:
        return int(self.codes.nbytes)


Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """What recall needs of a memory's words; see :mod:`perstream.memory.derived`."""

    terms: Sequence[str]
    """Stems of the words that say something, in order, repetitions included."""
    times: Sequence[tuple[float, float]]
    """The times it names, as unix seconds."""
    asks: bool
    """It is a question."""
    counts: bool
    """It says a number."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexEntry:
    """One memory as recall ranks it."""

    id: int
    text: str
    context: str
    """The question it answered, where it was one turn of a conversation; else empty."""
    speaker: str | None
    source: str | None
    session: str
    """Key of its neighbourhood: memories of one session are neighbours in time. Empty is none."""
    start_s: float | None
    """Source clock."""
    observed_at: float
    """Unix seconds."""
    provenance: Provenance
    category: str
    pooled: HalfArray | FloatArray | None
    """Caption embedding [dimension], L2-normalised; None when v_M was reduced away."""
    tokens: TokenCodes | None
    """Compressed token vectors; None when they were reduced away."""
    entities: tuple[str, ...] = ()
    """Labels of its subjects and objects, as written."""
    mean_vector: HalfArray | None = None
    """Mean patch vectors [rows * columns, dimension] of a moment that was seen."""
    superseded: bool = False
    """A newer fact took its place."""
    derived: Derived | None = None
    """What was kept of its words; None is derived when it is indexed."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One result of the index, best first in a list of them."""

    id: int
    score: float
    """Relevance in [0, 1], comparable across questions."""
    score_parts: Mapping[str, float] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    """How it was reached, for example ("dense", "entity:Anna")."""
