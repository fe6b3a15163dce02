"""Lines read that belong together: one sign, one label, one page, as the caption states them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from perstream.observations import believed
from perstream.textblocks import text_blocks
from perstream.types import Observation

Block = tuple[Observation, ...]


def lines_of_blocks(lines: Sequence[Observation], stated: Sequence[str]) -> list[tuple[Block, bool]]:
    """(merged lines of one block in reading order, whether they are believed), each line once.

    ``stated`` are the blocks as a caption has them, which knew every look at the scene; lines that
    it does not hold are grouped by where they stand, and possible ones stand alone.
    """
    left = list(lines)
    blocks: list[tuple[Block, bool]] = []
    for text in stated:
        places = [re.search(rf"(?<!\w){re.escape(_plain(line.text))}(?!\w)", text) for line in left]
        held = [(at.start(), i, left[i]) for i, at in enumerate(places) if at]
        if held:
            blocks.append((tuple(line for _, _, line in sorted(held, key=lambda h: h[:2])), True))
            left = [line for line in left if all(line is not h[2] for h in held)]
    grouped = [block.lines for block in text_blocks(left)]
    blocks += [(block, True) for block in grouped]
    known = {id(line) for block in grouped for line in block}
    blocks += [((line,), believed(line)) for line in left if id(line) not in known]
    return blocks


def one_line(lines: Sequence[str]) -> str:
    """A block in one line: words that run on in capitals are joined, other lines are set apart by " / "."""
    text = lines[0] if lines else ""
    for above, line in pairwise(lines):
        runs_on = all(part.isupper() and part.replace(" ", "").replace("'", "").isalpha() for part in (above, line))
        text += (" " if runs_on else " / ") + line
    return text


def _plain(text: str) -> str:
    """As a caption quotes it."""
    return " ".join(text.split()).replace('"', "'")
