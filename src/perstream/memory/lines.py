"""The lines of an export, one at a time and of bounded size, with the header and the end checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from perstream.errors import StoreError
from perstream.memory.fields import Fields
from perstream.memory.jsonl import FORMAT, KINDS, VERSION

MAX_LINE = 32 * 1024 * 1024
"""Bytes. A memory with a picture and 144 patch vectors of 3584 dimensions has 3 MB."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line after the header."""

    number: int
    """1-based, as editors count."""
    kind: str
    """``entity``, ``memory`` or ``gap``."""
    values: dict[str, Any]


def read(file: IO[bytes]) -> Iterator[Line]:
    """The lines after the header. Raises StoreError with the line's number for what cannot be used."""
    numbered = _parsed(file)
    expected = _header(next(numbered, (1, None))[1])
    found = dict.fromkeys(KINDS.values(), 0)
    number = 1
    for number, values in numbered:
        kind = values.pop("kind", None) if isinstance(values, dict) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise unusable(number, "it is no entity, memory or gap")
        if kind == "entity" and found["memories"]:
            raise unusable(number, "entities come before the memories")
        found[KINDS[kind]] += 1
        yield Line(number, kind, values)
    for table, count in expected.items():
        if found[table] != count:
            raise unusable(number, f"the file ends after {found[table]} of {count} {table}: it was cut off")


def unusable(number: int, why: object) -> StoreError:
    """The error for a line; the caller takes back what was imported so far."""
    return StoreError(f"line {number} cannot be used: {why}; nothing was imported")


def _header(values: object) -> dict[str, int]:
    """How many of each table follow, where the header says so."""
    name = values.get("format") if isinstance(values, dict) else None
    if not isinstance(values, dict) or name != FORMAT:
        raise unusable(1, f'it is no header with "format": "{FORMAT}": this is no export of PerStream')
    version = values.get("version")
    if isinstance(version, int) and version > VERSION:
        raise StoreError(
            f"the file is of version {version}, this PerStream reads up to {VERSION}: install a newer PerStream"
        )
    try:
        if version != VERSION:
            raise ValueError("'version' is missing or unknown")
        header = Fields(values, ("kind", "format", "version", *KINDS.values()))
        return {table: header.whole(table) for table in KINDS.values() if table in header}
    except ValueError as error:
        raise unusable(1, error) from error


def _parsed(file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise unusable(number, f"it is longer than {MAX_LINE // 2**20} MB")
        if not line.strip():
            continue
        try:
            yield number, json.loads(line.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise unusable(number, f"it is no JSON in UTF-8, or cut off ({error})") from error


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")
