"""A simulated day-long stream through the real assistant and memory, under budgets: does it stay within them?

Percepts of :mod:`long_day` go through gate, moments, captions, embedder, recall, proactive words and the store on
disk, as fast as they can. Every ten simulated minutes the owner asks something and the process is measured.
"""

from __future__ import annotations

import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from perstream.assistant.assistant import Assistant
from perstream.config import Config
from perstream.errors import ConfigError
from perstream.events import Event
from perstream.keyframes.thumbnail import thumbnail
from perstream.lab.long_day import SOURCE, WAKES, LongDay
from perstream.lab.long_run_report import LongRun, Sample
from perstream.lab.long_writes import STOP_MS
from perstream.lab.metrics import percentiles
from perstream.lab.trend import Trend, trend
from perstream.memory.memory import Memory
from perstream.memory.status import MB
from perstream.models.registry import load_backend
from perstream.protocols import Backend
from perstream.types import MemoryRecord, NewMemory

EVERY_S = 600.0
RAM_BUDGET_MB = 4.0
DISK_BUDGET_MB = 1.5
"""Small enough that a morning fills it to where as many memories go as come, whichever way it is reduced."""
WARM_UP = 0.25
"""Share of the run before the trend is measured, at least."""
BUSY, MEANINGFUL = 5, 12
"""The owner is awake in a sample with so many memories made; so many such samples are a trend."""
SETTLED = 0.05
"""The store is full when its count of memories is this near to what it stays at."""
PROFILE = (
    "I am allergic to peanuts.",
    "I take ramipril every morning.",
    "My dentist appointment is on Friday at 9:30.",
    "My train to Vienna leaves from platform 7.",
    "Remind me to buy oranges at the market.",
)
"""What the owner tells before the day, so that there is something to speak up about."""


class _TimedMemory(Memory):
    """A memory that notes how long each write took, in milliseconds: by the wall clock, and its thread's CPU."""

    wall_ms: array[float]
    cpu_ms: array[float]

    def remember(self, new: NewMemory) -> MemoryRecord:
        wall, cpu = time.perf_counter(), time.thread_time()
        record = super().remember(new)
        self.cpu_ms.append((time.thread_time() - cpu) * 1e3)
        self.wall_ms.append((time.perf_counter() - wall) * 1e3)
        return record


def long_run(
    hours: float = 24.0,
    ram_mb: float = 512.0,
    *,
    ram_budget_mb: float = RAM_BUDGET_MB,
    disk_budget_mb: float = DISK_BUDGET_MB,
    reduction: str = "gsbn",
    every_s: float = EVERY_S,
    seed: int = 0,
    backend: Backend | None = None,
    tell: Callable[[Sample], None] = lambda _: None,
) -> LongRun:
    """Run ``hours`` of the simulated stream; ``tell`` gets each sample as it is taken.

    ``ram_mb`` is what the whole process may hold; the budgets are those of ``memory.*``. Raises ConfigError for a
    run too short for a trend.
    """
    if hours * 3600 < 8 * every_s:
        raise ConfigError(f"a run takes at least {8 * every_s / 3600:.2g} hours: the trend needs its samples")
    base = Config()
    limits = replace(base.memory, ram_budget_mb=ram_budget_mb, disk_budget_mb=disk_budget_mb)
    if reduction not in ("nsbg", "gsbn"):
        raise ConfigError(f"no strategy {reduction!r}: nsbg or gsbn")
    limits = replace(limits, reduction="nsbg" if reduction == "nsbg" else "gsbn")
    config = replace(base, memory=limits)
    backend = backend or load_backend(replace(base.backend, name="builtin"), base.moment)
    with (
        tempfile.TemporaryDirectory(prefix="perstream-day-") as folder,
        _TimedMemory.open(Path(folder), config.memory, backend.embedder.embed) as memory,
    ):
        assert isinstance(memory, _TimedMemory)
        return _run(memory, backend, config, hours, ram_mb, every_s, seed, tell)


