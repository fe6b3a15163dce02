"""A disk that can be filled, made read-only and made slow, without touching anybody else's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

SIZE_MB = 256
CHUNK = b"\0" * 65536
SLOW_MS = 250
"""Added to each fsync of a slow disk."""


class Disk:
    """A file system in RAM of its own, where this process may mount one (root on Linux); else a plain folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.own = False
        if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount"):
            made = _run("mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=700", "perstream-faults", str(folder))
            self.own = made == 0

    def __enter__(self) -> Disk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.own:
            _run("mount", "-o", "remount,rw", str(self.folder))
            _run("umount", "-l", str(self.folder))

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is free. Only on a disk of its own."""
        ballast = self.folder / "ballast"
        try:
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(CHUNK)
            with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
                while True:
                    file.write(b"\0")
            yield
        finally:
            ballast.unlink(missing_ok=True)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing can be written. Only on a disk of its own, and while nobody has a file open to write there."""
        if _run("mount", "-o", "remount,ro", str(self.folder)) != 0:
            raise OSError("the disk cannot be made read-only: something is still writing there")
        try:
            yield
        finally:
            _run("mount", "-o", "remount,rw", str(self.folder))


@contextmanager
def refusing_writes(pid: int) -> Iterator[None]:
    """Every write of this process to a file fails (a limit of zero bytes a file); pipes and sockets go on. Linux."""
    import resource

    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def slow_disk(pid: int) -> Iterator[None]:
    """Each fsync of this process takes ``SLOW_MS`` longer; with strace."""
    calls = "fsync,fdatasync"
    command = ["strace", "-f", "-q", "-o", os.devnull, "-e", f"trace={calls}"]
    command += ["-e", f"inject={calls}:delay_enter={SLOW_MS * 1000}", "-p", str(pid)]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)  # it takes hold of every thread first
        if tracer.poll() is not None:
            raise OSError("strace cannot take hold of the daemon: it may not be allowed to here")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)  # it lets go of them, and they go on
        tracer.wait(10)


def can_slow() -> bool:
    """Whether strace is here."""
    return sys.platform == "linux" and shutil.which("strace") is not None


def _run(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode
