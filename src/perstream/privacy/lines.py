"""Secrets in the lines of one look at a scene: a card's groups below each other, a label above its value.

Lines that stand together are read as one text, in reading order and again column by column; what is secret of it is taken
out of each line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from perstream.privacy.keys import looks_random
from perstream.privacy.redact import secrets
from perstream.privacy.spans import Found
from perstream.types import Observation

BESIDE = 8.0
"""Line heights between a label and its value on one row."""
BELOW = 1.5
"""Line heights between two lines of one block."""
_MORE = re.compile(r"[A-Za-z0-9+/=_.\-]{8,}")
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its secrets."""

    text: str
    found: tuple[tuple[str, str], ...]
    """Kind and secret, of each secret that begins in this line."""
    kind: str | None
    """Of the first secret that touches it; None for a line without any."""
    label: str = ""


def screened(lines: Sequence[Observation], kinds: Collection[str]) -> list[Line]:
    """Each line of one look, in the order given, as it may be kept."""
    rows, columns = _blocks(lines, rows=True), _blocks(lines, rows=False)
    across = _screened(lines, kinds, rows)
    down = _screened(lines, kinds, columns) if columns != rows else across
    return [down[i] if across[i].kind is None else across[i] for i in range(len(lines))]


def _screened(
    lines: Sequence[Observation], kinds: Collection[str], blocks: Sequence[Sequence[Sequence[int]]]
) -> dict[int, Line]:
    results: dict[int, Line] = {}
    for block in blocks:
        texts = [lines[i].text for row in block for i in row]
        order = [i for row in block for i in row]
        joined = "\n".join(" ".join(lines[i].text for i in row) for row in block)
        starts, place = [], 0
        for text in texts:
            starts.append(place)
            place += len(text) + 1
        found = _wrapped(joined, secrets(joined, kinds, read=True))
        for i, start in zip(order, starts, strict=True):
            results[i] = _line(lines[i].text, start, found, joined)
    return results


def _line(text: str, start: int, found: Sequence[Found], joined: str) -> Line:
    end = start + len(text)
    mine = [one for one in found if one.start < end and start < one.end]
    if not mine:
        return Line(text, (), None)
    parts, place = [], start
    for one in mine:
        parts += [joined[place : max(start, one.start)], f"[{one.label}]"]
        place = min(end, one.end)
    told = tuple((one.kind, joined[one.start : one.end]) for one in mine if one.start >= start)
    return Line("".join([*parts, joined[place:end]]), told, mine[0].kind, mine[0].label)


def _wrapped(joined: str, found: Sequence[Found]) -> list[Found]:
    """A key that ends with its line goes on in the next when that looks like more of it."""
    grown = []
    for one in found:
        end = one.end
        while one.kind == "key" and joined[end : end + 1] == "\n":
            more = _MORE.match(joined, end + 1)
            stop = joined.find("\n", end + 1)
            whole = more is not None and more.end() == (stop if stop >= 0 else len(joined))
            if more is None or not whole or not looks_random(more.group()):
                break
            end = more.end()
        grown.append(Found(one.start, end, one.kind, one.label))
    return [one for i, one in enumerate(grown) if i == 0 or one.start >= grown[i - 1].end]


def _blocks(lines: Sequence[Observation], rows: bool) -> list[list[list[int]]]:
    """Lines that stand together, as rows from top to bottom, each from left to right; or column by column."""
    group = list(range(len(lines)))
    for a, first in enumerate(lines):
        for b in range(a):
            if group[a] != group[b] and _together(first.box, lines[b].box, rows):
                old, new = group[a], group[b]
                group = [new if g == old else g for g in group]
    blocks: dict[int, list[int]] = {}
    for i, home in enumerate(group):
        blocks.setdefault(home, []).append(i)
    return [_rows(members, lines) for members in blocks.values()]


def _rows(members: Sequence[int], lines: Sequence[Observation]) -> list[list[int]]:
    rows: list[list[int]] = []
    for i in sorted(members, key=lambda i: _box(lines[i])[1]):
        row = next((row for row in rows if _same_row(_box(lines[i]), _box(lines[row[0]]))), None)
        if row is None:
            rows.append([i])
        else:
            row.append(i)
    return [sorted(row, key=lambda i: _box(lines[i])[0]) for row in rows]


def _box(line: Observation) -> Box:
    return line.box or (0.0, 0.0, 0.0, 0.0)


def _together(a: Box | None, b: Box | None, rows: bool) -> bool:
    if a is None or b is None:
        return False
    low = min(a[3] - a[1], b[3] - b[1])
    if _same_row(a, b):  # pictures are wider than high: a share of the width is more pixels
        return rows and max(a[0], b[0]) - min(a[2], b[2]) <= BESIDE * low
    upper, lower = sorted((a, b), key=lambda box: box[1] + box[3])
    return lower[1] - upper[3] <= BELOW * low and min(a[2], b[2]) > max(a[0], b[0])


def _same_row(a: Box, b: Box) -> bool:
    return min(a[3], b[3]) - max(a[1], b[1]) >= 0.5 * min(a[3] - a[1], b[3] - b[1])
