"""From the API's JSON back to the values of the house: the client's half of jsonlines.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from perstream.errors import (
    BackendError,
    BackendUnavailable,
    BadOutput,
    ConfigError,
    NotFound,
    PerStreamError,
    SourceError,
    StoreBusy,
    StoreError,
)
from perstream.events import (
    AlertRaised,
    Done,
    ErrorRaised,
    Event,
    Forgotten,
    FrameDropped,
    GapRecorded,
    GateDecided,
    KeyframeKept,
    MemoryStored,
    Paused,
    ProactiveSaid,
    Redacted,
)
from perstream.jsonlines import Json
from perstream.types import Hit, MemoryRecord

if TYPE_CHECKING:
    import networkx

T = TypeVar("T")
ERRORS: dict[str, type[PerStreamError]] = {
    kind.__name__: kind
    for kind in (
        ConfigError,
        SourceError,
        BackendError,
        BackendUnavailable,
        BadOutput,
        StoreError,
        StoreBusy,
        NotFound,
    )
}
EVENTS: dict[str, type[Event]] = {
    kind.event: kind
    for kind in (
        AlertRaised,
        Redacted,
        Forgotten,
        FrameDropped,
        KeyframeKept,
        GateDecided,
        MemoryStored,
        ProactiveSaid,
        GapRecorded,
        Paused,
        ErrorRaised,
        Done,
    )
}
_OF_STATUS = {
    **dict.fromkeys((400, 401, 403, 413, 422), ConfigError),
    **dict.fromkeys((408, 429, 503), BackendUnavailable),
    404: NotFound,
}


def value_of(data: Any, kind: type[T]) -> T:
    """``data`` as one of the frozen dataclasses. BadOutput when it is none."""
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, OverflowError) as error:
        raise BadOutput(
            f"the daemon answered with something else than {kind.__name__}: is it another version?"
        ) from error


def event_from_json(data: Json) -> Event | None:
    """An event, or None when it is of a kind that this version does not know."""
    kind = EVENTS.get(str(data.get("event")))
    return None if kind is None else value_of(data, kind)


def memory_from_json(data: Json) -> MemoryRecord:
    """A memory as memory_to_json wrote it; what that leaves out is empty."""
    return value_of(
        {**data, "id": data.get("memory_id"), "text": data.get("caption"), "observations": ()}, MemoryRecord
    )


def hit_from_json(data: Json) -> Hit:
    """A hit as hit_to_json wrote it; its memory holds what the evidence says."""
    memory = memory_from_json(
        {
            **data,
            "ended_at": data.get("observed_at"),
            "category": "",
            "speaker": None,
            "triplets": (),
            "pinned": False,
            "granularities": (),
        }
    )
    if memory.start_s is not None and memory.end_s is not None:
        length = timedelta(seconds=memory.end_s - memory.start_s)
        memory = replace(memory, ended_at=memory.observed_at + length)
    return Hit(memory, data.get("score", 0.0), data.get("score_parts", {}), tuple(data.get("path", ())))


def graph_from_json(data: Json) -> networkx.MultiDiGraph:
    """The memory graph with its nodes as (kind, key), as the memory makes it."""
    import networkx

    graph = networkx.MultiDiGraph()
    for node in data["nodes"]:
        graph.add_node(_node(node["node"]), **{key: part for key, part in node.items() if key != "node"})
    for edge in data["edges"]:
        attributes = {key: part for key, part in edge.items() if key not in ("from", "to")}
        graph.add_edge(_node(edge["from"]), _node(edge["to"]), **attributes)
    return graph


def error_from_json(status: int, data: Any) -> PerStreamError:
    """The error that a problem stands for."""
    data = data if isinstance(data, dict) else {}
    kind = str(data.get("type", "")).rpartition(":")[2]
    detail = str(data.get("detail") or f"the daemon answered with status {status}")
    return ERRORS.get(kind, _OF_STATUS.get(status, PerStreamError))(detail)


def _node(name: str) -> tuple[str, int | str]:
    kind, _, key = name.partition(":")
    return kind, int(key) if key.isdecimal() else key
