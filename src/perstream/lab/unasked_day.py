"""A generated day stretched to hours: what is read and heard as percepts, and every word that is due.

The day is one of :mod:`perstream.lab.day`, unfilmed: its signs and remarks come when they come there, with hours of
quiet in between in which only signs pass that no told fact is about: near misses too. Reading is noisy as it is in the video: from afar
letters are wrong. Some told facts are reminders with a time, due by the clock when nothing at all is seen.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from perstream.lab.day.make import draw_truth
from perstream.lab.day.told import MATTERING
from perstream.lab.day.truth import Due, Heard, Shown, Truth
from perstream.types import Keyframe, Observation, ObservationKind, Percept

QUIET_S = (600.0, 3600.0)
"""Between two encounters."""
STRAYS = (0, 1, 2)
"""Signs that pass in one quiet stretch."""
LOOK_S = 90.0
"""In quiet stretches the view is looked at this often."""
APART_S = 2.0
"""What comes within this many seconds is one encounter."""
WRONG_NEAR, WRONG_FAR = 0.01, 0.2
"""Share of letters misread where a thing is legible, and where it is only glimpsed."""
WITHIN_S = 30.0
"""A reminder with a time comes within this long."""
SOURCE = "day"
JOURNEYS = frozenset({"platform", "gate", "bus"})
TASKS = ("call Anna", "water the plants", "take the cake out", "ring the plumber", "feed the cat", "post the letter")


@dataclass(frozen=True)
class UnaskedDay:
    """Hours of one owner's life."""

    start: datetime
    told: tuple[tuple[float, str], ...]
    """(second, sentence)."""
    percepts: tuple[Percept, ...]
    due: tuple[Due, ...]
    seconds: float
    views: int
    """Signs and remarks that came by: each a moment at which a word could have been said."""


def unasked_day(seed: int, dimension: int) -> UnaskedDay:
    """The day of ``seed``; ``dimension`` is that of the patch vectors, which show nothing."""
    truth, rng = draw_truth(seed), random.Random(seed * 7919 + 1)
    start = datetime.fromisoformat(truth.start_time)
    other = draw_truth(seed + 100_000)
    told_words = set(re.findall(r"[a-z]{4,}", " ".join(truth.told).lower()))
    strays = [one for one in other.shown if _is_stray(one, told_words)]
    rng.shuffle(strays)
    encounters = _encounters(truth)
    looks: list[_Look] = []
    offsets: list[tuple[float, float]] = []
    clock = rng.uniform(*QUIET_S)
    quiet = _quiet(0.0, clock, strays, rng)
    views = sum(one.first for one in quiet)
    looks += quiet
    for begins, ends in encounters:
        offsets.append((begins, clock - begins))
        looks += _encounter(truth, begins, ends, clock - begins, rng)
        after = clock + ends - begins + 1.0
        clock = after + rng.uniform(*QUIET_S)
        quiet = _quiet(after, clock, strays, rng)
        views += sum(one.first for one in quiet)
        looks += quiet
    due = [_moved(one, offsets) for one in truth.due]
    told: list[tuple[float, str]] = [(0.0, fact) for fact in truth.told]
    timed, words = _reminders(start, clock, rng)
    told += timed
    due += words + _promised(truth.told, start, clock)
    percepts = tuple(
        _percept(look, i, start, dimension, rng) for i, look in enumerate(sorted(looks, key=lambda o: o.at))
    )
    views += len(truth.shown) + len(truth.said) + len(words)
    return UnaskedDay(start, tuple(sorted(told)), percepts, tuple(sorted(due, key=lambda d: d.cue_s)), clock, views)


@dataclass(frozen=True)
class _Look:
    at: float
    scene: int
    seen: tuple[Observation, ...] = ()
    heard: bool = False
    first: bool = False
    """Of a stray sign."""


def _is_stray(shown: Shown, told_words: set[str]) -> bool:
    """No told fact is about it: a locker, or a medicine, a shop or a book other than those that were told of.

    A platform other than the planned one would be a matter indeed.
    """
    words = re.findall(r"[a-z]{4,}", shown.text.lower())
    kind = shown.what.split()[0]
    near_miss = kind in MATTERING - JOURNEYS and not any(_alike(word, told) for word in words for told in told_words)
    return kind not in MATTERING or near_miss


def _alike(one: str, other: str) -> bool:
    return one[:5] == other[:5]


def _encounters(truth: Truth) -> list[tuple[float, float]]:
    spans = [(a, b) for shown in truth.shown for a, b in ((shown.start_s, shown.end_s), *shown.glimpses)]
    spans += [(cue.start_s, cue.end_s) for cue in truth.said]
    merged: list[tuple[float, float]] = []
    for begins, ends in sorted(spans):
        if merged and begins - merged[-1][1] <= APART_S:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((begins, ends))
    return merged


