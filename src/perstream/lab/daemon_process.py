"""A daemon in a process of its own, for benchmarks and faults: started, asked, stopped, killed."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from perstream.errors import PerStreamError

START_S = 60.0


class DaemonProcess:
    """``perstream serve`` on ``store``; used as a context it is stopped at the end."""

    def __init__(
        self,
        store: Path,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        complaints: Path | None = None,
    ) -> None:
        """Starts it and waits until it serves. PerStreamError with its own words when it does not.

        Its standard error goes to ``complaints``, by default beside the store.
        """
        self.store = store
        command = [sys.executable, "-m", "perstream", "serve", "--port", "0", "--store", str(store), "--json"]
        self._complaints = (complaints or store.parent / f"{store.name}.stderr").open("ab+")
        self._process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # its readers belong to it
        )
        try:
            self.url = str(json.loads(self._first_line())["url"])
        except (ValueError, KeyError) as error:
            self.send(signal.SIGKILL)
            said = self.complaints()[-500:]
            self._end()
            raise PerStreamError(f"the daemon did not start: {said or 'it said nothing'}") from error

    @property
    def pid(self) -> int:
        """Of the daemon itself."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it lives."""
        return self._process.poll()

    def complaints(self) -> str:
        """What it wrote to standard error, over all its lives on this store."""
        self._complaints.seek(0)
        return self._complaints.read().decode("utf-8", "replace").strip()

    def send(self, number: int) -> None:
        """A signal to it and its readers."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, readers included."""
        self.send(signal.SIGKILL)
        self._end()

    def stop(self, timeout: float = 30.0) -> float:
        """SIGTERM; seconds until it had ended. PerStreamError when it did not, and then it is killed."""
        began = time.monotonic()
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise PerStreamError(f"the daemon did not stop within {timeout:g} s") from error
        took = time.monotonic() - began
        self._end()
        return took

    def rss_mb(self) -> float:
        """Resident memory of the daemon itself, MiB; Linux."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_s(self) -> float:
        """CPU seconds of the daemon itself so far; Linux."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> DaemonProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.stop()
        self._end()

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(START_S):
                raise ValueError("it did not say where it serves")
        return self._process.stdout.readline().decode("utf-8", "replace")

    def _end(self) -> None:
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        if not self._complaints.closed:
            self._complaints.close()
