"""Looking the store over: what does not belong, and putting it right."""

from __future__ import annotations

from dataclasses import dataclass

from perstream.memory.columns import HELD
from perstream.memory.engine import Connection
from perstream.memory.facts import settle
from perstream.memory.forget import delete
from perstream.types import Granularity


@dataclass(frozen=True, slots=True)
class AuditReport:
    """How many of each kind; all zeros and no damage is a clean store."""

    memories: int
    duplicates: int
    """Memories that say the same, of the same source, speaker and time, as an earlier one."""
    orphans: int
    """Entities that no edge needs, and vectors or pictures of memories that are not there."""
    dangling: int
    """Memories that claim a part they do not have, or have one they do not claim."""
    stale: int
    """Memories whose validity does not follow from what was stated later."""
    unsupported: int
    """Edges whose memory or entity is not there."""
    damage: tuple[str, ...]
    """What SQLite's own integrity check says; only a backup mends this."""
    fixed: bool

    @property
    def clean(self) -> bool:
        """Is nothing wrong?"""
        return not (self.damage or self.duplicates or self.orphans or self.dangling or self.stale or self.unsupported)


_PARTS = {
    Granularity.V_M: "EXISTS (SELECT 1 FROM vectors v WHERE v.memory_id = memories.id)",
    Granularity.V_MEAN: "EXISTS (SELECT 1 FROM visuals v WHERE v.memory_id = memories.id AND v.mean IS NOT NULL)",
    Granularity.V_NEAREST: (
        "(EXISTS (SELECT 1 FROM visuals v WHERE v.memory_id = memories.id AND v.nearest IS NOT NULL) "
        "OR EXISTS (SELECT 1 FROM thumbnails t WHERE t.memory_id = memories.id))"
    ),
}
_HELD = f"({HELD[Granularity.M]} + " + " + ".join(f"{HELD[part]} * {has}" for part, has in _PARTS.items()) + ")"


# Temporary tables go before those of the store, so that the audit's own statements mend the shadows.
_SHADOWS = (
    "CREATE TEMP TABLE memories AS SELECT id, text, provenance, source, speaker, context, observed_at, valid_to, "
    "superseded_by, held FROM main.memories",
    "CREATE UNIQUE INDEX temp.shadow_memory ON memories(id)",
    "CREATE INDEX temp.shadow_replaced ON memories(superseded_by) WHERE superseded_by IS NOT NULL",
    "CREATE TEMP TABLE entities AS SELECT id, label, normalized, category, NULL AS embedding FROM main.entities",
    "CREATE UNIQUE INDEX temp.shadow_entity ON entities(id)",
    "CREATE TEMP TABLE edges AS SELECT * FROM main.edges",
    "CREATE INDEX temp.shadow_edge ON edges(memory_id, position)",
    "CREATE INDEX temp.shadow_subject ON edges(subject)",
    "CREATE INDEX temp.shadow_object ON edges(object)",
    "CREATE INDEX temp.shadow_fact ON edges(fact) WHERE fact IS NOT NULL",
    "CREATE INDEX temp.shadow_ended ON edges(superseded_by) WHERE superseded_by IS NOT NULL",
    "CREATE TEMP TABLE vectors (memory_id INTEGER PRIMARY KEY)",
    "INSERT INTO vectors SELECT memory_id FROM main.vectors",
    "CREATE TEMP TABLE visuals (memory_id INTEGER PRIMARY KEY, mean, nearest)",
    "INSERT INTO visuals SELECT memory_id, CASE WHEN mean IS NOT NULL THEN 1 END, CASE WHEN nearest IS NOT NULL THEN 1 END "
    "FROM main.visuals",
    "CREATE TEMP TABLE thumbnails (memory_id INTEGER PRIMARY KEY)",
    "INSERT INTO thumbnails SELECT memory_id FROM main.thumbnails",
    "CREATE TEMP TABLE derived (memory_id INTEGER PRIMARY KEY)",
    "INSERT INTO derived SELECT memory_id FROM main.derived",
    "CREATE TEMP TABLE marks AS SELECT * FROM main.marks",
)


def look(connection: Connection) -> AuditReport:
    """Count alone, on a reading connection of one's own: what would be mended is mended in shadows of the tables.

    They hold the words of all memories and the graph in RAM, no vectors and no pictures.
    """
    for statement in _SHADOWS:
        connection.execute(statement)
    return audit(connection, fixed=False)


def audit(connection: Connection, fixed: bool) -> AuditReport:
    """Count and mend, inside the caller's transaction (``fixed``), or in shadows that come to nothing."""
    damage = [row[0] for row in connection.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
    unsupported = connection.execute(
        "DELETE FROM edges WHERE memory_id NOT IN (SELECT id FROM memories) "
        "OR subject NOT IN (SELECT id FROM entities) OR object NOT IN (SELECT id FROM entities)"
    ).rowcount
    orphans = sum(
        connection.execute(f"DELETE FROM {table} WHERE memory_id NOT IN (SELECT id FROM memories)").rowcount
        for table in ("vectors", "visuals", "thumbnails", "derived")
    )
    orphans += connection.execute(
        "DELETE FROM entities WHERE id NOT IN (SELECT subject FROM edges) AND id NOT IN (SELECT object FROM edges)"
    ).rowcount
    dangling = connection.execute(f"UPDATE memories SET held = {_HELD} WHERE held <> {_HELD}").rowcount
    repeated = [
        memory
        for (memory,) in connection.execute(
            "SELECT id FROM (SELECT id, row_number() OVER "
            "(PARTITION BY text, provenance, source, speaker, context, observed_at ORDER BY id) AS place FROM memories) "
            "WHERE place > 1"
        )
    ]
    delete(connection, repeated)
    keys = [key for (key,) in connection.execute("SELECT DISTINCT fact FROM edges WHERE fact IS NOT NULL")]
    stale = len(settle(connection, keys))
    stale += connection.execute(
        "UPDATE memories SET superseded_by = NULL, valid_to = NULL WHERE superseded_by IS NOT NULL "
        "AND superseded_by NOT IN (SELECT id FROM memories)"
    ).rowcount
    return AuditReport(
        memories=int(connection.execute("SELECT count(*) FROM memories").fetchone()[0]),
        duplicates=len(repeated),
        orphans=orphans,
        dangling=dangling,
        stale=stale,
        unsupported=unsupported,
        damage=tuple(damage),
        fixed=fixed,
    )
