"""The text of a dataset file, and where in it each record stands: read as far as it can be, with all that is wrong."""

from __future__ import annotations

import codecs
import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError, NotFound
from perstream.lab.eval_recall import MAX_BYTES
from perstream.lab.kit.records import kind_of

_SPACE = re.compile(r"[ \t\r\n]*")
_BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with the file itself."""

    line: int
    """From 1."""
    message: str
    record: int | None = None
    """Place in the list, from 0, where it is about one."""
    field: str = ""


@dataclass(frozen=True, slots=True)
class RecordText:
    """A file's records, with the line on which each begins."""

    records: tuple[tuple[int, Any], ...]
    troubles: tuple[Trouble, ...]


def read_records_text(path: Path) -> RecordText:
    """Read as many records as there are. NotFound without a file, ConfigError for one that cannot be read at all."""
    if not path.is_file():
        raise NotFound(f"there is no dataset file {path}")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than a gigabyte")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    text, troubles = _decoded(data)
    records, more = _split(text)
    return RecordText(tuple(records), (*troubles, *more))


def _decoded(data: bytes) -> tuple[str, list[Trouble]]:
    for bom, name in _BOMS:
        if data.startswith(bom):
            trouble = Trouble(1, f"is {name.upper()}, must be UTF-8: save it again in that encoding")
            return data.decode(name, "replace"), [trouble]
    troubles: list[Trouble] = []
    if data.startswith(codecs.BOM_UTF8):
        troubles.append(Trouble(1, "begins with a byte order mark (BOM), which JSON does not have: save it without"))
        data = data[len(codecs.BOM_UTF8) :]
    try:
        return data.decode("utf-8"), troubles
    except UnicodeDecodeError:
        pass
    lines = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            wrong = line[error.start : error.end]
            likely = f", {wrong.decode('cp1252')!r} in Windows-1252" if _is_cp1252(wrong) else ""
            message = f"byte {error.start + 1} of the line is not UTF-8 ({wrong.hex(' ')}{likely}): save it as UTF-8"
            troubles.append(Trouble(number, message))
            lines.append(line.decode("cp1252", "replace"))
    return "\n".join(lines), troubles


def _is_cp1252(data: bytes) -> bool:
    try:
        return data.decode("cp1252").isprintable()
    except UnicodeDecodeError:
        return False


def _split(text: str) -> tuple[list[tuple[int, Any]], list[Trouble]]:
    """The elements of the list, each with its line; what breaks the JSON ends the reading."""
    breaks = [match.start() for match in re.finditer("\n", text)]

    def line_at(place: int) -> int:
        return bisect_right(breaks, place - 1) + 1

    troubles: list[Trouble] = []
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(found)

    decoder = json.JSONDecoder(object_pairs_hook=pairs)
    records: list[tuple[int, Any]] = []
    place = _skip(text, 0)
    if not text[place:]:
        return records, [Trouble(line_at(place), "is empty: a dataset is a JSON list of records")]
    if text[place] != "[":
        try:
            found = kind_of(decoder.raw_decode(text, place)[0])
        except (ValueError, RecursionError) as error:
            return records, [Trouble(line_at(place), f"is no JSON: {_reason(error)}")]
        return records, [Trouble(line_at(place), f"is {found}, and a dataset is a JSON list of records")]
    place = _skip(text, place + 1)
    if text[place : place + 1] == "]":
        troubles.append(Trouble(line_at(place), "holds no records"))
        return records, troubles
    while True:
        line = line_at(place)
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            at = getattr(error, "pos", place)
            cut = "the file ends in the middle of a record" if not text[at:].strip() else _reason(error)
            troubles.append(Trouble(line_at(min(at, len(text))), f"{cut}; nothing after it was checked", len(records)))
            return records, troubles
        troubles += [Trouble(line, "stands twice in the record", len(records), name) for name in twice]
        twice.clear()
        records.append((line, value))
        place = _skip(text, end)
        mark = text[place : place + 1]
        if mark == "]":
            place = _skip(text, place + 1)
            if text[place:]:
                troubles.append(Trouble(line_at(place), "something follows the end of the list"))
            return records, troubles
        if mark != ",":
            what = "the file is cut off: the list is not closed" if not mark else "a comma is missing between records"
            troubles.append(Trouble(line_at(place), f"{what}; nothing after it was checked"))
            return records, troubles
        place = _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"the JSON is broken: {getattr(error, 'msg', str(error))}"
