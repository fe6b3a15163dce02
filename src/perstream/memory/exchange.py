"""A store's memories to a file and back: JSON Lines that hold everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from perstream.config import MemoryConfig
from perstream.memory import archive, jsonl, lines, speechlines
from perstream.memory.archive import Shelf
from perstream.memory.cleared import Cleared, unchanged
from perstream.memory.entities import Entities
from perstream.memory.fields import pack_bytes
from perstream.memory.imported import Register
from perstream.memory.importer import Importer
from perstream.memory.keeper import Keeper
from perstream.memory.live import LiveIndex
from perstream.memory.store import Store
from perstream.memory.unpacked import Unpacked
from perstream.memory.visits import Visits
from perstream.memory.writes import write_visits
from perstream.types import TextVectors


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    entities: int
    memories: int
    gaps: int


@dataclass(frozen=True, slots=True)
class Archived:
    """What was written to an archive."""

    entities: int
    memories: int
    gaps: int
    rows: int
    """Of what stands beside the memories."""
    pictures: int
    days: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken in."""

    memories: int
    """New ones."""
    known: int
    """Were there already."""
    gaps: int
    embedded: int
    """Memories whose vectors were made here: the file had none, or another embedder's."""


def unheard(_: int) -> None:
    """Progress that nobody follows."""


class Exchange:
    """Export and import of one open store."""

    def __init__(
        self,
        store: Store,
        config: MemoryConfig,
        parts: tuple[Entities, LiveIndex, Visits, Keeper],
    ) -> None:
        """``parts`` hold copies in RAM and are told what changed."""
        self._store = store
        self._config = config
        self._entities, self._index, self._visits, self._keeper = parts
        self.register = Register(store)
        """Which memory came of which thing that was imported."""

    def export(self, out: IO[bytes], progress: Callable[[int], None] = unheard) -> Exported:
        """Write everything, as it is at this moment, to an open file. Raises StoreError and the file's OSError.

        ``progress`` is told the memories written so far.
        """
        self._write_visits()
        with self._store.reading() as connection:
            connection.execute("BEGIN")  # one state of the store, whoever writes meanwhile
            try:
                return Exported(**jsonl.write(connection, out, progress))
            finally:
                connection.execute("ROLLBACK")

    def export_archive(self, shelf: Shelf, vectors: bool = True, progress: Callable[[int], None] = unheard) -> Archived:
        """Put everything on a shelf, as it is at this moment. Raises StoreError and the files' OSError."""
        self._write_visits()
        with self._store.aside() as connection:
            return Archived(**archive.write(connection, shelf, vectors, progress))

    def import_archive(
        self,
        unpacked: Unpacked,
        embed_tokens: Callable[[str], TextVectors],
        progress: Callable[[int], None] = unheard,
        cleared: Cleared = unchanged,
    ) -> Imported:
        """Take in an archive, in one transaction: all of it, or on an error nothing. Raises StoreError.

        Into a store without memories everything comes back as it was. Into another one, memories, gaps, reminders and
        what was imported come; what was said unasked and thought of it does not: it was about another store.
        """

        def take(importer: Importer) -> None:
            with unpacked.file(archive.MEMORIES) as file:
                for line in lines.read(file):
                    if line.kind == "memory" and type(line.values.get("id")) is int:
                        jpeg = unpacked.picture(line.values["id"])
                        line.values["thumbnail"] = None if jpeg is None else pack_bytes(jpeg)
                    self._take(importer, line, progress)
            with unpacked.file(archive.SPEECH) as file:
                for _, table, values in speechlines.read(file):
                    importer.beside(table, values)

        return self._imported(take, embed_tokens, cleared)

    def import_from(
        self,
        file: IO[bytes],
        embed_tokens: Callable[[str], TextVectors],
        progress: Callable[[int], None] = unheard,
        cleared: Cleared = unchanged,
    ) -> Imported:
        """Take in an export, in one transaction: all of it, or on an error nothing.

        ``cleared`` takes out of each text what must not be stored.
        Raises StoreError with the number of the line that cannot be used.
        """

        def take(importer: Importer) -> None:
            for line in lines.read(file):
                self._take(importer, line, progress)

        return self._imported(take, embed_tokens, cleared)

    def _take(self, importer: Importer, line: lines.Line, progress: Callable[[int], None]) -> None:
        try:
            importer.take(line.kind, line.values)
        except ValueError as error:
            raise lines.unusable(line.number, error) from error
        progress(importer.added + importer.known)

    def _imported(
        self, take: Callable[[Importer], None], embed_tokens: Callable[[str], TextVectors], cleared: Cleared
    ) -> Imported:
        self._entities.forget_cache()
        try:
            with self._store.writing() as connection:
                importer = Importer(connection, self._entities, embed_tokens, self._config.thumbnails, cleared)
                take(importer)
                importer.finish()
        finally:
            self._entities.forget_cache()
        self._index.drop()
        self._keeper.stay_within_budget(max(1, importer.added))
        return Imported(importer.added, importer.known, importer.gaps, importer.embedded)

    def _write_visits(self) -> None:
        if not self._store.read_only:
            with self._store.writing() as connection:
                write_visits(connection, self._visits.take())
