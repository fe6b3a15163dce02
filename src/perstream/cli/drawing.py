"""The memory graph as a picture: SVG in three columns, categories, memories, entities.

Columns rather than a force layout: labels stay readable, the same graph gives the same picture, and
the cost is linear in nodes and edges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx

ROW, TOP, WIDTH = 26, 56, 1180
COLUMNS: Mapping[str, tuple[int, str, str]] = {
    "category": (20, "#7a5195", "Categories"),
    "memory": (230, "#003f5c", "Memories"),
    "entity": (840, "#ef5675", "People, things, places"),
}
"""Kind of node -> left edge, colour, heading."""
LABEL_CHARS: Mapping[str, int] = {"category": 22, "memory": 74, "entity": 44}
CHAR_PX = 6.4
"""Mean width of a character: edges begin where the label ends."""


@dataclass(frozen=True, slots=True)
class _Spot:
    x: float
    y: float
    kind: str
    label: str
    title: str


def draw_svg(graph: networkx.MultiDiGraph, limit: int = 60) -> str:
    """SVG of the newest ``limit`` memories with their categories and entities."""
    spots = _place(graph, limit)
    height = round(max((spot.y for spot in spots.values()), default=TOP) + ROW)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for x, color, heading in COLUMNS.values():
        parts.append(f'<text x="{x}" y="30" font-size="15" font-weight="600" fill="{color}">{escape(heading)}</text>')
    parts += [_edge(spots[a], spots[b], data) for a, b, data in graph.edges(data=True) if a in spots and b in spots]
    parts += [_node(spot) for spot in spots.values()]
    return "\n".join([*parts, "</svg>"])


def draw_html(graph: networkx.MultiDiGraph, limit: int = 60) -> str:
    """A page of its own around the picture; no script, nothing fetched."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>PerStream memory graph</title>'
        "<style>body{margin:1rem;background:#fff}svg{max-width:100%;height:auto}"
        "svg g:hover text{font-weight:600}</style></head>"
        f"<body>{draw_svg(graph, limit)}</body></html>"
    )


def outline(graph: networkx.MultiDiGraph, limit: int = 60) -> list[str]:
    """The same as text: category, its memories, their triplets."""
    by_category: dict[str, list[Any]] = {}
    for node in _newest(graph, limit):
        for category in graph.predecessors(node):
            if graph.nodes[category]["kind"] == "category":
                by_category.setdefault(graph.nodes[category]["label"], []).append(node)
    triplets: dict[int, list[str]] = {}
    for start, end, data in graph.edges(data=True):
        if data["kind"] == "triplet":
            words = (graph.nodes[start]["label"], data["predicate"], graph.nodes[end]["label"])
            triplets.setdefault(data["memory_id"], []).append(" · ".join(words))
    lines: list[str] = []
    for category in sorted(by_category):
        lines.append(category)
        for node in by_category[category]:
            lines.append(f"  #{node[1]} {graph.nodes[node]['label']}")
            lines += [f"      {triplet}" for triplet in triplets.get(node[1], ())]
    return lines


def _newest(graph: networkx.MultiDiGraph, limit: int) -> list[Any]:
    memories = [node for node, data in graph.nodes(data=True) if data["kind"] == "memory"]
    return sorted(memories, key=lambda node: -int(node[1]))[:limit]


def _place(graph: networkx.MultiDiGraph, limit: int) -> dict[Any, _Spot]:
    """Each memory beside its own entities, each category beside its memories: short edges, few crossings."""
    rows: dict[Any, float] = {}
    row = 0
    held: dict[Any, list[float]] = {}
    for memory in _newest(graph, limit):
        entities = [n for n in graph.successors(memory) if graph.nodes[n]["kind"] == "entity" and n not in rows]
        rows[memory] = row
        rows.update({entity: row + index for index, entity in enumerate(dict.fromkeys(entities))})
        for category in graph.predecessors(memory):
            if graph.nodes[category]["kind"] == "category":
                held.setdefault(category, []).append(row)
        row += max(1, len(set(entities)))
    taken = -1.0
    for category in sorted(held, key=lambda c: sum(held[c]) / len(held[c])):
        taken = rows[category] = max(taken + 1, sum(held[category]) / len(held[category]))
    return {node: _spot(graph.nodes[node], rows[node]) for node in rows}


def _spot(data: Mapping[str, Any], row: float) -> _Spot:
    kind, label = str(data["kind"]), str(data["label"])
    room = LABEL_CHARS[kind]
    shown = label if len(label) <= room else label[: room - 1] + "…"
    return _Spot(COLUMNS[kind][0], TOP + ROW * row, kind, shown, label)


def _node(spot: _Spot) -> str:
    color = COLUMNS[spot.kind][1]
    return (
        f'<g><title>{escape(spot.title)}</title><circle cx="{spot.x + 4}" cy="{spot.y}" r="4" fill="{color}"/>'
        f'<text x="{spot.x + 14}" y="{spot.y + 4}" fill="#1c1c1c">{escape(spot.label)}</text></g>'
    )


def _edge(start: _Spot, end: _Spot, data: Mapping[str, Any]) -> str:
    left, right = (start, end) if start.x <= end.x else (end, start)
    if left.kind == right.kind:
        return ""
    x1 = left.x + 18 + CHAR_PX * len(left.label)
    x2 = right.x - 2
    bend = (x1 + x2) / 2
    title = escape(str(data.get("predicate", "")))
    return (
        f'<path d="M{x1} {left.y} C{bend} {left.y} {bend} {right.y} {x2} {right.y}" fill="none" '
        f'stroke="#b9b9c6" stroke-width="1"><title>{title}</title></path>'
    )
