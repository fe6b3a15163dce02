"""Lines of text that belong to one sign, label or page: what stands close together is read together.

"PEANUT" above "BUTTER" on one jar is "PEANUT BUTTER"; two signs at two ends of a wall stay two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from perstream.observations import MIN_SCORE, MIN_VOTES, believed, cut_off, merge_observations, seen_as
from perstream.types import Observation, ObservationKind

Box = tuple[float, float, float, float]

ASPECT = 16 / 9
"""Boxes are shares of the picture; widths count this much more than heights."""
LINE_GAP = 0.8
"""Lines of one block are at most this many line heights apart."""
WORD_GAP = 1.2
"""Pieces of one line are at most this many line heights apart."""
HEIGHT_RATIO = 2.2
"""A heading may be this much taller than the line beside it."""
COMPANION_SCORE = 0.9
"""A line too short to be believed alone ("4") counts beside a believed one from this confidence."""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Believed lines that were read together, in reading order."""

    text: str
    """The lines joined by spaces."""
    lines: tuple[Observation, ...]
    """The merged line observations it is made of."""
    score: float
    """Of its least certain line."""
    start_s: float
    end_s: float
    votes: int
    """Of its line with the fewest."""
    box: Box | None
    """Around all its lines, where boxes are known."""


def text_blocks(observations: Sequence[Observation], min_score: float = MIN_SCORE) -> tuple[TextBlock, ...]:
    """The believed text of some looks at a scene, as blocks in order of first appearance.

    Give it the observations of the single keyframes: which lines stand together is judged in each
    look and the looks vote. Merged observations work too, then only lines whose spans end at the
    same time are compared. Lines that are only possible are left out, except short ones beside a
    believed line.
    """
    readings = [one for one in observations if one.kind is ObservationKind.TEXT]
    lines = [one for one in merge_observations(readings) if believed(one, min_score) or _companion(one, min_score)]
    looks = _looks(readings, lines)
    groups = _connected(len(lines), _pairs(looks))
    blocks = []
    for group in groups:
        if any(believed(lines[i], min_score) for i in group):
            blocks.append(_block([lines[i] for i in _in_order(group, looks)]))
    return tuple(sorted(blocks, key=lambda b: (b.start_s, b.box[1] if b.box else 0.0)))


def possible_lines(observations: Sequence[Observation], min_score: float = MIN_SCORE) -> tuple[Observation, ...]:
    """The merged lines that no block of believed text holds: to be called possible or left out."""
    stated = {line for block in text_blocks(observations, min_score) for line in block.lines}
    merged = merge_observations([one for one in observations if one.kind is ObservationKind.TEXT])
    return tuple(line for line in merged if line not in stated)


def _companion(line: Observation, min_score: float) -> bool:
    return line.votes >= MIN_VOTES and line.score >= max(min_score, COMPANION_SCORE) and not cut_off(line)


def _looks(readings: Iterable[Observation], lines: Sequence[Observation]) -> list[dict[int, Box]]:
    """For each look (readings that end at one instant): where it saw which line."""
    looks: dict[float, dict[int, Box]] = defaultdict(dict)
    for one in readings:
        line = seen_as(one, lines)
        if line is not None and one.box is not None:
            looks[one.end_s][lines.index(line)] = one.box
    return list(looks.values())


def _pairs(looks: Iterable[dict[int, Box]]) -> list[tuple[int, int]]:
    """Lines that stood together in at least half of the looks that saw both."""
    together: dict[tuple[int, int], list[bool]] = defaultdict(list)
    for look in looks:
        for a in look:
            for b in look:
                if a < b:
                    together[a, b].append(_stacked(look[a], look[b]) or _beside(look[a], look[b]))
    return [pair for pair, held in together.items() if 2 * sum(held) >= len(held)]


def _stacked(a: Box, b: Box) -> bool:
    """One above the other: a small gap, alike in height, and sharing columns."""
    upper, lower = sorted((a, b), key=lambda box: box[1] + box[3])
    low, high = sorted((a[3] - a[1], b[3] - b[1]))
    gap = lower[1] - upper[3]
    shared = min(a[2], b[2]) - max(a[0], b[0])
    narrow = min(a[2] - a[0], b[2] - b[0])
    return high <= HEIGHT_RATIO * low and -0.6 * low <= gap <= LINE_GAP * low and shared >= 0.4 * narrow


def _beside(a: Box, b: Box) -> bool:
    """Pieces of one line: the same rows, alike in height, a word's gap between."""
    low, high = sorted((a[3] - a[1], b[3] - b[1]))
    gap = (max(a[0], b[0]) - min(a[2], b[2])) * ASPECT
    return _same_row(a, b) and high <= 1.6 * low and gap <= WORD_GAP * low


def _same_row(a: Box, b: Box) -> bool:
    return min(a[3], b[3]) - max(a[1], b[1]) >= 0.5 * min(a[3] - a[1], b[3] - b[1])


def _in_order(group: Iterable[int], looks: Sequence[dict[int, Box]]) -> list[int]:
    def compare(a: int, b: int) -> int:
        return _order(a, b, looks)

    return sorted(group, key=cmp_to_key(compare))


def _order(a: int, b: int, looks: Iterable[dict[int, Box]]) -> int:
    """Negative when line ``a`` is read before line ``b`` in most looks that saw both."""
    balance = 0
    for look in looks:
        if a in look and b in look:
            first = look[a][0] < look[b][0] if _same_row(look[a], look[b]) else look[a][1] < look[b][1]
            balance += -1 if first else 1
    return balance


def _connected(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    group = list(range(count))
    for a, b in pairs:
        old, new = group[b], group[a]
        group = [new if g == old else g for g in group]
    members: dict[int, list[int]] = defaultdict(list)
    for line, home in enumerate(group):
        members[home].append(line)
    return list(members.values())


def _block(lines: Sequence[Observation]) -> TextBlock:
    boxes = [line.box for line in lines if line.box is not None]
    return TextBlock(
        text=" ".join(line.text for line in lines),
        lines=tuple(lines),
        score=min(line.score for line in lines),
        start_s=min(line.start_s for line in lines),
        end_s=max(line.end_s for line in lines),
        votes=min(line.votes for line in lines),
        box=(
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        )
        if boxes
        else None,
    )
