"""Entities: which thing a label means. Same label or nearly the same meaning in one category is one entity."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from perstream.memory.columns import normalize
from perstream.types import FloatArray, Triplet

OWNER = "i"
"""Normalised label of the owner (``I`` in triplets): one entity over all categories."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A label and the entity it means."""

    id: int
    label: str
    """The entity's own label; the written one may differ in case or wording."""
    category: str


@dataclass(slots=True)
class _Block:
    """Vectors of the entities that may be one: same category, same digits."""

    ids: list[int] = field(default_factory=list)
    vectors: FloatArray = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def add(self, entity: int, vector: FloatArray) -> None:
        count = len(self.ids)
        if count == len(self.vectors):
            grown = np.zeros((max(4, 2 * count), len(vector)), np.float32)
            if count:
                grown[:count] = self.vectors
            self.vectors = grown
        self.vectors[count] = vector
        self.ids.append(entity)

    def nearest(self, vector: FloatArray) -> tuple[int, float]:
        scores = self.vectors[: len(self.ids)] @ vector
        best = int(np.argmax(scores))
        return self.ids[best], float(scores[best])


class Entities:
    """Finds or makes the entity of a label, inside the writer's transaction (DESIGN section 5, rho)."""

    def __init__(self, rho: float, embed: Callable[[Sequence[str]], FloatArray]) -> None:
        self._rho = rho
        self._embed = embed
        self._blocks: dict[tuple[str, str], _Block] | None = None

    def forget_cache(self) -> None:
        """The vectors in RAM no longer match the table (a rollback, a deletion): load them again when needed."""
        self._blocks = None

    @property
    def nbytes(self) -> int:
        """RAM held for merging."""
        return sum(b.vectors.nbytes + 8 * len(b.ids) for b in (self._blocks or {}).values())

    def resolve(
        self, connection: sqlite3.Connection, triplets: Sequence[Triplet], category: str
    ) -> dict[str, Resolved]:
        """The entity of every subject and object, by written label. New ones are inserted."""
        found: dict[str, Resolved] = {}
        unknown: dict[str, list[str]] = {}
        for label in dict.fromkeys(part for t in triplets for part in (t.subject, t.object)):
            normalized = normalize(label) or label
            home = "" if normalized == OWNER else category
            row = connection.execute(
                "SELECT id, label FROM entities WHERE normalized = ? AND category = ?", (normalized, home)
            ).fetchone()
            if row is None:
                unknown.setdefault(normalized, []).append(label)
            else:
                found[label] = Resolved(row[0], row[1], home)
        if unknown:
            vectors = self._embed([labels[0] for labels in unknown.values()])
            for (normalized, labels), vector in zip(unknown.items(), vectors, strict=True):
                home = "" if normalized == OWNER else category
                entity = self._merge_or_insert(connection, normalized, labels[0], home, vector)
                found.update(dict.fromkeys(labels, entity))
        return found

    def _merge_or_insert(
        self, connection: sqlite3.Connection, normalized: str, label: str, category: str, vector: FloatArray
    ) -> Resolved:
        block = self._loaded(connection).setdefault((category, _digits(normalized)), _Block())
        if block.ids and normalized != OWNER:
            entity, score = block.nearest(vector)
            if score >= self._rho:
                row = connection.execute("SELECT id, label FROM entities WHERE id = ?", (entity,)).fetchone()
                return Resolved(row[0], row[1], category)
        cursor = connection.execute(
            "INSERT INTO entities (label, normalized, category, embedding) VALUES (?, ?, ?, ?)",
            (label, normalized, category, _bytes(vector)),
        )
        entity = int(cursor.lastrowid or 0)
        block.add(entity, vector)
        return Resolved(entity, label, category)

    def _loaded(self, connection: sqlite3.Connection) -> dict[tuple[str, str], _Block]:
        if self._blocks is None:
            self._blocks = {}
            renamed = connection.execute("SELECT id, label FROM entities WHERE embedding IS NULL").fetchall()
            if renamed:
                for (entity, _), vector in zip(renamed, self._embed([label for _, label in renamed]), strict=True):
                    connection.execute("UPDATE entities SET embedding = ? WHERE id = ?", (_bytes(vector), entity))
            for entity, normalized, category, blob in connection.execute(
                "SELECT id, normalized, category, embedding FROM entities"
            ):
                block = self._blocks.setdefault((category, _digits(normalized)), _Block())
                block.add(entity, np.frombuffer(blob, np.float32))
        return self._blocks


def _digits(normalized: str) -> str:
    """Labels whose digits differ are different things (gate B12, gate B14), however near their vectors are."""
    return "".join(c if c.isdigit() else " " for c in normalized).strip()


def _bytes(vector: FloatArray) -> bytes:
    return np.ascontiguousarray(vector, dtype=np.float32).tobytes()