def _run(
    memory: _TimedMemory,
    backend: Backend,
    config: Config,
    hours: float,
    ram_mb: float,
    every_s: float,
    seed: int,
    tell: Callable[[Sample], None],
) -> LongRun:
    memory.wall_ms, memory.cpu_ms = array("d"), array("d")
    kinds: Counter[str] = Counter()
    at = WAKES

    def emit(event: Event) -> None:
        kinds[type(event).__name__] += 1

    def clock() -> datetime:
        return at

    day = LongDay(seed)
    assistant = Assistant(memory, backend, config, emit, clock, thumbnail)
    _forget_peak()
    for fact in PROFILE:
        assistant.tell(fact, at=at)
    samples: list[Sample] = []
    began, cpu, measured, percepts = time.perf_counter(), time.process_time(), 0, 0
    for percept in day.percepts(hours):
        if percept.keyframe.pts_s >= (len(samples) + 1) * every_s:
            assistant.ask(day.question(), now=at)
            samples.append(
                _sample(memory, (len(samples) + 1) * every_s / 3600, len(memory.wall_ms), memory.wall_ms[measured:])
            )
            measured = len(memory.wall_ms)
            tell(samples[-1])
        at = percept.keyframe.captured_at
        assistant.see(percept)
        percepts += 1
    assistant.finish(SOURCE)
    at = WAKES + timedelta(hours=hours)
    samples.append(_sample(memory, hours, len(memory.wall_ms), memory.wall_ms[measured:]))
    status = memory.status()
    warm = _warm(samples, hours)
    late = [s for s in samples if s.hour >= warm]
    p50, p95 = percentiles(memory.wall_ms)
    return LongRun(
        hours=hours,
        wall_s=time.perf_counter() - began,
        cpu_s=time.process_time() - cpu,
        percepts=percepts,
        remembered=kinds["MemoryStored"],
        ram_cap_mb=ram_mb,
        ram_budget_mb=config.memory.ram_budget_mb,
        disk_budget_mb=config.memory.disk_budget_mb,
        peak_rss_mb=max(peak_rss_mb(), *(s.rss_mb for s in samples)),
        warm_from_hour=warm,
        rss_trend=trend([s.hour for s in late], [s.rss_mb for s in late]),
        rss_trend_awake=_awake(late),
        memories_trend=trend([s.hour for s in late], [float(s.memories) for s in late]),
        write_ms_p50=p50,
        write_ms_p95=p95,
        write_ms_p99=float(np.percentile(memory.wall_ms, 99)) if memory.wall_ms else 0.0,
        write_ms_max=max(memory.wall_ms, default=0.0),
        write_cpu_ms_max=max(memory.cpu_ms, default=0.0),
        over_50_ms=sum(ms > STOP_MS for ms in memory.wall_ms),
        over_50_cpu_ms=sum(ms > STOP_MS for ms in memory.cpu_ms),
        peak_disk_mb=max(s.disk_mb for s in samples),
        peak_ram_mb=max(s.ram_mb for s in samples),
        said=kinds["ProactiveSaid"],
        index_bytes=status.index_bytes,
        bytes_per_memory=samples[-1].ram_mb * MB / max(1, samples[-1].memories),
        samples=tuple(samples),
    )


def _warm(samples: list[Sample], hours: float) -> float:
    """The hour from which nothing fills up any more: as many memories go as come; at the latest half-way.

    It goes by the count of memories alone, never by the process's memory, whose trend is then measured.
    """
    last = float(np.median([s.memories for s in samples[-len(samples) // 4 :]]))
    full = next((s.hour for s in samples if abs(s.memories - last) <= SETTLED * last), hours)
    return min(max(hours * WARM_UP, full), hours / 2)


def _awake(samples: Sequence[Sample]) -> Trend | None:
    """The trend where nothing sleeps: a night in which little happens would make any day flat."""
    busy = [after for before, after in pairwise(samples) if after.remembered - before.remembered >= BUSY]
    return trend([s.hour for s in busy], [s.rss_mb for s in busy]) if len(busy) >= MEANINGFUL else None


def _sample(memory: Memory, hour: float, remembered: int, took_ms: Sequence[float]) -> Sample:
    status = memory.status()
    own = sum(size for piece, size in status.ram_bytes.items() if piece != "cache")
    return Sample(
        hour=hour,
        rss_mb=rss_mb(),
        ram_mb=own / MB,
        disk_mb=status.disk_mb,
        memories=status.memories,
        remembered=remembered,
        remember_p95_ms=percentiles(took_ms)[1],
        remember_max_ms=max(took_ms, default=0.0),
    )


def rss_mb() -> float:
    """Resident memory of this process now, in MiB. Raises ConfigError where the system does not say."""
    return _status_mb("VmRSS:")


def peak_rss_mb() -> float:
    """The most it has been since the run began (since the process began where the system cannot forget), in MiB."""
    return _status_mb("VmHWM:")


def _status_mb(name: str) -> float:
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    except (OSError, ValueError, IndexError):
        pass
    raise ConfigError(f"this system ({sys.platform}) does not say how much memory a process holds: run it on Linux")


def _forget_peak() -> None:
    """Let the peak count from now (proc(5), clear_refs)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return
