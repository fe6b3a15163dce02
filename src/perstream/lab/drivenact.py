"""Reader of the dataset record: memories of a person, a moment, a question or a proactive word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perstream.errors import ConfigError

SILENCE = "</silence>"
RESPONSE = "</response>"
_REFERENCE = re.compile(r"M([12])\.(\d+)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One record."""

    participant: int
    video: str
    timestamp_s: float
    caption: str
    split: str
    usual: tuple[str, ...]
    """type_1_memories: traits and habits."""
    events: tuple[str, ...]
    """type_2_memories: things that happened."""
    passive: bool
    question: str
    """Empty for a proactive sample."""
    answer: str
    """As written; SILENCE means that nothing should be said."""
    golds: frozenset[str]
    """The memories that the reference names."""
    on_view: bool = False
    """The reference names the video, too."""

    @property
    def memories(self) -> tuple[str, ...]:
        """All of the sample's memories."""
        return (*self.usual, *self.events)


def is_samples(data: Any) -> bool:
    """Does this JSON value look like a list of such records?"""
    return (
        isinstance(data, list)
        and bool(data)
        and isinstance(data[0], dict)
        and {"type", "type_1_memories"} <= data[0].keys()
    )


def read_samples(data: Sequence[Mapping[str, Any]]) -> tuple[Sample, ...]:
    """Samples of the parsed JSON. Raises ConfigError with the place of what is wrong."""
    out = []
    for i, item in enumerate(data):
        try:
            out.append(_sample(item))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"record {i} of the dataset cannot be used: {type(error).__name__} {error}") from error
    return tuple(out)


def _sample(item: Mapping[str, Any]) -> Sample:
    usual = tuple(_texts(item["type_1_memories"]))
    events = tuple(_texts(item.get("type_2_memories") or ()))
    golds = set()
    for kind, number in _REFERENCE.findall(" ".join(str(r) for r in item.get("reference") or ())):
        memories = usual if kind == "1" else events
        if 1 <= int(number) <= len(memories):
            golds.add(memories[int(number) - 1])
    return Sample(
        participant=int(item.get("participant_id", 0)),
        video=str(item.get("video_id", "")),
        timestamp_s=float(item.get("timestamp") or 0.0),
        caption=str(item.get("caption") or ""),
        split=str(item.get("split") or ""),
        usual=usual,
        events=events,
        passive=item["type"] == "passive",
        question=str(item.get("question") or ""),
        answer=str(item.get("answer") or ""),
        golds=frozenset(golds),
        on_view="(V)" in [str(r).strip() for r in item.get("reference") or ()],
    )


def _texts(values: Sequence[Any]) -> list[str]:
    if isinstance(values, str):
        raise TypeError("memories must be a list of texts")
    return [str(value).strip() for value in values if str(value).strip()]
