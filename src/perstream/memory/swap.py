"""Putting one file in another's place so that a crash leaves one of the two, whole, and nothing readable beside it."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

REPLACED = ".replaced"
"""A file that was replaced bears this ending until it has been overwritten."""
RECODED = ".recoded"
"""A file that is written to take another's place."""
_LEFT = (REPLACED, RECODED, RECODED + ".partial", RECODED + ".partial-journal")
WAL = "-wal"
SIDES = (WAL, "-shm", "-journal")
"""What SQLite keeps beside a database."""
_PIECE = 1 << 20


def swap(fresh: Path, path: Path, *, wiped: bool) -> None:
    """Put ``fresh``, which is on disk, where ``path`` is. Both are in one folder. Raises OSError.

    With ``wiped`` the bytes of what was there are overwritten. Until that is done the file has a second name, so that
    :func:`tidy` finds it after a crash.
    """
    old = path.with_name(path.name + REPLACED)
    if wiped:
        second_name(path)
    fresh.replace(path)
    sync(path.parent)
    if wiped:
        wipe(old)


def second_name(path: Path) -> None:
    """Give a file that is about to go a second name under which :func:`wipe` finds it."""
    old = path.with_name(path.name + REPLACED)
    if path.exists():
        old.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a file system without links: the file goes without being overwritten
            os.link(path, old)


def wipe(old: Path) -> None:
    """Overwrite a file with zeros, on disk, and delete it; when it has another name still, that is left alone."""
    try:
        with old.open("r+b") as opened:
            found = os.fstat(opened.fileno())
            for start in range(0, found.st_size if found.st_nlink == 1 else 0, _PIECE):
                opened.write(bytes(min(_PIECE, found.st_size - start)))
            opened.flush()
            os.fsync(opened.fileno())
        old.unlink()
    except FileNotFoundError:
        return


def tidy(folder: Path) -> None:
    """Overwrite and delete what a crash left of files that were rewritten. The caller is the store's writer."""
    for place in (folder, folder / "backups"):
        for old in itertools.chain.from_iterable(place.glob("*.db*" + ending) for ending in _LEFT):
            _clear(old)


def tidy_beside(path: Path) -> None:
    """The same for one file that is elsewhere."""
    for side in ("", *SIDES):
        for ending in _LEFT:
            _clear(path.with_name(path.name + side + ending))


def _clear(old: Path) -> None:
    with contextlib.suppress(OSError):  # a folder that may not be written is told about when it is written to
        wipe(old)


def sync(folder: Path) -> None:
    """Have the names in a folder on disk. Where folders cannot be opened or synced there is nothing to do."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
