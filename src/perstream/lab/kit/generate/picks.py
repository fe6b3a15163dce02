"""Which moments of a video are worth a record: where the activity changes, what is rare, spread over the whole video.

A candidate lies in a segment, half a second after its beginning or in its middle where it is shorter, so that the
activity can be seen. Its worth is how surprising its activity is in this dataset, -log2 of its share, and one bit more
where the activity before was another. The video is parted into as many equal stretches as moments are wanted, and each
gives its best; places left are filled with the best of what remains. No two are nearer than the window of one. The same
annotations give the same moments.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perstream.lab.kit.generate.footage import Footage, Segment

IN_S = 0.5
CHANGE_BITS = 1.0
SHORTEST_S = 0.1


@dataclass(frozen=True, slots=True)
class Moment:
    """One picked moment."""

    footage: Footage
    time_s: float
    """To the millisecond."""
    label: str
    before: str
    """The activity before; empty for the first."""

    @property
    def key(self) -> str:
        """Of its results."""
        return f"{self.footage.participant} {self.footage.video}@{round(self.time_s * 1000)}"


def pick(footage: Sequence[Footage], per_video: int, apart_s: float) -> tuple[Moment, ...]:
    """At most ``per_video`` moments of each, at least ``apart_s`` from each other; in the order given, by time."""
    counts = Counter(segment.label for one in footage for segment in one.segments)
    total = sum(counts.values())
    bits = {label: -math.log2(count / total) for label, count in counts.items()}
    return tuple(moment for one in footage for moment in _of_video(one, per_video, apart_s, bits))


def _of_video(one: Footage, most: int, apart_s: float, bits: Mapping[str, float]) -> list[Moment]:
    ranked: list[tuple[float, Moment]] = []
    before: Segment | None = None
    for segment in one.segments:
        length = segment.end_s - segment.start_s
        if length >= SHORTEST_S:
            time = round(segment.start_s + min(IN_S, length / 2), 3)
            changes = before is not None and before.label != segment.label
            worth = bits[segment.label] + CHANGE_BITS * changes
            ranked.append((worth, Moment(one, time, segment.label, before.label if before else "")))
        before = segment
    if not ranked:
        return []
    ranked.sort(key=lambda pair: (-pair[0], pair[1].time_s))
    first, last = one.segments[0].start_s, max(segment.end_s for segment in one.segments)
    stretch = max((last - first) / most, 1e-6)
    chosen: list[Moment] = []

    def take(moment: Moment) -> bool:
        fits = all(abs(moment.time_s - other.time_s) >= max(apart_s, 0.001) for other in chosen)
        if fits:
            chosen.append(moment)
        return fits

    for number in range(most):
        here = (m for _, m in ranked if min(most - 1, int((m.time_s - first) / stretch)) == number)
        next((moment for moment in here if take(moment)), None)
    for _, moment in ranked:
        if len(chosen) >= most:
            break
        take(moment)
    return sorted(chosen, key=lambda moment: moment.time_s)


def splits_of(participants: Sequence[int], seed: int, val: float = 0.1, test: float = 0.2) -> dict[int, str]:
    """A split for each participant: shuffled by ``seed``, at least one in each of three splits from three people on."""
    people = sorted(set(participants), key=lambda who: hashlib.sha256(f"{seed}/{who}".encode()).digest())
    if len(people) < 3:
        return dict(zip(people, ("train", "val"), strict=False))
    tested = max(1, round(test * len(people)))
    chosen = max(1, round(val * len(people)))
    names = ["test"] * tested + ["val"] * chosen
    return {who: names[place] if place < len(names) else "train" for place, who in enumerate(people)}
