"""What a chat model is shown: numbered memories, the current view, what was perceived; all bounded, all fenced.

Memories stand in the order of time, oldest first, each with its stored pictures. How long ago is said coarsely, so
that the block stays the same from question to question and an engine can keep what it made of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import numpy as np

from perstream.models.chat.fence import bare, quoted
from perstream.models.chat.messages import Abilities, Part, Patches, Picture, Sound
from perstream.observations import believed, merge_observations
from perstream.protocols import Visuals
from perstream.types import (
    ArrayPicture,
    ByteArray,
    HalfArray,
    MemoryRecord,
    Observation,
    ObservationKind,
    Percept,
    Provenance,
    SampleArray,
)

MAX_MEMORIES = 20
MAX_MEMORY_CHARS = 600
"""Characters of one memory's text."""
MAX_BLOCK_CHARS = 8000
"""Characters of all memories; those recall ranks last are left out first."""
MAX_VISUALS = 12
"""Stored pictures of all memories together, those of the best memories first."""
MAX_VIEW = 8
"""Pictures of the current view, the newest ones."""
MAX_PERCEIVED = 24
"""Lines of what was perceived."""
MAX_LINE_CHARS = 200
MAX_SIDE_PX = 640
"""Longer side of a picture that is looked at."""
MAX_ASPECT = 50.0
"""A picture longer than this many times its width is a line, not a view; image processors refuse it."""
SOUND_RATE = 16_000
MAX_SOUND_S = 30

_HOW = {
    Provenance.TOLD: "told by the owner",
    Provenance.SEEN: "seen",
    Provenance.READ: "read",
    Provenance.HEARD: "heard",
    Provenance.INFERRED: "inferred",
}


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The numbered memories as they are shown."""

    parts: tuple[Part, ...]
    memory_ids: tuple[int, ...]
    """Of [1], [2], … in this order."""
    lines: tuple[str, ...]
    """The words shown of each."""


def memories_shown(
    ranked: Sequence[MemoryRecord], now: datetime, abilities: Abilities, visuals: Mapping[int, Visuals]
) -> Shown:
    """Number the memories (``ranked`` best first) in the order of time, with as many of their pictures as fit."""
    kept: list[tuple[MemoryRecord, str]] = []
    left = MAX_BLOCK_CHARS
    for memory in list(ranked)[:MAX_MEMORIES]:
        line = _memory_line(memory, now)
        if len(line) <= left:
            kept.append((memory, line))
            left -= len(line)
    pictures = _stored_pictures([memory for memory, _ in kept], abilities, visuals)
    kept.sort(key=lambda pair: (pair[0].observed_at, pair[0].id))
    parts: list[Part] = []
    for number, (memory, line) in enumerate(kept, start=1):
        parts.append(f"[{number}] {line}\n")
        for patches in pictures.get(memory.id, ()):
            parts += [patches, "\n"]
    return Shown(tuple(parts), tuple(memory.id for memory, _ in kept), tuple(line for _, line in kept))


def view_pictures(percepts: Sequence[Percept], abilities: Abilities, fresh: bool) -> list[Part]:
    """The percepts' pictures in the order of time: as pixels when ``fresh``, else as patch vectors, where able.

    A model that takes only one of the two gets that; one that takes neither gets nothing.
    """
    seen = [percept for percept in percepts if not percept.repeated] or list(percepts[-1:])
    found: list[Part] = []
    for percept in seen[-MAX_VIEW:]:
        pixels = picture_part(percept.keyframe.rgb) if abilities.pictures else None
        patches = patches_part(percept.patches, abilities)
        part = (pixels or patches) if fresh else (patches or pixels)
        if part is not None:
            found.append(part)
    return found


def merged_view(percepts: Sequence[Percept]) -> tuple[Observation, ...]:
    """What was perceived in the newest ``MAX_VIEW`` percepts. Merging compares all lines, so long ones are cut first."""
    looks = [o for percept in percepts[-MAX_VIEW:] for o in percept.observations]
    return merge_observations(
        [o if len(o.text) <= MAX_LINE_CHARS else replace(o, text=o.text[:MAX_LINE_CHARS]) for o in looks]
    )


def perceived_lines(observations: Iterable[Observation]) -> str:
    """One line per merged observation, what was read and heard first; empty when there is nothing."""
    ordered = sorted(observations, key=lambda o: (_ORDER.get(o.kind, 9), o.start_s))
    lines = [line for o in ordered for line in [_perceived(o)] if line]
    return "\n".join(list(dict.fromkeys(lines))[:MAX_PERCEIVED])


def picture_part(rgb: ByteArray) -> Picture | None:
    """The picture, shrunk to ``MAX_SIDE_PX``; None for one that is no view."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < 1:
        return None
    if max(rgb.shape[:2]) > MAX_ASPECT * min(rgb.shape[:2]):
        return None
    return Picture(ArrayPicture(rgb).rgb(MAX_SIDE_PX) if max(rgb.shape[:2]) > MAX_SIDE_PX else rgb)


