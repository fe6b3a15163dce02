"""The writer's lock: one process at a time writes a store."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from perstream.errors import StoreBusy, StoreError

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class WriterLock:
    """``writer.lock`` in the store's folder; its text is the process id of the holder.

    The lock is the operating system's and ends with the process, so a file left behind by a killed
    process blocks nobody. It is taken here and not with filelock, which empties the file when it
    opens it: the second one who tries would erase the holder's id for the third.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises StoreBusy (with the holder's id) or StoreError."""
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise StoreError(
                f"cannot write in {path.parent} ({error.strerror}): choose a folder you may write"
            ) from error
        try:
            _lock(self._handle)
        except OSError as error:
            holder = os.pread(self._handle, 32, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
            os.close(self._handle)
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise StoreBusy(f"{who} is writing the store {path.parent}: ask it, or stop it first") from error
        with contextlib.suppress(OSError):  # the id is a courtesy; a full disk must not keep the store shut
            os.ftruncate(self._handle, 0)
            os.write(self._handle, f"{os.getpid()}\n".encode("ascii"))

    def release(self) -> None:
        """Let the next writer in. Safe to call twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
