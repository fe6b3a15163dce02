"""Entities: which thing a label means. Same label or nearly the same meaning in one category is one entity."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perstream.memory.columns import chunks, marks, normalize
from perstream.memory.engine import Connection
from perstream.memory.near import NearIndex, SignArray, group_of, stored_signs, stored_vector
from perstream.types import FloatArray, Triplet

OWNER = "i"
"""Normalised label of the owner (``I`` in triplets): one entity over all categories."""
BAND = 0.004
"""The stored int8 vectors give a cosine to about +-0.002: nearer to rho than this, the full vectors decide."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A label and the entity it means."""

    id: int
    label: str
    """The entity's own label; the written one may differ in case or wording."""


class Entities:
    """Finds or makes the entity of a label, inside the writer's transaction; ``rho`` decides."""

    def __init__(self, rho: float, embed: Callable[[Sequence[str]], FloatArray]) -> None:
        self._rho = rho
        self._embed = embed
        self._near: NearIndex | None = None

    def forget_cache(self) -> None:
        """The vectors in RAM no longer match the table (a rollback, a deletion): load them again when needed."""
        self._near = None

    def follow(self, connection: Connection, ids: Iterable[int]) -> None:
        """Some of these entities may be gone from the table or renamed: what is in RAM follows, without loading anew."""
        if self._near is None:
            return
        wanted = sorted(set(ids))
        left = {
            row[0]: row
            for piece in chunks(wanted)
            for row in connection.execute(
                f"SELECT id, label, normalized, category, embedding IS NULL FROM entities WHERE id IN ({marks(piece)})",
                piece,
            )
        }
        renamed = [row for row in left.values() if row[4]]
        self._near.discard([entity for entity in wanted if entity not in left] + [row[0] for row in renamed])
        if renamed:
            signs = self._embed_labels(connection, self._near, [(row[0], row[1]) for row in renamed])
            groups = [_group(normalized, home) for _, _, normalized, home, _ in renamed]
            self._near.add([row[0] for row in renamed], np.array(groups, np.uint64), signs)

    @property
    def nbytes(self) -> int:
        """RAM held for merging."""
        return 0 if self._near is None else self._near.nbytes

    def resolve(self, connection: Connection, triplets: Iterable[Triplet], category: str) -> dict[str, Resolved]:
        """The entity of every subject and object, by written label. New ones are inserted."""
        found: dict[str, Resolved] = {}
        unknown: dict[tuple[str, str], list[str]] = {}
        for label in dict.fromkeys(part for t in triplets for part in (t.subject, t.object)):
            normalized = normalize(label) or label
            home = "" if normalized == OWNER else category
            row = connection.execute(
                "SELECT id, label FROM entities WHERE normalized = ? AND category = ?", (normalized, home)
            ).fetchone()
            if row is None:
                unknown.setdefault((normalized, home), []).append(label)
            else:
                found[label] = Resolved(row[0], row[1])
        if unknown:
            for written, entity in zip(unknown.values(), self._resolve_new(connection, unknown), strict=True):
                found.update(dict.fromkeys(written, entity))
        return found

    def _resolve_new(self, connection: Connection, unknown: dict[tuple[str, str], list[str]]) -> list[Resolved]:
        """Entities of labels that no entity bears: a near one of the same group, or a new one."""
        vectors = np.asarray(self._embed([written[0] for written in unknown.values()]), np.float32)
        index = self._loaded(connection, vectors.shape[1])
        groups = np.array([_group(normalized, home) for normalized, home in unknown], np.uint64)
        coded = index.code(vectors)
        near = index.nearest(coded, groups)
        entities: list[Resolved] = []
        places: list[int] = []
        for place, ((normalized, home), written) in enumerate(unknown.items()):
            match = self._decide(connection, vectors[place], near[place])
            if match is None:
                twins = [p for p in places if groups[p] == groups[place] and vectors[p] @ vectors[place] >= self._rho]
                match = entities[twins[0]] if twins else None
            if match is None:
                cursor = connection.execute(
                    "INSERT INTO entities (label, normalized, category, embedding) VALUES (?, ?, ?, ?)",
                    (written[0], normalized, home, coded.stored(place)),
                )
                match = Resolved(int(cursor.lastrowid or 0), written[0])
                places.append(place)
            entities.append(match)
        if places:
            index.add([entities[place].id for place in places], groups[places], coded.signs[places])
        return entities

    def _decide(self, connection: Connection, vector: FloatArray, candidates: list[int]) -> Resolved | None:
        """The nearest candidate, when it is near enough in full precision."""
        best, match = self._rho, None
        for entity in candidates:
            label, stored = connection.execute(
                "SELECT label, embedding FROM entities WHERE id = ?", (entity,)
            ).fetchone()
            cosine = float(stored_vector(stored) @ vector)
            if abs(cosine - self._rho) < BAND:
                cosine = float(self._embed([label])[0] @ vector)
            if cosine >= best:
                best, match = cosine, Resolved(entity, label)
        return match

    def _loaded(self, connection: Connection, dimension: int) -> NearIndex:
        if self._near is None:
            index = NearIndex(dimension)
            renamed = connection.execute("SELECT id, label FROM entities WHERE embedding IS NULL").fetchall()
            if renamed:
                self._embed_labels(connection, index, renamed)
            rows = connection.execute("SELECT id, normalized, category, embedding FROM entities").fetchall()
            if rows:
                groups = [_group(normalized, home) for _, normalized, home, _ in rows]
                signs = stored_signs([row[3] for row in rows])
                index.add([row[0] for row in rows], np.array(groups, np.uint64), signs)
            self._near = index
        return self._near

    def _embed_labels(self, connection: Connection, index: NearIndex, labels: Sequence[tuple[int, str]]) -> SignArray:
        """Store the vectors of entities (id, label) that have none; returns their bucket names."""
        coded = index.code(np.asarray(self._embed([label for _, label in labels]), np.float32))
        connection.executemany(
            "UPDATE entities SET embedding = ? WHERE id = ?",
            [(coded.stored(row), entity) for row, (entity, _) in enumerate(labels)],
        )
        return coded.signs


_TELLING = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december today tomorrow yesterday morning noon afternoon evening night midnight am pm "
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand "
    "first second third fourth fifth sixth last next former previous new old half double "
    "left right north south east west upper lower top bottom front back up down in out on off before after with "
    "no not never none without non yes open closed hot cold big small long short high low good bad "
    "mother father sister brother son daughter husband wife uncle aunt grandmother grandfather boy girl man woman "
    "red orange yellow green blue purple pink brown black white grey gray silver gold".split()
)
_WORD = re.compile(r"\d+|[^\W\d_]+")


def _group(normalized: str, category: str) -> int:
    """Labels merge within a category only, and only when the words that tell things apart agree.

    To the embedder "gate B12" and "gate B14", "on Tuesday at noon" and "on Thursday at noon" (0.93), "allergic to
    peanuts" and "not allergic to peanuts" (0.92) are nearly the same; to the owner they are not. Digits, single
    letters and the words above must be the same in both.
    """
    words = _WORD.findall(normalized)
    telling = [w for w in words if w in _TELLING or not w.isalpha() or (len(w) == 1 and w not in "ais")]
    return group_of(category, " ".join(telling))
