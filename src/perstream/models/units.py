"""What a memory offers as evidence: one unit per text block read, code, line heard or sentence told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from perstream.models.blocks import lines_of_blocks
from perstream.models.builtin_caption import is_builtin_caption, texts_stated
from perstream.models.text import cleaned, sentences
from perstream.types import Hit, MemoryRecord, Observation, ObservationKind, Provenance

MAX_UNITS = 120
"""Per question, over all hits."""
MAX_LINE = 300
"""Characters of one line that are looked at."""
_TURN = re.compile(r"^([A-Z][\w'-]{1,30}(?: [A-Z][\w'-]{1,30})?):\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a memory that can answer a question by itself."""

    hit: Hit
    way: str
    """``read``, ``code``, ``heard``, ``told``, ``faces`` or ``seen``."""
    lines: tuple[str, ...]
    at: datetime
    """UTC, when it was perceived or told."""
    start_s: float | None
    end_s: float | None
    speaker: str = ""
    sure: bool = True
    around: str = ""
    """The other words of the same memory."""

    @property
    def text(self) -> str:
        """All lines as one."""
        return " ".join(self.lines)

    @property
    def memory(self) -> MemoryRecord:
        """Where it comes from."""
        return self.hit.memory


def units_of(hits: Iterable[Hit]) -> list[Unit]:
    """All units of the hits, hit by hit; at most ``MAX_UNITS``."""
    found: list[Unit] = []
    for hit in hits:
        found += _of_hit(hit)
        if len(found) >= MAX_UNITS:
            break
    return found[:MAX_UNITS]


def _of_hit(hit: Hit) -> list[Unit]:
    memory = hit.memory
    pieces: list[tuple[str, tuple[str, ...], str, bool, float | None, float | None]] = []
    described = any(o.kind is ObservationKind.SCENE for o in memory.observations)
    builtin = described or (bool(memory.observations) and is_builtin_caption(memory.text))
    for block, sure in _blocks(memory, builtin):
        lines = tuple(cleaned(o.text, MAX_LINE) for o in block)
        pieces.append(("read", lines, "", sure, min(o.start_s for o in block), max(o.end_s for o in block)))
    for o in memory.observations:
        way = _WAYS.get(o.kind)
        if way:
            pieces.append(
                (way, (cleaned(_words_of(o), MAX_LINE),), cleaned(o.speaker or "", 60), True, o.start_s, o.end_s)
            )
    if not builtin:
        way = "told" if memory.provenance is Provenance.TOLD else _PROVENANCES.get(memory.provenance, "seen")
        speaker, text = memory.speaker or "", memory.text[:4000]
        turn = _TURN.match(text)
        if turn and (way == "heard" or turn.group(1) == speaker):
            speaker, text = turn.group(1), text[turn.end() :]
        if speaker and way == "told":
            way = "heard"
        for sentence in sentences(text, 40):
            pieces.append((way, (cleaned(sentence, MAX_LINE),), speaker, True, memory.start_s, memory.end_s))
    pieces = [p for p in pieces if any(line for line in p[1])]
    units: list[Unit] = []
    for i, (way, lines, speaker, sure, start, end) in enumerate(pieces):
        around = " ".join(f"{p[2]} {' '.join(p[1])}" for j, p in enumerate(pieces) if j != i)
        units.append(Unit(hit, way, lines, _time(memory, start), start, end, speaker, sure, around[:2000]))
    return units


def _blocks(memory: MemoryRecord, builtin: bool) -> list[tuple[tuple[Observation, ...], bool]]:
    """(lines of one sign, whether they are believed): as the caption has them, else by where they stand."""
    texts = [o for o in memory.observations if o.kind is ObservationKind.TEXT]
    return lines_of_blocks(texts, texts_stated(memory.text) if builtin else [])


_WAYS = {
    ObservationKind.CODE: "code",
    ObservationKind.TRANSCRIPT: "heard",
    ObservationKind.PEOPLE: "faces",
    ObservationKind.SCENE: "seen",
}
_PROVENANCES = {Provenance.READ: "read", Provenance.HEARD: "heard"}


def _words_of(observation: Observation) -> str:
    if observation.kind is ObservationKind.PEOPLE:
        return f"{observation.text} faces visible"
    return observation.text


def _time(memory: MemoryRecord, start_s: float | None) -> datetime:
    if start_s is None or memory.start_s is None:
        return memory.observed_at
    offset = start_s - memory.start_s
    return memory.observed_at + timedelta(seconds=offset) if 0 <= offset < 86400 else memory.observed_at