def _encounter(truth: Truth, begins: float, ends: float, offset: float, rng: random.Random) -> Iterator[_Look]:
    scene = round(begins * 100) + 1
    at = begins
    while at <= ends + 1.0:
        seen = [o for shown in truth.shown for o in _reading(shown, at, offset, rng)]
        yield _Look(at + offset, scene, tuple(seen))
        at += rng.uniform(0.6, 1.1)
    for cue in truth.said:
        if begins <= cue.start_s <= ends:
            yield _Look(cue.start_s + offset + 0.3, scene, (_said(cue, offset),), heard=True)


def _reading(shown: Shown, at: float, offset: float, rng: random.Random) -> list[Observation]:
    near = shown.start_s <= at <= shown.end_s
    if not near and not any(a <= at <= b for a, b in shown.glimpses):
        return []
    lines = shown.text.split(" | ")
    return [_line(text, i, at + offset, near, rng) for i, text in enumerate(lines) if near or rng.random() < 0.6]


def _line(text: str, index: int, at: float, near: bool, rng: random.Random) -> Observation:
    wrong = WRONG_NEAR if near else WRONG_FAR
    read = "".join(rng.choice("abcdeilnorst") if c.isalnum() and rng.random() < wrong else c for c in text)
    score = rng.uniform(0.88, 0.99) if near else rng.uniform(0.55, 0.85)
    box = (0.3, 0.2 + 0.08 * index, 0.7, 0.26 + 0.08 * index)
    return Observation(ObservationKind.TEXT, read, score, at, at, votes=1, box=box)


def _said(cue: Heard, offset: float) -> Observation:
    begins, ends = cue.start_s + offset, cue.end_s + offset
    return Observation(ObservationKind.TRANSCRIPT, cue.text, 1.0, begins, ends, speaker=cue.speaker)


def _quiet(begins: float, ends: float, strays: list[Shown], rng: random.Random) -> list[_Look]:
    """A stretch without anything that matters; the signs in it are used up."""
    looks = [_Look(at, round(begins) * 100 + 7) for at in np.arange(begins + 5.0, ends - 5.0, LOOK_S).tolist()]
    for _ in range(min(len(strays), rng.choice(STRAYS))):
        sign, at = strays.pop(), rng.uniform(begins + 30, ends - 30)
        for i in range(4):
            seen = [_line(text, row, at + i, i > 0, rng) for row, text in enumerate(sign.text.split(" | "))]
            looks.append(_Look(at + i, round(at) * 100 + 9, tuple(seen), first=i == 0))
    return looks


def _reminders(start: datetime, seconds: float, rng: random.Random) -> tuple[list[tuple[float, str]], list[Due]]:
    """One for a clock time, one for some minutes from when it is told, and one for tomorrow, which is not due."""
    clock_task, minutes_task, tomorrow = rng.sample(TASKS, 3)
    at = start + timedelta(seconds=rng.uniform(0.3, 0.9) * seconds)
    at = at.replace(second=0, microsecond=0)
    told_s, minutes = rng.uniform(0.1, 0.6) * seconds, rng.randint(5, 45)
    told = [
        (0.0, f"Remind me at {at.astimezone():%H:%M} to {clock_task}."),
        (told_s, f"Remind me in {minutes} minutes to {minutes_task}."),
        (0.0, f"Remind me tomorrow at {rng.randint(6, 9)} to {tomorrow}."),
    ]
    due = [_at_time((at - start).total_seconds(), clock_task, told[0][1])]
    later = told_s + 60 * minutes
    return told, [*due, *([_at_time(later, minutes_task, told[1][1])] if later < seconds else [])]


def _promised(told: Sequence[str], start: datetime, seconds: float) -> list[Due]:
    """Reminders with a time among the day's own facts."""
    due = []
    for fact in told:
        found = re.fullmatch(r"Remind me to (.+) at (\d\d):(\d\d)\.", fact)
        if found:
            at = start.astimezone().replace(hour=int(found[2]), minute=int(found[3]), second=0)
            after = (at - start).total_seconds()
            if 0 < after < seconds:
                due.append(_at_time(after, found[1], fact))
    return due


def _at_time(at: float, task: str, why: str) -> Due:
    return Due(((task,),), at, at, at + WITHIN_S, why)


def _moved(due: Due, offsets: Sequence[tuple[float, float]]) -> Due:
    offset = next(offset for begins, offset in reversed(offsets) if begins <= due.cue_s + 0.01)
    return Due(due.topic, due.from_s + offset, due.cue_s + offset, due.until_s + offset, due.why)


def _percept(look: _Look, index: int, start: datetime, dimension: int, rng: random.Random) -> Percept:
    keyframe = Keyframe(
        source=SOURCE,
        index=index,
        pts_s=look.at,
        captured_at=start + timedelta(seconds=look.at),
        rgb=np.zeros((36, 64, 3), np.uint8),
        reason="settled",
        motion=0.0,
        sharpness=1.0,
        scene=look.scene,
    )
    patches = np.full((4, dimension), rng.random(), np.float16)
    return Percept(keyframe, look.seen, patches, repeated=look.heard)
