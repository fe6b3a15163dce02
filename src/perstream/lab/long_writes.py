"""How long one write takes in a large store whose two budgets are both full: does any stop the world?

A store is filled without limits, then opened again with budgets that it already exceeds or just meets: from then
on every write also gives something up, on disk and in RAM.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

import numpy as np

from perstream.config import MemoryConfig
from perstream.lab.day import words
from perstream.lab.metrics import percentiles
from perstream.memory.memory import Memory
from perstream.memory.reduce import Order
from perstream.models.builtin_vision import BuiltinVision
from perstream.types import FloatArray, NewMemory, Provenance, TextVectors, Triplet
from perstream.vectors import normalized

STOP_MS = 50.0
"""No write may take longer."""
BATCH = 1000
"""Memories stored at a time while filling."""
SEEN_EVERY = 3
"""Every so many memories one was seen: with patch vectors and a picture."""
PATCHES = 64
PICTURE_BYTES = 4000
TOKENS = 14
RAM_SHARE, DISK_SHARE = 0.9, 0.97
"""Of what the store would take without limits are its budgets."""
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class WriteTimes:
    """Milliseconds of ``Memory.remember``, one memory each."""

    memories: int
    """In the store when measuring began."""
    writes: int
    first_ms: float
    """The first write of a process, which loads what writing needs; it is not among the others."""
    write_ms_p50: float
    write_ms_p95: float
    write_ms_p99: float
    write_ms_max: float
    write_cpu_ms_max: float
    """The longest by CPU time of its thread: what a busy disk or machine does not lengthen."""
    over_50_ms: int
    over_50_cpu_ms: int
    disk_mb: float
    disk_budget_mb: float
    """At the end."""
    ram_mb: float
    ram_budget_mb: float

    def line(self) -> str:
        """For people."""
        return (
            f"writes at {self.memories:,} memories, both budgets full: p50 {self.write_ms_p50:.1f}, "
            f"p95 {self.write_ms_p95:.1f}, p99 {self.write_ms_p99:.1f}, max {self.write_ms_max:.1f} ms (by CPU "
            f"{self.write_cpu_ms_max:.1f}); over {STOP_MS:g} ms: {self.over_50_ms} of {self.writes} (by CPU "
            f"{self.over_50_cpu_ms}), the first of the process {self.first_ms:.0f} ms; disk {self.disk_mb:.1f} MB, budget {self.disk_budget_mb:.1f}; "
            f"RAM {self.ram_mb:.1f} MB, budget {self.ram_budget_mb:.1f}"
        )


def long_writes(memories: int = 100_000, writes: int = 6000, reduction: Order = "gsbn", seed: int = 0) -> WriteTimes:
    """Fill a store with ``memories``, then time ``writes`` more under full budgets."""
    made = _made(seed)
    unlimited = MemoryConfig(ram_budget_mb=0, disk_budget_mb=0, reduction=reduction)
    with tempfile.TemporaryDirectory(prefix="perstream-writes-") as folder:
        with Memory.open(Path(folder), unlimited, _labels) as memory:
            for start in range(0, memories, BATCH):
                memory.remember_all(islice(made, min(BATCH, memories - start)))
            memory.warm()
            status = memory.status()
        own = sum(size for piece, size in status.ram_bytes.items() if piece != "cache") / (1 << 20)
        limits = replace(unlimited, ram_budget_mb=own * RAM_SHARE, disk_budget_mb=status.disk_mb * DISK_SHARE)
        with Memory.open(Path(folder), limits, _labels) as memory:
            memory.warm()
            return _time(memory, limits, memories, list(islice(made, writes + 1)))


def _time(memory: Memory, limits: MemoryConfig, before: int, news: Sequence[NewMemory]) -> WriteTimes:
    wall_ms: list[float] = []
    cpu_ms: list[float] = []
    for new in news:
        wall, cpu = time.perf_counter(), time.thread_time()
        memory.remember(new)
        cpu_ms.append((time.thread_time() - cpu) * 1e3)
        wall_ms.append((time.perf_counter() - wall) * 1e3)
    first_ms = wall_ms.pop(0)
    del cpu_ms[0]
    status = memory.status()
    own = sum(size for piece, size in status.ram_bytes.items() if piece != "cache")
    p50, p95 = percentiles(wall_ms)
    return WriteTimes(
        memories=before,
        writes=len(wall_ms),
        first_ms=first_ms,
        write_ms_p50=p50,
        write_ms_p95=p95,
        write_ms_p99=float(np.percentile(wall_ms, 99)),
        write_ms_max=max(wall_ms),
        write_cpu_ms_max=max(cpu_ms),
        over_50_ms=sum(ms > STOP_MS for ms in wall_ms),
        over_50_cpu_ms=sum(ms > STOP_MS for ms in cpu_ms),
        disk_mb=status.disk_mb,
        disk_budget_mb=limits.disk_budget_mb,
        ram_mb=own / (1 << 20),
        ram_budget_mb=limits.ram_budget_mb,
    )


def _made(seed: int) -> Iterator[NewMemory]:
    """Memories without end, ten seconds apart, of the sizes of real ones."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    number = 0
    while True:
        friend, thing, place = rng.choice(words.PEOPLE), rng.choice(words.GROCERIES), rng.choice(words.CITIES)
        text = f"{friend} bought {rng.randrange(2, 900)} {thing} in {place} before {rng.choice(words.DAYS)}"
        at = START + timedelta(seconds=10 * number)
        seen = number % SEEN_EVERY == 0
        patches = noise.standard_normal((PATCHES, BuiltinVision.dimension)).astype(np.float16) if seen else None
        yield NewMemory(
            text=text,
            category="notes",
            provenance=Provenance.SEEN if seen else Provenance.HEARD,
            observed_at=at,
            ended_at=at + timedelta(seconds=5),
            vectors=TextVectors(
                normalized(noise.standard_normal(384, np.float32)),
                normalized(noise.standard_normal((TOKENS, 384), np.float32)),
                tuple(text.split()[:TOKENS]),
            ),
            source="camera",
            start_s=10.0 * number,
            end_s=10.0 * number + 5,
            speaker=None if seen else friend,
            triplets=(Triplet(friend, "bought", f"{thing} {rng.randrange(40)}"), Triplet(friend, "was in", place)),
            mean_vector=patches,
            nearest_vector=patches,
            thumbnail=rng.randbytes(PICTURE_BYTES) if seen else None,
        )
        number += 1


def _labels(texts: Sequence[str]) -> FloatArray:
    """A vector of its own for every label: nothing merges by likeness."""
    drawn = [np.random.default_rng(list(text.encode())).standard_normal(384) for text in texts]
    return np.asarray(normalized(np.array(drawn).reshape(-1, 384)), np.float32)
