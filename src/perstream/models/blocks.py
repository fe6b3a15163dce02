"""Lines read that belong together: one sign, one label, one page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from perstream.types import Observation

_ASPECT = 1.6
"""Width of a usual picture over its height: makes distances across comparable with distances down."""


def text_blocks(lines: Sequence[Observation]) -> list[tuple[Observation, ...]]:
    """Group lines that stand together in the picture at the same time (one sign, one label, one page).

    Inside a block lines are in reading order; blocks are in order of time, then from top to bottom.
    Lines without a box stand alone.
    """
    groups: list[list[Observation]] = []
    for line in lines:
        touching = [g for g in groups if any(_together(line, other) for other in g)]
        for group in touching:
            groups.remove(group)
        groups.append([line, *(other for group in touching for other in group)])
    blocks = [tuple(_in_reading_order(group)) for group in groups]
    return sorted(blocks, key=lambda b: (min(o.start_s for o in b), b[0].box[1] if b[0].box else 0.0))


def _together(a: Observation, b: Observation) -> bool:
    if a.box is None or b.box is None or a.start_s > b.end_s or b.start_s > a.end_s:
        return False
    height = max(a.box[3] - a.box[1], b.box[3] - b.box[1])
    down = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    across = (max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])) * _ASPECT
    same_row = down < -0.4 * height and across < 1.5 * height
    stacked = down < 1.2 * height and across < 0
    return same_row or stacked


def _in_reading_order(lines: list[Observation]) -> list[Observation]:
    """Rows from the top, each from the left; lines whose middles nearly agree share a row."""
    rows: list[list[Observation]] = []
    for line in sorted(lines, key=_middle):
        if rows and line.box and abs(_middle(line) - _middle(rows[-1][0])) < 0.5 * (line.box[3] - line.box[1]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda o: o.box[0] if o.box else 0.0)]


def _middle(line: Observation) -> float:
    return (line.box[1] + line.box[3]) / 2 if line.box else 0.0


def one_line(lines: Sequence[str]) -> str:
    """A block in one line: words that run on in capitals are joined, other lines are set apart by " / "."""
    text = lines[0] if lines else ""
    for above, line in pairwise(lines):
        runs_on = all(part.isupper() and part.replace(" ", "").replace("'", "").isalpha() for part in (above, line))
        text += (" " if runs_on else " / ") + line
    return text
