"""Taking in what another store exported: rows with their ids where the store is empty, else as new memories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from perstream.memory import speechlines
from perstream.memory.cleared import Cleared, unchanged, without_secrets
from perstream.memory.columns import HELD, dump_observations, half_bytes, normalize, to_datetime, warmth
from perstream.memory.compress import DIMENSION
from perstream.memory.derived import write_derived
from perstream.memory.engine import Connection, integrity_errors
from perstream.memory.entities import Entities
from perstream.memory.facts import fact_key, settle
from perstream.memory.fields import Fields
from perstream.memory.jsonl import MEMORY_COLUMNS
from perstream.memory.likeness import Likeness
from perstream.memory.writes import write_vectors
from perstream.types import Granularity, Observation, ObservationKind, Provenance, TextVectors, Triplet

_MEMORY = (*MEMORY_COLUMNS.split(", "), "triplets", "pooled", "tokens", "mean", "nearest", "thumbnail")
_TRIPLET = (
    *("subject", "predicate", "object", "score", "functional", "valid_from", "valid_to", "superseded_by"),
    *("subject_id", "object_id"),
)
_OBSERVATION = ("kind", "text", "score", "start_s", "end_s", "votes", "box", "speaker")
_JPEG = b"\xff\xd8"


class Importer:
    """Writes parsed lines inside the caller's transaction. Methods raise ValueError for what cannot be used.

    Into a store without memories, ids of memories and entities are those of the file. Into another one,
    memories get new ids, their labels find their entities as if they were remembered now, and a memory
    that is there already (same words, origin and time) is not doubled.
    """

    def __init__(
        self,
        connection: Connection,
        entities: Entities,
        embed_tokens: Callable[[str], TextVectors],
        thumbnails: bool,
        cleared: Cleared = unchanged,
    ) -> None:
        """``embed_tokens`` makes the vectors that the file lacks or that another embedder made."""
        self._cleared = cleared
        self._connection = connection
        self._entities = entities
        self._embed = embed_tokens
        self._likeness = Likeness(embed_tokens)
        self._thumbnails = thumbnails
        self.added = self.known = self.embedded = self.gaps = 0
        connection.execute("PRAGMA defer_foreign_keys = ON")  # a memory may name one that comes later
        connection.execute("CREATE TEMP TABLE renumbered (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
        held = connection.execute("SELECT EXISTS (SELECT 1 FROM memories) OR EXISTS (SELECT 1 FROM entities)")
        self._empty = not held.fetchone()[0]
        last = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'memories'")
        self._floor = 0 if self._empty else int(last.fetchone()[0])

    def take(self, kind: str, values: dict[str, Any]) -> None:
        """One line of the file."""
        {"entity": self._entity, "memory": self._memory, "gap": self._gap}[kind](values)

    def beside(self, table: str, values: dict[str, Any]) -> bool:
        """A row of what a store holds beside its memories, after them; whether it was taken."""

        def number_of(old: int) -> int | None:
            row = self._connection.execute("SELECT new FROM renumbered WHERE old = ?", (old,)).fetchone()
            return None if row is None else int(row[0])

        def cleared(text: str) -> str:
            return self._cleared(text)[0]

        return speechlines.take(self._connection, table, values, None if self._empty else number_of, cleared)

    def finish(self) -> None:
        """Put right what needs all lines: who superseded whom, entities that nobody mentions."""
        run = self._connection.execute
        new = "(SELECT new FROM renumbered WHERE old = superseded_by)"
        # A successor that is not in the file: what it ended holds again. settle() sees to it that -1 goes.
        where = "superseded_by IS NOT NULL AND memory_id > ?"
        run(f"UPDATE edges SET superseded_by = coalesce({new}, -1) WHERE {where}", (self._floor,))
        run(
            f"UPDATE memories SET superseded_by = {new}, valid_to = CASE WHEN {new} IS NULL THEN NULL ELSE valid_to END "
            "WHERE superseded_by IS NOT NULL AND id > ?",
            (self._floor,),
        )
        keys = run("SELECT DISTINCT fact FROM edges WHERE fact IS NOT NULL AND memory_id > ?", (self._floor,))
        settle(self._connection, [key for (key,) in keys])
        if self._empty:
            run("DELETE FROM entities WHERE id NOT IN (SELECT subject FROM edges UNION SELECT object FROM edges)")
        run("DROP TABLE renumbered")

    def _entity(self, values: dict[str, Any]) -> None:
        fields = Fields(values, ("id", "label", "category", "vector"))
        label, vector = fields.text("label"), fields.blob("vector")
        entity, category = fields.whole("id", low=1), fields.text("category")
        if not self._empty:
            return
        if vector is not None and not self._likeness.of_stored(label, vector):
            vector = None
        try:
            self._connection.execute(
                "INSERT INTO entities VALUES (?,?,?,?,?)", (entity, label, normalize(label) or label, category, vector)
            )
        except integrity_errors() as error:
            raise ValueError(f"entity {entity} or its label occurs twice") from error

    def _memory(self, values: dict[str, Any]) -> None:
        fields = Fields(without_secrets(values, self._cleared), _MEMORY)
        old = fields.whole_or_none("id", low=1)
        row = self._row(fields)
        known = self._twin(row)
        if known is not None:
            self.known += 1
        else:
            row["id"] = old if self._empty else None
            self.added += 1
        memory = known or self._insert(row, fields)
        if old is not None:
            try:
                self._connection.execute("INSERT INTO renumbered VALUES (?, ?)", (old, memory))
            except integrity_errors() as error:
                raise ValueError(f"memory {old} occurs twice") from error

    def _row(self, fields: Fields) -> dict[str, Any]:
        """Columns of the memory, but for its id."""
        observed = fields.micros("observed_at")
        return {
            "text": fields.text("text"),
            "category": fields.text("category"),
            "provenance": Provenance(fields.text("provenance")).value,
            "observed_at": observed,
            "ended_at": fields.micros("ended_at") if "ended_at" in fields else observed,
            "source": fields.text_or_none("source"),
            "start_s": fields.number_or_none("start_s"),
            "end_s": fields.number_or_none("end_s"),
            "speaker": fields.text_or_none("speaker"),
            "context": fields.text("context", ""),
            "score": fields.number("score", 1.0),
            "observations": dump_observations([_observation(value) for value in fields.rows("observations")]),
            "pinned": int(fields.flag("pinned")),
            "valid_from": fields.micros_or_none("valid_from"),
            "valid_to": fields.micros_or_none("valid_to"),
            "superseded_by": fields.whole_or_none("superseded_by", low=1),
            "visits": fields.whole("visits", 0),
            "heat": fields.number("heat", warmth(to_datetime(observed))),
        }

    def _twin(self, row: dict[str, Any]) -> int | None:
        """The memory that was there before the import and says the same, of the same origin and time."""
        if self._empty:
            return None
        found = self._connection.execute(
            "SELECT id FROM memories WHERE observed_at = :observed_at AND id <= :floor AND text = :text AND "
            "provenance = :provenance AND source IS :source AND speaker IS :speaker AND context = :context LIMIT 1",
            {**row, "floor": self._floor},
        ).fetchone()
        return None if found is None else int(found[0])

    def _insert(self, row: dict[str, Any], fields: Fields) -> int:
        mean, nearest = fields.floats("mean", 2), fields.floats("nearest", 2)
        patches = {len(vectors) for vectors in (mean, nearest) if vectors is not None}
        if len(patches) > 1:
            raise ValueError("'mean' and 'nearest' have different numbers of patches")
        thumbnail = fields.blob("thumbnail") or None
        if thumbnail is not None and not thumbnail.startswith(_JPEG):
            raise ValueError("'thumbnail' is no JPEG")
        thumbnail = thumbnail if self._thumbnails else None
        given_up = fields.is_null("pooled")
        held = HELD[Granularity.M] | (0 if given_up else HELD[Granularity.V_M])
        held |= HELD[Granularity.V_MEAN] if mean is not None else 0
        held |= HELD[Granularity.V_NEAREST] if nearest is not None or thumbnail is not None else 0
        run = self._connection.execute
        try:
            cursor = run(
                f"INSERT INTO memories ({MEMORY_COLUMNS}, held) VALUES "
                f"(:{MEMORY_COLUMNS.replace(', ', ', :')}, {held})",
                row,
            )
        except integrity_errors() as error:
            raise ValueError(f"memory {row['id']} occurs twice") from error
        memory = int(cursor.lastrowid or 0)
        if patches:
            run("INSERT INTO visuals VALUES (?,?,?,?)", (memory, *patches, half_bytes(mean), half_bytes(nearest)))
        if thumbnail is not None:
            run("INSERT INTO thumbnails VALUES (?,?)", (memory, thumbnail))
        if not given_up:
            self._vectors(memory, row["text"], fields)
        write_derived(self._connection, [(memory, row["text"], row["observed_at"])])
        self._edges(memory, row, [Fields(value, _TRIPLET) for value in fields.rows("triplets")])
        return memory

    def _vectors(self, memory: int, text: str, fields: Fields) -> None:
        """v_M as the file has it; made anew when it is missing or another embedder's."""
        pooled, tokens = fields.floats("pooled", 1), fields.codes("tokens")
        fits = tokens is None or tokens[0].shape[1] == DIMENSION
        if pooled is None or not fits or not self._likeness.of_pooled(text, pooled):
            write_vectors(self._connection, memory, self._embed(text))
            self.embedded += 1
            return
        codes, scale = (None, 0.0) if tokens is None else tokens
        rows, blob = (0, None) if codes is None else (len(codes), codes.tobytes())
        data = np.ascontiguousarray(pooled).tobytes()
        self._connection.execute("INSERT INTO vectors VALUES (?,?,?,?,?)", (memory, data, blob, rows, scale))

    def _edges(self, memory: int, row: dict[str, Any], found: list[Fields]) -> None:
        triplets = [
            Triplet(
                f.text("subject"), f.text("predicate"), f.text("object"), f.number("score", 1.0), f.flag("functional")
            )
            for f in found
        ]
        named = self._empty and all("subject_id" in f and "object_id" in f for f in found)
        meant = {} if named else self._entities.resolve(self._connection, triplets, row["category"])
        begins = row["observed_at"] if row["valid_from"] is None else row["valid_from"]
        ends = None if row["superseded_by"] else row["valid_to"]
        for position, (f, t) in enumerate(zip(found, triplets, strict=True)):
            ids: list[int] = []
            texts: list[str | None] = []
            for part, written in (("subject_id", t.subject), ("object_id", t.object)):
                entity, label = self._named(f.whole(part)) if named else (meant[written].id, meant[written].label)
                ids.append(entity)
                texts.append(None if written == label else written)
            since, until = f.micros_or_none("valid_from"), f.micros_or_none("valid_to")
            by = f.whole_or_none("superseded_by", low=1) if t.functional else None
            span = (begins if since is None else since, until if "valid_to" in f else ends, by)
            self._connection.execute(
                "INSERT INTO edges VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (memory, position, ids[0], t.predicate, ids[1], *texts, t.score, fact_key(t), *span),
            )

    def _named(self, entity: int) -> tuple[int, str]:
        row = self._connection.execute("SELECT label FROM entities WHERE id = ?", (entity,)).fetchone()
        if row is None:
            raise ValueError(f"entity {entity} is not in the file")
        return entity, row[0]

    def _gap(self, values: dict[str, Any]) -> None:
        fields = Fields(values, ("source", "start_s", "end_s", "started_at", "ended_at", "reason"))
        gap = (
            *(fields.text("source"), fields.number("start_s"), fields.number("end_s")),
            *(fields.micros("started_at"), fields.micros("ended_at"), fields.text("reason")),
        )
        same = "source = ? AND start_s = ? AND end_s = ? AND started_at = ? AND ended_at = ? AND reason = ?"
        if self._empty or not self._connection.execute(f"SELECT 1 FROM gaps WHERE {same}", gap).fetchone():
            self._connection.execute(
                "INSERT INTO gaps (source, start_s, end_s, started_at, ended_at, reason) VALUES (?,?,?,?,?,?)", gap
            )
            self.gaps += 1


def _observation(value: object) -> Observation:
    fields = Fields(value, _OBSERVATION)
    box = fields.rows("box")
    if box and (len(box) != 4 or not all(type(side) in (int, float) for side in box)):
        raise ValueError("'box' is not four numbers")
    return Observation(
        kind=ObservationKind(fields.text("kind")),
        text=fields.text("text"),
        score=fields.number("score"),
        start_s=fields.number("start_s"),
        end_s=fields.number("end_s"),
        votes=fields.whole("votes", 1),
        box=(box[0], box[1], box[2], box[3]) if box else None,
        speaker=fields.text_or_none("speaker"),
    )
