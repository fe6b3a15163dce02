"""Forgetting on request: every trace of the chosen memories leaves every file of the store.

Rows are deleted with ``secure_delete`` (freed bytes become zeros), then the database is rebuilt
(VACUUM: pages that b-tree moves left half used vanish too) and the log is emptied. The program's own
backups are treated alike. A note in the transaction of the deletion says that this second step is
due, so that a crash between the two only delays it to the next opening.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from perstream.errors import StoreError
from perstream.memory.columns import chunks, load_observations, marks, normalize, to_micros, to_micros_or_none
from perstream.memory.due import Due, done
from perstream.memory.engine import Connection
from perstream.memory.facts import keys_of, settle
from perstream.memory.imported import forget_imports
from perstream.origins import folder_of
from perstream.types import Selector


def chosen(connection: Connection, selector: Selector) -> list[int]:
    """Ids of the memories for which every condition of the selector holds; none for an empty one.

    ``text`` also looks at what the caption was made from (context, observations). ``entity`` takes
    memories with such an entity and those whose words name it, since both would keep the name.
    """
    if not is_set(selector):
        return []
    where: list[str] = ["1"]
    values: list[object] = []
    if selector.ids:
        where.append("id IN (SELECT value FROM json_each(?))")
        values.append("[" + ",".join(str(int(memory)) for memory in selector.ids) + "]")
    if selector.source is not None:
        # What was imported from a folder has sources of its own, one for each file.
        inside = folder_of(selector.source)
        where.append("(source = ? OR substr(source, 1, ?) = ?)")
        values += [selector.source, len(inside or ""), inside]
    if selector.since is not None:
        where.append("ended_at >= ?")
        values.append(to_micros(selector.since))
    if selector.until is not None:
        where.append("observed_at <= ?")
        values.append(to_micros(selector.until))
    rows = connection.execute(
        f"SELECT id, text, context, observations, speaker FROM memories WHERE {' AND '.join(where)} ORDER BY id", values
    )
    named = _with_entity(connection, selector.entity)
    return [
        memory
        for memory, text, context, observations, speaker in rows
        if _says(selector.text, text, context, observations)
        and (
            selector.entity is None or memory in named or _names(selector.entity, text, context, speaker, observations)
        )
    ]


def is_set(selector: Selector) -> bool:
    """Does the selector say what to forget? Never when a text or entity is blank: that is somebody's mistake."""
    if any(words is not None and not words.strip() for words in (selector.text, selector.entity)):
        return False
    return bool(
        selector.ids
        or selector.text is not None
        or selector.entity is not None
        or selector.source is not None
        or selector.since is not None
        or selector.until is not None
    )


def is_span(selector: Selector) -> bool:
    """Is it only a source or a time, so that gaps are meant as well as memories?"""
    return is_set(selector) and not selector.ids and selector.text is None and selector.entity is None


def measure(connection: Connection, ids: Sequence[int]) -> int:
    """Bytes of text, vectors and pictures that these memories hold."""
    total = 0
    for piece in chunks(ids):
        inside = f"IN ({marks(piece)})"
        for sql in (
            "SELECT total(length(CAST(text AS BLOB)) + length(CAST(context AS BLOB)) + "
            f"length(CAST(observations AS BLOB))) FROM memories WHERE id {inside}",
            f"SELECT total(length(CAST(terms AS BLOB)) + length(times)) FROM derived WHERE memory_id {inside}",
            f"SELECT total(length(pooled) + coalesce(length(tokens), 0)) FROM vectors WHERE memory_id {inside}",
            "SELECT total(coalesce(length(mean), 0) + coalesce(length(nearest), 0)) FROM visuals "
            f"WHERE memory_id {inside}",
            f"SELECT total(length(jpeg)) FROM thumbnails WHERE memory_id {inside}",
        ):
            total += int(connection.execute(sql, piece).fetchone()[0])
    return total


def delete(connection: Connection, ids: Sequence[int]) -> tuple[int, int, set[int]]:
    """Delete memories with all that hangs on them, inside the caller's transaction.

    Returns the entities and edges deleted, and the remaining memories whose validity changed: what a
    deleted fact had superseded holds again.
    """
    keys: set[str] = set()
    touched: set[int] = set()
    edges = 0
    for piece in chunks(ids):
        keys |= keys_of(connection, piece)
        inside = f"IN ({marks(piece)})"
        touched.update(
            entity
            for row in connection.execute(f"SELECT subject, object FROM edges WHERE memory_id {inside}", piece)
            for entity in row
        )
        edges += connection.execute(f"DELETE FROM edges WHERE memory_id {inside}", piece).rowcount
        # -1 matches no memory: settling finds these changed and opens them again.
        connection.execute(f"UPDATE edges SET superseded_by = -1 WHERE superseded_by {inside}", piece)
        connection.execute(
            f"UPDATE memories SET superseded_by = NULL, valid_to = NULL WHERE superseded_by {inside}", piece
        )
        connection.execute(f"DELETE FROM memories WHERE id {inside}", piece)
        forget_imports(connection, piece)
    entities = drop_unsupported(connection, touched)
    return entities, edges, settle(connection, keys)