def patches_part(vectors: HalfArray | None, abilities: Abilities) -> Patches | None:
    """Stored vectors as a part; None unless they are a square grid of what this model takes, and all finite."""
    if vectors is None or abilities.patch_dimension is None or vectors.ndim != 2 or len(vectors) == 0:
        return None
    square = math.isqrt(len(vectors)) ** 2 == len(vectors)
    return Patches(vectors) if square and vectors.shape[1] == abilities.patch_dimension and _finite(vectors) else None


def sound_part(percepts: Sequence[Percept], abilities: Abilities) -> Sound | None:
    """The sound of the percepts, its last ``MAX_SOUND_S`` seconds; None without any or for a model that is deaf."""
    heard: list[SampleArray] = [p.sound for p in percepts if p.sound is not None and p.sound.size]
    if not abilities.sound or not heard:
        return None
    return Sound(np.concatenate(heard)[-MAX_SOUND_S * SOUND_RATE :])


def time_words(at: datetime, now: datetime) -> str:
    """ "Mon 9 March 2026, 08:14 (yesterday)" in ``now``'s zone; how long ago is said in whole days."""
    zone = now.tzinfo or timezone.utc
    local, here = at.astimezone(zone), now if now.tzinfo else now.replace(tzinfo=zone)
    return f"{local:%a} {local.day} {local:%B %Y, %H:%M} ({_ago(local, here)})"


def _ago(at: datetime, now: datetime) -> str:
    days = (now.date() - at.date()).days
    if days < 0:
        return "later"
    if days == 0:
        return "today"
    if days < 14:
        return "yesterday" if days == 1 else f"{days} days ago"
    if days < 60:
        return f"{days // 7} weeks ago"
    return f"{days // 30} months ago" if days < 720 else f"{days // 365} years ago"


def _memory_line(memory: MemoryRecord, now: datetime) -> str:
    how = _HOW[memory.provenance]
    if memory.speaker:
        how = f"{'heard' if memory.provenance is Provenance.TOLD else how} from {bare(memory.speaker, 60)}"
    about = [time_words(memory.observed_at, now), how, f"about {bare(memory.category, 40)}"]
    if memory.valid_to is not None or memory.superseded_by is not None:
        about.append("no longer true")
    return f"{', '.join(about)}: {quoted(memory.text, MAX_MEMORY_CHARS)}"


def _stored_pictures(
    ranked: Sequence[MemoryRecord], abilities: Abilities, visuals: Mapping[int, Visuals]
) -> dict[int, list[Patches]]:
    """v_mean and v_nearest of the best memories that have them (paper: both go into the response)."""
    left = MAX_VISUALS
    found: dict[int, list[Patches]] = {}
    for memory in ranked:
        held = visuals.get(memory.id)
        wanted = (held.mean, held.nearest) if held is not None else ()
        patches = [part for part in (patches_part(v, abilities) for v in wanted[:left]) if part is not None]
        if patches:
            found[memory.id] = patches
            left -= len(patches)
    return found


def _finite(vectors: HalfArray) -> bool:
    """Whether all are numbers: in half precision those with a full exponent are none, and bits are checked faster."""
    if vectors.dtype != np.float16:
        return bool(np.isfinite(vectors).all())
    return int((vectors.view(np.uint16) & 0x7C00).max()) < 0x7C00


_ORDER = {
    ObservationKind.TEXT: 0,
    ObservationKind.CODE: 1,
    ObservationKind.TRANSCRIPT: 2,
    ObservationKind.SCENE: 3,
    ObservationKind.PEOPLE: 4,
    ObservationKind.PLACE: 5,
}


def _perceived(o: Observation) -> str:
    words = quoted(o.text, MAX_LINE_CHARS)
    if o.kind is ObservationKind.TEXT:
        return f"{'read' if believed(o) else 'perhaps read'}: {words}"
    if o.kind is ObservationKind.CODE:
        return f"a code says: {words}"
    if o.kind is ObservationKind.TRANSCRIPT:
        return f"{bare(o.speaker, 60) if o.speaker else 'somebody'} said: {words}"
    if o.kind is ObservationKind.SPEECH:
        return "a voice is heard, the words are not known"
    if o.kind is ObservationKind.PEOPLE:
        return f"faces seen: at least {bare(o.text, 4)}"
    if o.kind is ObservationKind.PLACE:
        return f"looks like a place seen before, at {bare(o.text, 40)}"
    return f"{o.kind.value}: {bare(o.text, MAX_LINE_CHARS)}" if o.text.strip() else ""
