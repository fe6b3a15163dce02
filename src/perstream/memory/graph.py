"""The personal memory graph as a networkx graph: categories above, memories and entities below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perstream.categories import CATEGORIES
from perstream.memory.columns import to_datetime, to_datetime_or_none
from perstream.memory.engine import Connection

if TYPE_CHECKING:
    import networkx


def build(connection: Connection) -> networkx.MultiDiGraph[Any]:
    """All of it, as of now (a copy).

    Nodes: ("group", name), ("category", key), ("memory", id), ("entity", id), each with ``kind`` and
    ``label``. Edges, by ``kind``: ``holds`` group → category → memory, ``mentions`` memory → entity,
    ``triplet`` entity → entity with ``predicate``, ``memory_id``, ``score``, ``valid_from`` and
    ``valid_to`` (None while it holds), ``supersedes`` memory → memory.
    """
    import networkx

    graph = networkx.MultiDiGraph()
    used = {key for (key,) in connection.execute("SELECT DISTINCT category FROM memories")}
    known = {category.key: category.group for category in CATEGORIES}
    for key in sorted(used):
        group = known.get(key, "other")
        graph.add_node(("group", group), kind="group", label=group)
        graph.add_node(("category", key), kind="category", label=key)
        graph.add_edge(("group", group), ("category", key), kind="holds")
    for memory, text, category, provenance, observed, valid_to, by in connection.execute(
        "SELECT id, text, category, provenance, observed_at, valid_to, superseded_by FROM memories ORDER BY id"
    ):
        graph.add_node(
            ("memory", memory),
            kind="memory",
            label=text,
            provenance=provenance,
            observed_at=to_datetime(observed),
            valid_to=to_datetime_or_none(valid_to),
        )
        graph.add_edge(("category", category), ("memory", memory), kind="holds")
        if by is not None:
            graph.add_edge(("memory", by), ("memory", memory), kind="supersedes")
    for entity, label, category in connection.execute("SELECT id, label, category FROM entities ORDER BY id"):
        graph.add_node(("entity", entity), kind="entity", label=label, category=category)
    for memory, subject, predicate, obj, score, begins, ends in connection.execute(
        "SELECT memory_id, subject, predicate, object, score, valid_from, valid_to FROM edges "
        "ORDER BY memory_id, position"
    ):
        graph.add_edge(
            ("entity", subject),
            ("entity", obj),
            kind="triplet",
            predicate=predicate,
            memory_id=memory,
            score=score,
            valid_from=to_datetime(begins),
            valid_to=to_datetime_or_none(ends),
        )
        for entity in dict.fromkeys((subject, obj)):
            if not graph.has_edge(("memory", memory), ("entity", entity)):
                graph.add_edge(("memory", memory), ("entity", entity), kind="mentions")
    return graph
