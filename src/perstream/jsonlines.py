"""The stable JSON of events, replies, hits and memories: one object per line."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from perstream.events import Event
from perstream.types import Evidence, Hit, MemoryRecord, Reply

Json = dict[str, Any]
_STEERS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control, line and direction characters that JSON lets stand; in valid JSON they only occur inside strings."""


def event_to_json(event: Event) -> Json:
    """{"event", "at", "source", "pts_s", …}: events of ``watch --json`` and /v1/events."""
    return {"event": event.event, **plain(event)}


def evidence_to_json(evidence: Evidence) -> Json:
    """The evidence object of replies and hits."""
    return dict(plain(evidence))


def reply_to_json(reply: Reply) -> Json:
    """{"question", "answer", "abstained", "evidence", "timings_ms"}."""
    return dict(plain(reply))


def evidence_of(record: MemoryRecord, score: float) -> Evidence:
    """The evidence that a stored memory is."""
    return Evidence(
        memory_id=record.id,
        caption=record.text,
        provenance=record.provenance,
        source=record.source,
        start_s=record.start_s,
        end_s=record.end_s,
        observed_at=record.observed_at,
        score=score,
    )


def hit_to_json(hit: Hit) -> Json:
    """Evidence object plus "score_parts" and "path"."""
    return {
        **evidence_to_json(evidence_of(hit.memory, hit.score)),
        "score_parts": plain(dict(hit.score_parts)),
        "path": list(hit.path),
    }


def memory_to_json(record: MemoryRecord, entities: tuple[str, ...] = ()) -> Json:
    """Evidence object plus category, entities, triplets, pinned and granularities held.

    "redacted" says what was left out of it just now, where something was.
    """
    return {
        **evidence_to_json(evidence_of(record, record.score)),
        "ended_at": plain(record.ended_at),
        "speaker": record.speaker,
        "category": record.category,
        "entities": list(entities),
        "triplets": plain(record.triplets),
        "pinned": record.pinned,
        "granularities": plain(record.granularities),
        "valid_from": plain(record.valid_from),
        "valid_to": plain(record.valid_to),
        "superseded_by": record.superseded_by,
        **({"redacted": dict(record.redacted)} if record.redacted else {}),
    }


def dump_line(value: Json) -> str:
    """One line of JSON, no line breaks inside, and nothing that a terminal would obey: that is written as ``\\u009b``."""
    line = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def plain(value: Any) -> Any:
    """Dataclasses, enums and datetimes as plain JSON values; floats rounded to 4 places."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return round(value, 4)
    return value
