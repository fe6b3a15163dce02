"""Many items, several at a time, each once: with progress, and with a list of what failed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from perstream.errors import PerStreamError
from perstream.lab.kit.journal import Journal

T = TypeVar("T")
SHOWN_EVERY_S = 1.0
"""How often progress is written, at most."""
AHEAD = 2
"""So many items per worker are handed out: nobody waits while a result is written."""


@dataclass(frozen=True)
class Summary:
    """What came of a run."""

    done: int
    """Worked on now."""
    known: int
    """Done by an earlier run."""
    failed: tuple[tuple[str, str], ...]
    """(key, error) of those that did not work out; the next run tries them again."""
    wall_s: float

    @property
    def line(self) -> str:
        """For the end of a run."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{self.done} done, {self.known} known from before{failed}, {self.wall_s:.1f} s"


def run_all(
    items: Sequence[T],
    key: Callable[[T], str],
    work: Callable[[T], Any],
    journal: Journal,
    *,
    workers: int = 1,
    title: str = "",
    progress: Callable[[str], None] | None = None,
) -> Summary:
    """Do ``work`` for every item that the journal does not hold, ``workers`` at a time, and note its result at once.

    An error of PerStream's tree fails its item alone; anything else, and Ctrl-C, ends the run after what is in hand,
    and what was done stays. ``progress`` receives a line now and then (default: standard error).
    """
    keys = [key(item) for item in items]
    twice = {name for name in keys if keys.count(name) > 1} if len(set(keys)) < len(keys) else set()
    if twice:
        raise ValueError(f"items with one key: {sorted(twice)[:3]}")
    tell = progress or _to_stderr
    left = [(name, item) for name, item in zip(keys, items, strict=True) if name not in journal]
    known, started, shown = len(items) - len(left), time.monotonic(), 0.0
    failed: list[tuple[str, str]] = []
    done = 0
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="perstream-kit") as pool:
        running: dict[Future[Any], str] = {}
        queue = iter(left)
        try:
            while True:
                while len(running) < AHEAD * max(1, workers) and (following := next(queue, None)) is not None:
                    running[pool.submit(work, following[1])] = following[0]
                if not running:
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    name = running.pop(future)
                    try:
                        journal.add(name, future.result())
                    except PerStreamError as error:
                        failed.append((name, str(error)))
                    done += 1
                now = time.monotonic()
                if now - shown >= SHOWN_EVERY_S:
                    shown = now
                    tell(_line(title, known + done, len(items), len(failed), done, len(left), now - started))
        finally:
            for future in running:
                future.cancel()
            for future in running:  # what is in hand is finished and kept
                if not future.cancelled() and future.exception() is None:
                    journal.add(running[future], future.result())
    summary = Summary(done - len(failed), known, tuple(failed), time.monotonic() - started)
    tell(f"{title}: {summary.line}")
    return summary


def _line(title: str, at: int, total: int, failed: int, done: int, left: int, seconds: float) -> str:
    rest = (left - done) * seconds / max(1, done)
    trouble = f", {failed} failed" if failed else ""
    return f"{title}: {at}/{total}{trouble}, about {rest:.0f} s left"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
