"""Everything a store holds as a folder or a ZIP file in open formats, for reading, keeping and taking elsewhere.

    manifest.json       format, version, and of each other file its size and SHA-256
    README.txt          what is what
    memories.jsonl      entities, memories with vectors and triplets, gaps: as ``perstream memory export FILE.jsonl``
    speech.jsonl        words said unasked, votes, snoozes, reminders, the account of what was left out
    thumbnails/12.jpg   the picture of memory 12
    days/2026-11-20.md  a page for reading

Two exports of equal stores are equal, byte for byte, where the clock's zone is.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from perstream.memory import daybook, jsonl, speechlines
from perstream.memory.engine import Connection

FORMAT = "perstream-archive"
VERSION = 1
MANIFEST, MEMORIES, SPEECH, README = "manifest.json", "memories.jsonl", "speech.jsonl", "README.txt"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_VECTORS = ("pooled", "tokens", "mean", "nearest")
_ABOUT = """This is everything that a PerStream store remembered.

days/            one page of Markdown for each day, to be read by anybody
thumbnails/      the picture of each memory, by the memory's number
memories.jsonl   the memories, one JSON object a line: words, times, where from, triplets, vectors; gaps in what was seen
speech.jsonl     what was said unasked and what you thought of it, reminders, what was left out before it was stored
manifest.json    sizes and SHA-256 of these files

Take it back into a store with:  perstream memory import THIS_FOLDER_OR_ZIP
Nothing here is encrypted. What is forgotten in PerStream later stays here: delete this, too.
"""


class Shelf(Protocol):
    """Where files of an archive are put, one after the other."""

    def file(self, name: str) -> Any:
        """A context in which the file can be written as IO[bytes]."""


class ZipShelf:
    """One ZIP file; pictures as they are, the rest compressed."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=True)

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        entry = zipfile.ZipInfo(name, _LONG_AGO)
        entry.compress_type = zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        with self._zip.open(entry, "w", force_zip64=True) as out:
            yield out

    def close(self) -> None:
        """Write the directory."""
        self._zip.close()


class FolderShelf:
    """A folder that is the owner's alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out


class _Weighed:
    """A file that knows how much was written and its digest."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self.size += len(data)
        return self._out.write(data)

    @property
    def entry(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {"bytes": self.size, "sha256": self._digest.hexdigest()}


def write(connection: Connection, shelf: Shelf, vectors: bool, progress: Callable[[int], None]) -> dict[str, int]:
    """Put everything on the shelf; how many of each. The connection is in a transaction, so that all is of one moment.

    Without ``vectors`` they are left out, and made anew where the archive is read; what was seen has none then.
    """
    files: dict[str, dict[str, Any]] = {}

    @contextmanager
    def file(name: str) -> Iterator[Any]:
        with shelf.file(name) as out:
            weighed = _Weighed(out)
            yield weighed
            files[name] = weighed.entry

    with file(README) as out:
        out.write(_ABOUT.encode())
    with file(MEMORIES) as out:
        counts = jsonl.write(connection, out, progress, lambda line: _lean(line, vectors))
    with file(SPEECH) as out:
        counts["rows"] = speechlines.write(connection, out)
    counts["pictures"] = counts["days"] = 0
    for number, jpeg in connection.execute("SELECT memory_id, jpeg FROM thumbnails ORDER BY memory_id"):
        with file(f"thumbnails/{number}.jpg") as out:
            out.write(jpeg)
        counts["pictures"] += 1
    for day, page in daybook.pages(connection):
        with file(f"days/{day}.md") as out:
            out.write(page.encode("utf-8", "replace"))
        counts["days"] += 1
    about = {"format": FORMAT, "version": VERSION, "counts": counts, "files": files}
    with shelf.file(MANIFEST) as out:
        out.write(json.dumps(about, indent=1).encode() + b"\n")
    return counts


def _lean(line: dict[str, Any], vectors: bool) -> dict[str, Any]:
    """The line without what stands in files of its own, or is not wanted."""
    if line["kind"] == "memory":
        line["thumbnail"] = None
        if not vectors:
            gone = _VECTORS if line["pooled"] is not None else _VECTORS[1:]  # null is for one that was given up
            line = {name: value for name, value in line.items() if name not in gone}
    elif line["kind"] == "entity" and not vectors:
        line["vector"] = None
    return line
