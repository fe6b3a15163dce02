"""Questions about what was, and is no more: "What was my dentist appointment before?"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from perstream.types import Hit
from perstream.when import spans

_BEFORE = re.compile(
    r"\b(?:previous|previously|prior|former|formerly|original|originally|initially|used? to|at first|back then)\b"
    r"|\b(?:before|earlier)(?:\s+(?:that|this|now|then|(?:it|that|this)\s+(?:was\s+)?(?:changed|moved)))?\s*[?.!]*\s*$"
    r"|\b(?:my|our|the|his|her|their|whose|\w+['’]s)\s+old\b",
    re.I,
)


def asks_before(question: str) -> bool:
    """Is it about what held before what holds now?"""
    return bool(_BEFORE.search(question))


def looks_back(question: str, now: datetime) -> bool:
    """May the answer be something that a newer statement replaced? Also where it names a time that is over."""
    return asks_before(question) or any(when.until <= now for when in spans(question, now))


def replaced(hits: Sequence[Hit]) -> list[Hit]:
    """Without what stands now in the place of another one found; all of them where nothing was replaced."""
    successors = {hit.memory.superseded_by for hit in hits} - {None}
    return [hit for hit in hits if hit.memory.superseded_by is not None or hit.memory.id not in successors]