_LABEL_IS_WRITTEN = (
    "SELECT EXISTS (SELECT 1 FROM edges WHERE subject = ?1 AND subject_text IS NULL) "
    "OR EXISTS (SELECT 1 FROM edges WHERE object = ?1 AND object_text IS NULL)"
)


def drop_unsupported(connection: Connection, touched: set[int]) -> int:
    """Delete the entities among these that no edge needs; rename those whose label nobody else wrote.

    Two labels merged into one entity: when the memory that gave the label is gone, the label goes too.
    """
    dropped = 0
    for entity in sorted(touched):
        # A thing that much is said about has its own label in one of the first edges: no need to see them all.
        if connection.execute(_LABEL_IS_WRITTEN, (entity,)).fetchone()[0]:
            continue
        written = connection.execute(
            "SELECT subject_text FROM edges WHERE subject = ?1 UNION SELECT object_text FROM edges WHERE object = ?1",
            (entity,),
        ).fetchall()
        if written:
            _rename(connection, entity, min(label for (label,) in written))
        else:
            dropped += connection.execute("DELETE FROM entities WHERE id = ?", (entity,)).rowcount
    return dropped


def _rename(connection: Connection, entity: int, label: str) -> None:
    """The label becomes one that is still written somewhere; its embedding is made anew when it is next needed."""
    old = connection.execute("SELECT normalized FROM entities WHERE id = ?", (entity,)).fetchone()[0]
    twin = connection.execute(
        "SELECT o.id FROM entities e JOIN entities o ON o.category = e.category AND o.normalized = ? AND o.id <> e.id "
        "WHERE e.id = ?",
        (normalize(label), entity),
    ).fetchone()
    if twin is not None:
        connection.execute("UPDATE edges SET subject = ? WHERE subject = ?", (twin[0], entity))
        connection.execute("UPDATE edges SET object = ? WHERE object = ?", (twin[0], entity))
        connection.execute("DELETE FROM entities WHERE id = ?", (entity,))
        return
    if normalize(label) == old:
        connection.execute("UPDATE entities SET label = ? WHERE id = ?", (label, entity))
    else:
        connection.execute(
            "UPDATE entities SET label = ?, normalized = ?, embedding = NULL WHERE id = ?",
            (label, normalize(label), entity),
        )
    connection.execute("UPDATE edges SET subject_text = NULL WHERE subject = ? AND subject_text = ?", (entity, label))
    connection.execute("UPDATE edges SET object_text = NULL WHERE object = ? AND object_text = ?", (entity, label))


def delete_gaps(connection: Connection, selector: Selector) -> int:
    """A span or a source that is forgotten leaves no gap on the timeline either; returns how many went."""
    if not is_span(selector):
        return 0
    return connection.execute(
        "DELETE FROM gaps WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR ended_at >= ?2) "
        "AND (?3 IS NULL OR started_at <= ?3)",
        (selector.source, to_micros_or_none(selector.since), to_micros_or_none(selector.until)),
    ).rowcount


def scrub(connection: Connection) -> None:
    """Rebuild the file, strike out what was due and empty the log. The connection is in no transaction.

    Raises StoreError when another program reads the store just now and so holds on to the log.
    """
    connection.execute("VACUUM")
    strike(connection)


def strike(connection: Connection) -> None:
    """Strike out what was due and empty the log. Raises StoreError as :func:`scrub` does."""
    note = Due.noted(connection)
    done(connection)
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if note is not None:
            Due(note.times, ()).note(connection)
        raise StoreError("forgotten, but another program still reads the old log: close it and forget once more")


def _with_entity(connection: Connection, label: str | None) -> set[int]:
    if label is None:
        return set()
    wanted = normalize(label)
    rows = connection.execute(
        "SELECT e.memory_id, s.normalized, o.normalized, e.subject_text, e.object_text FROM edges e "
        "JOIN entities s ON s.id = e.subject JOIN entities o ON o.id = e.object"
    )
    return {
        memory
        for memory, subject, obj, *written in rows
        if wanted in (subject, obj) or any(text is not None and normalize(text) == wanted for text in written)
    }


def _says(wanted: str | None, text: str, context: str, observations: str) -> bool:
    if wanted is None:
        return True
    needle = wanted.casefold()
    return any(needle in words.casefold() for words in (text, context, *_observed(observations)))


def _names(label: str, text: str, context: str, speaker: str | None, observations: str) -> bool:
    wanted = re.compile(rf"(?<!\w){re.escape(normalize(label))}(?!\w)")
    return any(wanted.search(normalize(words)) for words in (text, context, speaker or "", *_observed(observations)))


def _observed(observations: str) -> list[str]:
    return [words for o in load_observations(observations) for words in (o.text, o.speaker or "")]
