"""How results look: JSON lines for programs, short aligned lines for people.

What knows the house's types is imported when a result is there to print: ``perstream --help`` waits for
nothing.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from perstream.types import Evidence, Hit, MemoryRecord, Reply

NOT_TEXT = dict.fromkeys(
    (*range(9), *range(11, 32), *range(127, 160), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
)
"""Control and direction characters: text read from the world must not steer a terminal."""


def emit(value: Any) -> None:
    """One JSON object on one line of standard output; dataclasses become plain values."""
    from perstream.jsonlines import dump_line, plain

    typer.echo(dump_line(plain(value)))


def called() -> str:
    """The command as it was called, to be told with its results. Secrets are no options; one in an address is masked."""
    return shlex.join(["perstream", *(re.sub(r"//[^/@\s]+@", "//***@", word) for word in sys.argv[1:])])


def emit_hit(hit: Hit) -> None:
    """A search result as JSON."""
    from perstream.jsonlines import hit_to_json

    emit(hit_to_json(hit))


def emit_memory(record: MemoryRecord, entities: tuple[str, ...] = ()) -> None:
    """A memory as JSON."""
    from perstream.jsonlines import memory_to_json

    emit(memory_to_json(record, entities))


def safe(text: str) -> str:
    """Text from the world without what a terminal would obey."""
    return text.translate(NOT_TEXT)


def say(text: str = "", *, color: str | None = None, bold: bool = False, dim: bool = False) -> None:
    """A line for a person; colours only where the output is a terminal."""
    typer.secho(safe(text), fg=color, bold=bold or None, dim=dim or None, color=_colored())


def columns() -> int:
    """Width of the terminal; 80 where there is none."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def paragraph(text: str, indent: int = 0, *, bold: bool = False, dim: bool = False) -> None:
    """Text for a person, wrapped at the terminal's width."""
    room = columns() - indent
    for line in textwrap.wrap(safe(text).replace("\n", " "), room) or [""]:
        say(" " * indent + line, bold=bold, dim=dim)


def _colored() -> bool | None:
    """NO_COLOR and FORCE_COLOR as everybody has them; None leaves it to whether this is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def clock(at: datetime) -> str:
    """Local date and time to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def span(start_s: float | None, end_s: float | None) -> str:
    """``12–18 s`` on the source's clock."""
    if start_s is None or end_s is None:
        return ""
    # Rounding outwards: the span printed always holds the span meant.
    return f"{math.floor(start_s)}–{math.ceil(end_s)} s"


def origin(evidence: Evidence) -> str:
    """Where an evidence comes from, for example ``read · day.mp4 12–18 s · 2026-05-12 08:14:12``."""
    place = " ".join(part for part in (evidence.source or "", span(evidence.start_s, evidence.end_s)) if part)
    return " · ".join(part for part in (evidence.provenance.value, place, clock(evidence.observed_at)) if part)


def print_reply(reply: Reply) -> None:
    """The answer, then the memories it rests on."""
    paragraph(reply.answer, bold=not reply.abstained)
    for evidence in reply.evidence:
        say(f"  #{evidence.memory_id} {origin(evidence)}", dim=True)
        paragraph(evidence.caption, 5, dim=True)


def print_hits(hits: Iterable[Hit], explain: bool) -> None:
    """Search results, best first."""
    for hit in hits:
        record = hit.memory
        say(f"{hit.score:.2f}  #{record.id} {_origin_of(record)}{_ended(record)}", bold=True)
        paragraph(record.text, 6)
        if explain:
            parts = "  ".join(f"{name} {value:.2f}" for name, value in hit.score_parts.items())
            say(f"      {parts}  via {' > '.join(hit.path) or 'text'}", dim=True)


def print_memory(record: MemoryRecord) -> None:
    """One memory."""
    flags = (" · pinned" if record.pinned else "") + _ended(record)
    say(f"#{record.id} {_origin_of(record)} · {record.category}{flags}", bold=True)
    paragraph(record.text, 4)


def _ended(record: MemoryRecord) -> str:
    """Until when it held, and what took its place."""
    if record.valid_to is None:
        return ""
    by = f", replaced by #{record.superseded_by}" if record.superseded_by is not None else ""
    return f" · until {clock(record.valid_to)}{by}"


def _origin_of(record: MemoryRecord) -> str:
    from perstream.jsonlines import evidence_of

    return origin(evidence_of(record, record.score))


def table(rows: Iterable[tuple[str, Any]]) -> None:
    """Name and value, aligned."""
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")
