"""Which reader reads what: by the name of the format, or by a look at the file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

from perstream.errors import ConfigError, NotFound
from perstream.imports.assistants import read_chatgpt, read_claude, read_mem0, read_pasted
from perstream.imports.contacts import read_contacts
from perstream.imports.events import read_calendar
from perstream.imports.files import read_head, starts_with_json
from perstream.imports.item import MAX_ITEMS, Found, Imported, Skipped
from perstream.imports.notes import read_notes

FORMATS = ("mem0", "chatgpt", "claude", "text", "markdown", "calendar", "contacts")
ENDINGS = {
    **dict.fromkeys((".ics", ".ical", ".ifb", ".icalendar"), "calendar"),
    **dict.fromkeys((".vcf", ".vcard"), "contacts"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
}


def detect(path: Path) -> str:
    """The format of a file or folder. NotFound, ConfigError when it cannot be told."""
    if path.is_dir():
        return "markdown"
    if not path.exists():
        raise NotFound(f"there is no file or folder {path}")
    if path.suffix.lower() in ENDINGS:
        return ENDINGS[path.suffix.lower()]
    data = read_head(path)
    upper = data.upper()
    if b"BEGIN:VCALENDAR" in upper:
        return "calendar"
    if b"BEGIN:VCARD" in upper:
        return "contacts"
    if path.suffix.lower() in (".json", "") and starts_with_json(path):
        if b'"mapping"' in data or (path.name == "memory.json" and b'"content"' in data):
            return "chatgpt"
        if b'"conversations_memory"' in data:
            return "claude"
        if b'"memory"' in data:
            return "mem0"
    if b'"perstream-memory"' in data[:200] or data.startswith(b"PK"):
        raise ConfigError(f"{path} looks like an export of PerStream or an archive: perstream memory import {path}")
    if path.suffix.lower() in (".txt", ""):
        return "text"
    raise ConfigError(f"cannot tell what {path} is: say one of {', '.join(FORMATS)} before it")


def read(name: str, path: Path, now: datetime, zone: tzinfo | None = None, user: str | None = None) -> Iterator[Found]:
    """What a file or folder holds, as it is found. ``now`` is aware; ``user`` chooses one of several in mem0's JSON.

    ConfigError for a file that is not of the format, NotFound, SourceError.
    """
    if user is not None and name != "mem0":
        raise ConfigError("--user is for mem0, whose exports may be about several people")
    found = {
        "mem0": lambda: read_mem0(path, user),
        "chatgpt": lambda: read_chatgpt(path),
        "claude": lambda: read_claude(path),
        "text": lambda: read_pasted(path),
        "markdown": lambda: read_notes(path, zone),
        "calendar": lambda: read_calendar(path, now, zone),
        "contacts": lambda: read_contacts(path),
    }
    if name not in found:
        raise ConfigError(f"there is no format {name!r}: use one of {', '.join(FORMATS)}")
    if not path.exists():
        raise NotFound(f"there is no file or folder {path}")
    return _bounded(found[name]())


def _bounded(found: Iterator[Found]) -> Iterator[Found]:
    """At most MAX_ITEMS, each once."""
    seen: set[tuple[str, str]] = set()
    for item in found:
        if isinstance(item, Imported):
            if (item.origin, item.key) in seen:
                continue
            seen.add((item.origin, item.key))
            if len(seen) > MAX_ITEMS:
                yield Skipped("the rest", f"only the first {MAX_ITEMS} are taken at once", cut=True)
                return
        yield item
