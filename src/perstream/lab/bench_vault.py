"""What encryption costs: the same work on a plain and on an encrypted store, in turns in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from perstream.config import MemoryConfig
from perstream.lab.bench_world import START, BenchWorld
from perstream.memory.compress import DIMENSION
from perstream.memory.engine import PLAIN, Engine, Key
from perstream.memory.memory import Memory
from perstream.types import FloatArray, NewMemory, Provenance, TextVectors, Triplet
from perstream.vectors import normalized

STORED = 2000
SINGLE = 200
PICTURE = 8000
"""Bytes of the picture that goes with each."""
TOGETHER = 100
"""Memories of one transaction, when many come at once."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Medians over the rounds. Every write is on disk when it counts as done."""

    insert_us: float
    """Per memory, many in a transaction."""
    remember_us: float
    """Per memory, each in a transaction of its own, as a camera brings them."""
    open_ms: float
    """Opening the store, its key known."""
    recall_ms: float
    """The first recall after it, which reads everything into the index."""
    picture_us: float
    """Reading one picture."""
    mb: float
    """Of the database on disk."""


@dataclass(frozen=True, slots=True)
class VaultBench:
    """Both, and the one to the other."""

    stored: int
    rounds: int
    plain: Costs
    encrypted: Costs
    ratio: Costs
    """Encrypted to plain: 1 is as fast, or as large."""

    def to_json(self) -> dict[str, Any]:
        """All fields by name, ``plain_open_ms`` and so on."""
        found: dict[str, Any] = {"stored": self.stored, "rounds": self.rounds}
        for kind, costs in (("plain", self.plain), ("encrypted", self.encrypted), ("ratio", self.ratio)):
            found |= {f"{kind}_{name}": round(value, 3) for name, value in asdict(costs).items()}
        return found

    def lines(self) -> list[tuple[str, str]]:
        """For people: what was measured, plain, encrypted, and how much more."""
        plain, encrypted, ratio = asdict(self.plain), asdict(self.encrypted), asdict(self.ratio)
        rows = [
            (name, f"{plain[name]:.4g} plain, {encrypted[name]:.4g} encrypted: {ratio[name]:.2f} x") for name in plain
        ]
        return [("stored", f"{self.stored}, {self.rounds} times each"), *rows]


def bench_vault(nodes: int = STORED, rounds: int = 5, seed: int = 0) -> VaultBench:
    """Measure at ``nodes`` memories with a picture each. StoreError where SQLCipher is not installed."""
    world = BenchWorld(max(TOGETHER, nodes), seed, 0)
    news = [_memory(world, i) for i in range(world.nodes + SINGLE)]
    found: dict[Engine, list[Costs]] = {PLAIN: [], Engine((Key.random(),)): []}
    for _ in range(rounds):
        for engine, costs in found.items():
            with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder:
                costs.append(_measure(Path(folder), engine, world, news))
    plain, encrypted = (_each(costs) for costs in found.values())
    ratio = {name: value / getattr(plain, name) for name, value in asdict(encrypted).items()}
    return VaultBench(world.nodes, rounds, plain, encrypted, Costs(**ratio))


def _measure(folder: Path, engine: Engine, world: BenchWorld, news: Sequence[NewMemory]) -> Costs:
    def labels(texts: Sequence[str]) -> FloatArray:
        return np.stack([world.vector(len(text) * 31 + sum(map(ord, text))) for text in texts])

    config = MemoryConfig()
    with Memory.open(folder, config, labels, keys=engine) as memory:
        started = time.perf_counter()
        for start in range(0, world.nodes, TOGETHER):
            memory.remember_all(news[start : start + TOGETHER])
        inserted = time.perf_counter()
        for new in news[world.nodes :]:
            memory.remember(new)
        remembered = time.perf_counter()
    opening = time.perf_counter()
    with Memory.open(folder, config, labels, keys=engine) as memory:
        memory.count()
        opened = time.perf_counter()
        memory.recall(world.query(0))
        recalled = time.perf_counter()
        for number in range(1, SINGLE + 1):
            memory.thumbnail(number)
        read = time.perf_counter()
        mb = (folder / "memory.db").stat().st_size / 1e6
    return Costs(
        insert_us=(inserted - started) / world.nodes * 1e6,
        remember_us=(remembered - inserted) / SINGLE * 1e6,
        open_ms=(opened - opening) * 1e3,
        recall_ms=(recalled - opened) * 1e3,
        picture_us=(read - recalled) / SINGLE * 1e6,
        mb=mb,
    )


def _each(costs: Sequence[Costs]) -> Costs:
    fields = [asdict(one) for one in costs]
    return Costs(**{name: median(one[name] for one in fields) for name in fields[0]})


def _memory(world: BenchWorld, i: int) -> NewMemory:
    told = NewMemory(
        text=world.text(i),
        category="notes",
        provenance=Provenance.TOLD,
        observed_at=START + timedelta(hours=i),
        ended_at=START + timedelta(hours=i),
        vectors=TextVectors(world.vector(i), normalized(np.ones((4, DIMENSION), np.float32)), ("a", "b", "c", "d")),
        triplets=(Triplet(f"thing {i}", "is near", f"place {i % 97}"),),
    )
    return replace(told, thumbnail=np.random.default_rng(i).bytes(PICTURE))
