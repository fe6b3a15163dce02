"""Markdown notes: one file, or a folder of them such as an Obsidian vault."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime, timezone, tzinfo
from pathlib import Path

from perstream.errors import PerStreamError
from perstream.imports.files import MAX_PROSE, decoded, key_for, parsed_time, read_bytes, short_name, tidy, utc
from perstream.imports.item import MAX_TEXT, Found, Imported, Skipped
from perstream.imports.prose import pieces, under

SUFFIXES = (".md", ".markdown", ".txt")
OTHERS = (".ics", ".vcf")
"""What can be imported, but is no note: it is named, so that nobody thinks it was taken."""
MAX_FILES = 20_000
MAX_DEPTH = 12
"""Folders within folders."""
_TEMPLATES = frozenset({"templates", "template", "_templates"})
_DAY = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?!\d)")
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.{0,20000}?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^([A-Za-z][\w -]{0,40}):[ \t]*(\S.*)?$")


def read_notes(path: Path, zone: tzinfo | None = None) -> Iterator[Found]:
    """Bullets, paragraphs and table rows of a note or of all notes in a folder, as told on the day a note names, else
    when it was last changed. Hidden folders, templates, links that lead out of the folder and other files are left out."""
    if not path.is_dir():
        yield from _note(path, short_name(path), zone)
        return
    base = short_name(path.resolve())
    for number, file in enumerate(_notes_in(path), start=1):
        if number > MAX_FILES:
            yield Skipped(base, f"it has more than {MAX_FILES} notes; the rest was left out", cut=True)
            return
        name = file.relative_to(path).as_posix()
        if file.suffix.lower() in OTHERS:
            yield Skipped(short_name(name), "it is no note: import it by itself")
            continue
        try:
            yield from _note(file, f"{base}/{short_name(name)}", zone)
        except PerStreamError as error:
            yield Skipped(short_name(name), str(error))


def _notes_in(folder: Path) -> Iterator[Path]:
    """Files in the order of their names. Symbolic links are not followed: they may lead anywhere."""
    for place, folders, files in os.walk(folder, followlinks=False):
        deep = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(
            name
            for name in folders
            if deep < MAX_DEPTH and not name.startswith(".") and name.casefold() not in _TEMPLATES
        )
        for name in sorted(files):
            file = Path(place, name)
            if file.suffix.lower() in SUFFIXES + OTHERS and not name.startswith(".") and not file.is_symlink():
                yield file


def _note(file: Path, name: str, zone: tzinfo | None) -> Iterator[Found]:
    text = decoded(read_bytes(file, MAX_PROSE), file.name)
    front = _FRONT.match(text)
    fields = _fields(front[1]) if front else {}
    if front:
        text = "\n" * front.group().count("\n") + text[front.end() :]
    named = _day_in(file.stem, zone)
    at = named or _dated(fields, zone) or _changed(file)
    title = () if named else (tidy(file.stem.replace("_", " ")),)
    origin, seen = f"markdown:{name}", set[str]()
    for piece in pieces(text):
        words = under((*title, *piece.under), piece.text)
        if len(words) > MAX_TEXT:
            yield Skipped(f"{name}, line {piece.line}", f"it is longer than {MAX_TEXT} characters")
        elif words not in seen:
            seen.add(words)
            yield Imported(origin, key_for(words), words, at=at, valid_from=named)


def _fields(front: str) -> dict[str, str]:
    """Simple ``name: value`` lines of the front matter; what YAML can do beyond that is not read."""
    found = (_FIELD.match(line) for line in front.splitlines())
    return {match[1].strip().lower(): (match[2] or "").strip().strip("\"'") for match in found if match}


def _dated(fields: dict[str, str], zone: tzinfo | None) -> datetime | None:
    for name in ("date", "created", "day"):
        value = fields.get(name, "")
        found = _day_in(value, zone) if len(value) == 10 else parsed_time(value)
        if found is not None:
            return found
    return None


def _day_in(name: str, zone: tzinfo | None) -> datetime | None:
    """The day that a daily note is about, at its begin; None when the name has none, or two."""
    days = _DAY.findall(name)
    if len(days) != 1:
        return None
    try:
        year, month, day = map(int, days[0])
        begin = datetime(year, month, day)
        return utc(begin.replace(tzinfo=zone) if zone is not None else begin.astimezone())
    except (ValueError, OverflowError, OSError):
        return None


def _changed(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(file.stat().st_mtime), timezone.utc)
    except (OSError, OverflowError, ValueError):
        return None
