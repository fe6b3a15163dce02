"""What the API gives: JSON of anything the house returns."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.responses import JSONResponse

from perstream.jsonlines import Json, plain


class JsonReply(JSONResponse):
    """JSON with everything that :func:`plain` knows, and without NaN, which JSON does not have."""

    def render(self, content: Any) -> bytes:
        """Bytes of the body."""
        return dump(content).encode("utf-8")


def dump(content: Any) -> str:
    """One line of JSON."""
    return json.dumps(_sound(plain(content)), ensure_ascii=False, separators=(",", ":"))


def graph_to_json(graph: Any) -> Json:
    """{"nodes": [{"node", "kind", "label", …}], "edges": [{"from", "to", "kind", …}]}; a node is ``kind:key``."""
    return {
        "nodes": [{"node": _name(node), **data} for node, data in graph.nodes(data=True)],
        "edges": [{"from": _name(a), "to": _name(b), **data} for a, b, data in graph.edges(data=True)],
    }


def _name(node: Any) -> str:
    return ":".join(map(str, node)) if isinstance(node, tuple) else str(node)


def _sound(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sound(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_sound(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        # A lone surrogate (a broken file name, for example) is no Unicode text.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return value
