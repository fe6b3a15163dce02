"""A store that ends with the process and leaves nothing.

Its folder is private and in RAM where the system has such a place (/dev/shm). With SQLCipher its files are encrypted with
a key that is nowhere but in this process, so that what a killed process leaves behind is noise, until the next session
removes it. Without, that can be read by this user until then, or until the machine is switched off; this is said.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from pathlib import Path

from perstream.errors import ConfigError, StoreBusy, StoreError
from perstream.memory.engine import PLAIN, Engine, Key, has_sqlcipher
from perstream.memory.lock import WriterLock

log = logging.getLogger(__name__)
PREFIX = "perstream-incognito-"
_HELD = "session.lock"
_RAM = Path("/dev/shm")
_MOUNTS = Path("/proc/mounts")


class Incognito:
    """The folder and the key of one session; see :class:`perstream.memory.engine.Keys`."""

    lasting = False

    def __init__(self) -> None:
        """Make the folder, and remove those of sessions that were killed.

        ConfigError where there is neither SQLCipher nor a disk in RAM, StoreError for a folder that cannot be made.
        """
        in_ram = is_in_ram(_RAM) and os.access(_RAM, os.W_OK | os.X_OK)
        encrypted = has_sqlcipher()
        if not encrypted and not in_ram:
            raise ConfigError(
                "an incognito session needs SQLCipher, or a disk in RAM that this system does not have: "
                "pip install 'perstream[crypt]'"
            )
        if not encrypted:
            log.warning(
                "incognito without SQLCipher: what a killed session leaves can be read by you until the next one or a "
                "restart of the machine; pip install 'perstream[crypt]' makes it noise"
            )
        for place in (_RAM, Path(tempfile.gettempdir())):
            _sweep(place)
        self._engine = Engine((Key.random(),)) if encrypted else PLAIN
        self._closing = threading.Lock()
        self.folder, self._lock = _make(_RAM if in_ram else Path(tempfile.gettempdir()))

    def engine(self, _fresh: bool, _like: Path | None = None, /) -> Engine:
        """The key of this session."""
        return self._engine

    def of_backup(self, backup: Path, /) -> Engine:
        """There are none."""
        raise StoreError(f"an incognito session has no backups, so {backup} is none of it")

    def beside(self, _backup: Path, /) -> None:
        """There are none."""

    def ended(self) -> None:
        """Remove the folder and all that is in it. Safe to call twice."""
        with self._closing:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.release()


def is_in_ram(folder: Path) -> bool:
    """Is this a file system that is never on a disk? (Its pages may be swapped out.) False where nobody can tell."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    mounts = [line.split() for line in lines]
    return any(fields[1:2] == [str(folder)] and fields[2:3] in (["tmpfs"], ["ramfs"]) for fields in mounts)


def _make(place: Path) -> tuple[Path, WriterLock]:
    """A folder that is locked before it has the name by which others look for left ones."""
    try:
        hidden = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=place))  # mode 0700
        lock = WriterLock(hidden / _HELD)
        folder = hidden.with_name(hidden.name[1:])
        hidden.rename(folder)
    except OSError as error:
        raise StoreError(f"cannot make a folder in {place} ({error.strerror}): check its rights") from error
    return folder, lock


def _sweep(place: Path) -> None:
    """Remove this user's folders that no living process holds."""
    for folder in place.glob(PREFIX + "*"):
        try:
            found = folder.lstat()
            if folder.is_symlink() or not folder.is_dir() or (hasattr(os, "geteuid") and found.st_uid != os.geteuid()):
                continue
            lock = WriterLock(folder / _HELD)
        except (OSError, StoreBusy, StoreError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
