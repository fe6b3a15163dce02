"""How much of what was remembered of a generated day is junk: nothing that was shown or said supports it.

Told facts are not counted: they are what the owner typed. Support is by words. A line of text is supported when a thing
of the day bears it, up to reading noise (never another digit) or cut off at the picture's edge; speech when those words
were said by that person then; a code when its thing was shown. A memory is junk when it states words and none of them is
supported; ``scenery`` are those that state no words at all (light, colours, motion), for which there is no truth to ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from perstream.lab.day.truth import Heard, Shown, Truth
from perstream.lab.sample_score import EARLY_S
from perstream.observations import believed
from perstream.spelling import cut_from, key_of, same_line
from perstream.types import MemoryRecord, Observation, ObservationKind, Provenance, Triplet

_WORDS = frozenset({ObservationKind.TEXT, ObservationKind.CODE, ObservationKind.TRANSCRIPT})
_OWN = frozenset({"i", "s", "qr", "bar", "code", "sign", "someone"})
"""Words of triplets that are the extractor's, not the world's."""
MAX_EXAMPLES = 20


@dataclass(frozen=True)
class Junk:
    """Counts over the memories of a watched day."""

    memories: int = 0
    junk: int = 0
    scenery: int = 0
    """Memories without any words."""
    elsewhen: int = 0
    """Supported only by a thing that was not in view then."""
    lines: int = 0
    """Lines of text that were stated as read (not "possibly")."""
    false_lines: int = 0
    """Of these, lines that no thing bears: the worst kind."""
    triplets: int = 0
    junk_triplets: int = 0
    """With a subject or object that is in nothing shown or said."""
    examples: tuple[str, ...] = ()
    """Texts of junk memories, false lines and junk triplets, at most ``MAX_EXAMPLES``."""

    @property
    def rate(self) -> float:
        """Junk memories of all memories."""
        return self.junk / max(1, self.memories)

    def to_json(self) -> dict[str, object]:
        """All counts and the rate."""
        return {"rate": round(self.rate, 4), **{f.name: getattr(self, f.name) for f in fields(self)}}


def add_up(days: Iterable[Junk]) -> Junk:
    """The sum of several days."""
    days = list(days)
    counts = {f.name: sum(getattr(day, f.name) for day in days) for f in fields(Junk) if f.name != "examples"}
    return Junk(**counts, examples=tuple(text for day in days for text in day.examples)[:MAX_EXAMPLES])


def judge(records: Sequence[MemoryRecord], truth: Truth) -> Junk:
    """Hold the memories of a day against its ground truth."""
    return add_up(_one(record, truth) for record in records if record.provenance is not Provenance.TOLD)


def _one(record: MemoryRecord, truth: Truth) -> Junk:
    stated = key_of(record.text)
    said = [o for o in record.observations if o.kind in _WORDS and key_of(o.text) in stated]
    supported = [o for o in said if _supported(o, truth, at_the_time=False)]
    sure = [o for o in said if o.kind is ObservationKind.TEXT and believed(o)]
    wrong_lines = [o.text for o in sure if o not in supported]
    wrong_triplets = [t for t in record.triplets if not _has_words(t, truth)]
    junk = bool(said) and not supported
    return Junk(
        memories=1,
        junk=int(junk),
        scenery=int(not said),
        elsewhen=int(bool(supported) and not any(_supported(o, truth, at_the_time=True) for o in supported)),
        lines=len(sure),
        false_lines=len(wrong_lines),
        triplets=len(record.triplets),
        junk_triplets=len(wrong_triplets),
        examples=(
            *([f"{record.start_s or 0.0:.1f} s: {record.text}"] if junk else []),
            *(f"{record.start_s or 0.0:.1f} s, line: {line}" for line in wrong_lines),
            *(f"{t.subject} | {t.predicate} | {t.object}" for t in wrong_triplets),
        ),
    )


def _supported(observation: Observation, truth: Truth, at_the_time: bool) -> bool:
    if observation.kind is ObservationKind.TRANSCRIPT:
        return any(_is_said(observation, cue) for cue in truth.said)
    things = [thing for thing in truth.shown if not at_the_time or _in_view(thing, observation)]
    if observation.kind is ObservationKind.CODE:
        # The truth file holds the words under a code; the last part of its link is one of them.
        return any(_ending(observation.text) in thing.text.casefold().split() for thing in things)
    return any(_bears(thing, observation.text) for thing in things)


def _is_said(observation: Observation, cue: Heard) -> bool:
    same = key_of(observation.text) == key_of(cue.text) and observation.speaker in (None, cue.speaker)
    return same and observation.start_s <= cue.end_s + EARLY_S and observation.end_s >= cue.start_s - EARLY_S


def _in_view(thing: Shown, observation: Observation) -> bool:
    return any(
        observation.start_s <= last + EARLY_S and observation.end_s >= first - EARLY_S for first, last in thing.glimpses
    )


def _bears(thing: Shown, text: str) -> bool:
    """Whether the line is one of the thing's, or several of them read in one go, or a piece of one."""
    lines = thing.text.split(" | ")
    whole = [" ".join(lines[i:j]) for i in range(len(lines)) for j in range(i + 1, len(lines) + 1)]
    return any(same_line(text, line) or cut_from(text, line) is not None for line in whole)


def _ending(link: str) -> str:
    return link.casefold().rstrip("/").rsplit("/", 1)[-1]


def _has_words(triplet: Triplet, truth: Truth) -> bool:
    """Whether every word of a subject and object is in one thing, or in one remark with its speaker."""
    sources = [set(_words(f"{thing.what} {thing.text}")) for thing in truth.shown]
    sources += [set(_words(f"{cue.speaker} {cue.text}")) for cue in truth.said]
    object_ = _ending(triplet.object) if triplet.predicate == "contains" else triplet.object
    wanted = [word for word in _words(f"{triplet.subject} {object_}") if word not in _OWN]
    return any(
        all(word in source or any(same_line(word, own) for own in source) for word in wanted) for source in sources
    )


def _words(text: str) -> list[str]:
    """In lower case; a time, a price and a code are one word each."""
    return re.findall(r"[^\W_]+(?:[:.,-][^\W_]+)*", text.casefold())
