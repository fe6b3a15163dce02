"""``perstream memory export --everything``: a folder or a ZIP file that holds all there is."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from perstream.cli.passphrase import vault
from perstream.cli.progress import progress
from perstream.cli.written import unembedded, written
from perstream.config import Config
from perstream.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from perstream.memory.archive import Shelf
    from perstream.memory.memory import Memory


def export_everything(target: Path, vectors: bool, force: bool, settings: Config) -> tuple[dict[str, int], int]:
    """Write the archive; how many of each, and its bytes. ConfigError for a target that is there, StoreError."""
    from perstream.memory.archive import FolderShelf, ZipShelf
    from perstream.memory.memory import Memory

    zipped = target.suffix.lower() == ".zip"
    if target.exists() and not (zipped and force and target.is_file()):
        again = ", or --force to write over it" if zipped and target.is_file() else ""
        raise ConfigError(f"{target} is there already: choose another name{again}")
    keys = vault(settings)
    with Memory.open(keys.folder, settings.memory, unembedded, read_only=True, keys=keys) as memory:
        if zipped:
            with written(target) as out:
                shelf = ZipShelf(out)
                done = _put(memory, shelf, vectors)
                shelf.close()
            return done, target.stat().st_size
        try:
            folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))  # mode 0700
            try:
                done = _put(memory, FolderShelf(folder), vectors)
                os.rename(folder, target)  # noqa: PTH104 - one that appeared meanwhile is not written over
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror}") from error
    return done, sum(file.stat().st_size for file in target.rglob("*") if file.is_file())


def _put(memory: Memory, shelf: Shelf, vectors: bool) -> dict[str, int]:
    made = memory.exchange.export_archive(shelf, vectors, progress("exported"))
    return {
        "memories": made.memories,
        "entities": made.entities,
        "gaps": made.gaps,
        "pictures": made.pictures,
        "days": made.days,
        "rows": made.rows,
    }
