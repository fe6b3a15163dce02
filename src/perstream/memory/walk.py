"""Walking the graph: what lies around one node, a page at a time; never the whole."""

from __future__ import annotations

from datetime import datetime

from perstream.errors import NotFound
from perstream.memory.columns import to_datetime, to_micros_or_none
from perstream.memory.engine import Connection
from perstream.memory.store import Store
from perstream.memory.surroundings import Place, Surroundings

Span = tuple[int | None, int | None]
WITHIN = "(?1 IS NULL OR m.observed_at >= ?1) AND (?2 IS NULL OR m.observed_at <= ?2)"
MENTIONING = "SELECT DISTINCT memory_id FROM edges WHERE subject = ?3 OR object = ?3"


class Walk:
    """Reads only; from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def around(
        self,
        node: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 30,
        offset: int = 0,
    ) -> Surroundings:
        """What lies around ``node`` ("" is the root), of memories within the span only. NotFound."""
        kind, _, key = node.partition(":")
        span = (to_micros_or_none(since), to_micros_or_none(until))
        with self._store.reading() as connection:
            if not node:
                here, places = None, _categories(connection, span)
            elif kind == "category":
                return _category(connection, key, span, limit, offset)
            elif kind == "memory" and key.isdecimal():
                here, places = _memory(connection, int(key))
            elif kind == "entity" and key.isdecimal():
                return _entity(connection, int(key), span, limit, offset)
            else:
                raise NotFound(f"there is no node {node[:60]} in the graph")
        return Surroundings(here, places[offset : offset + limit], len(places))


def _categories(connection: Connection, span: Span) -> tuple[Place, ...]:
    rows = connection.execute(
        f"SELECT category, count(*) FROM memories m WHERE {WITHIN} GROUP BY category ORDER BY 2 DESC, 1", span
    )
    return tuple(Place(f"category:{key}", "category", key.replace("_", " "), "holds", n) for key, n in rows)


def _category(connection: Connection, key: str, span: Span, limit: int, offset: int) -> Surroundings:
    where = f"m.category = ?3 AND {WITHIN}"
    (total,) = connection.execute(f"SELECT count(*) FROM memories m WHERE {where}", (*span, key)).fetchone()
    here = Place(f"category:{key}", "category", key.replace("_", " "), "", total)
    return Surroundings(here, _memories(connection, where, (*span, key), "holds", limit, offset), total)


def _memory(connection: Connection, key: int) -> tuple[Place, tuple[Place, ...]]:
    row = connection.execute(
        "SELECT text, category, observed_at, superseded_by FROM memories WHERE id = ?", (key,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no memory {key}")
    text, category, at, by = row
    places = [Place(f"category:{category}", "category", category.replace("_", " "), "about")]
    if by is not None:
        places += _memories(connection, "m.id = ?1", (by,), "replaced by", 1, 0)
    places += _memories(connection, "m.superseded_by = ?1", (key,), "replaced", 20, 0)
    found = connection.execute(
        "SELECT id, label FROM entities WHERE id IN (SELECT subject FROM edges WHERE memory_id = ?1 "
        "UNION SELECT object FROM edges WHERE memory_id = ?1) ORDER BY id",
        (key,),
    ).fetchall()
    for entity, label in found:
        (count,) = connection.execute(f"SELECT count(*) FROM ({MENTIONING})", (None, None, entity)).fetchone()
        places.append(Place(f"entity:{entity}", "entity", label, "mentions", count))
    return Place(f"memory:{key}", "memory", text, "", 0, to_datetime(at)), tuple(places)


def _entity(connection: Connection, key: int, span: Span, limit: int, offset: int) -> Surroundings:
    row = connection.execute("SELECT label FROM entities WHERE id = ?", (key,)).fetchone()
    if row is None:
        raise NotFound(f"there is no entity {key}")
    where = f"m.id IN ({MENTIONING}) AND {WITHIN}"
    (memories,) = connection.execute(f"SELECT count(*) FROM memories m WHERE {where}", (*span, key)).fetchone()
    # Things it is tied to stand first; they are shown on the first page only.
    tied = connection.execute(
        "SELECT e.id, e.label, min(t.predicate), count(DISTINCT t.memory_id) FROM ("
        "SELECT object AS other, predicate, memory_id FROM edges WHERE subject = ?3 UNION ALL "
        "SELECT subject, predicate, memory_id FROM edges WHERE object = ?3) t "
        "JOIN entities e ON e.id = t.other JOIN memories m ON m.id = t.memory_id "
        f"WHERE e.id != ?3 AND {WITHIN} GROUP BY e.id ORDER BY 4 DESC, e.id LIMIT ?4",
        (*span, key, limit // 2),
    )
    others = tuple(Place(f"entity:{i}", "entity", label, via, n) for i, label, via, n in tied) if not offset else ()
    here = Place(f"entity:{key}", "entity", row[0], "", memories)
    return Surroundings(here, others + _memories(connection, where, (*span, key), "mentions", limit, offset), memories)


def _memories(
    connection: Connection, where: str, given: tuple[object, ...], via: str, limit: int, offset: int
) -> tuple[Place, ...]:
    rows = connection.execute(
        f"SELECT m.id, m.text, m.observed_at FROM memories m WHERE {where} "
        f"ORDER BY m.observed_at DESC, m.id DESC LIMIT {int(limit)} OFFSET {int(offset)}",
        given,
    )
    return tuple(Place(f"memory:{i}", "memory", text, via, 0, to_datetime(at)) for i, text, at in rows)
