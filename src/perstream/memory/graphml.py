"""The memory graph as GraphML, for Gephi, yEd, Cytoscape and the like, and back."""

from __future__ import annotations

import re
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from perstream.errors import StoreError

if TYPE_CHECKING:
    import networkx

_TIMES = frozenset({"observed_at", "valid_from", "valid_to"})
_OPTIONAL = {"memory": ("valid_to",), "triplet": ("valid_to",)}
"""Attributes by kind that may be None: GraphML leaves them out."""
_NUMBERED = frozenset({"memory", "entity"})
_FORBIDDEN = re.compile("[^\\t\\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Characters that XML 1.0 cannot hold; and the carriage return, which XML readers turn into a line feed."""


def write(graph: networkx.MultiDiGraph[Any], out: IO[bytes]) -> None:
    """Write :meth:`perstream.memory.memory.Memory.graph` to an open file.

    Nodes are called ``kind:name``; times are ISO texts; what is None is left out; characters that XML
    cannot hold become U+FFFD.
    """
    import networkx

    flat: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph()
    for node, data in graph.nodes(data=True):
        flat.add_node(_name(node), **_flat(data))
    for number, (start, end, data) in enumerate(graph.edges(data=True)):
        # The key becomes the edge's id, which must be unique in the file.
        flat.add_edge(_name(start), _name(end), key=f"e{number}", **_flat(data))
    networkx.write_graphml_xml(flat, out, prettyprint=False)


def read(file: IO[bytes]) -> networkx.MultiDiGraph[Any]:
    """The graph that :func:`write` wrote, with the same nodes and attributes. Raises StoreError."""
    import networkx

    graph: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph()
    try:
        flat = networkx.read_graphml(file, force_multigraph=True)
        for node, data in flat.nodes(data=True):
            graph.add_node(_node(node), **_full(data))
        for start, end, data in flat.edges(data=True):
            graph.add_edge(_node(start), _node(end), **_full(data))
    except (SyntaxError, ValueError, KeyError, networkx.NetworkXError) as error:  # the parser's is a SyntaxError
        raise StoreError(f"this is no GraphML of a PerStream memory ({error})") from error
    return graph


def _name(node: tuple[str, object]) -> str:
    return _clean(f"{node[0]}:{node[1]}")


def _node(name: str) -> tuple[str, object]:
    kind, _, rest = name.partition(":")
    return kind, int(rest) if kind in _NUMBERED else rest


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    """Attributes of the kinds GraphML has: text, whole and other numbers."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else _clean(value) if isinstance(value, str) else value
        for name, value in data.items()
        if value is not None
    }


def _full(data: dict[str, Any]) -> dict[str, Any]:
    kind = data["kind"]
    read = {name: datetime.fromisoformat(value) if name in _TIMES else value for name, value in data.items()}
    # An empty text is written as an element without content, which the reader leaves out.
    texts = ("predicate",) if kind == "triplet" else ("label", "category") if kind == "entity" else ("label",)
    if kind not in ("holds", "mentions", "supersedes"):
        read |= {name: "" for name in texts if name not in read}
    return read | {name: None for name in _OPTIONAL.get(kind, ()) if name not in read}
