"""Benchmark of the memory: insertion, recall, opening, and what it weighs, at a number of memories.

The memories are those of :mod:`perstream.lab.bench_world`. The bound of a scan is measured in the same run: reading the
bytes that it reads.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from perstream.config import MemoryConfig
from perstream.errors import BackendUnavailable
from perstream.lab.bench_world import START, BenchWorld
from perstream.lab.metrics import percentiles
from perstream.memory.compress import DIMENSION
from perstream.memory.memory import Memory
from perstream.memory.recall import RecallIndex
from perstream.memory.sketch import WIDTH
from perstream.protocols import TextEmbedder
from perstream.types import FloatArray, NewMemory, Provenance, TextVectors, Triplet
from perstream.vectors import normalized

TIE = 4e-6
"""Cosines that differ by less are equal: memories are kept at 16 bits a component."""
QUERIES = 200
EMBEDDED = 300
"""Texts of 7 to 10 words."""
STORED = 2000
"""Memories that go all the way to disk: insertion and opening are measured on these."""


@dataclass(frozen=True, slots=True)
class MemoryBench:
    """Times in the unit their name ends with."""

    nodes: int
    insert_us: float
    """Recall index, CPU time per memory: words, vectors, tokens, neighbours; without embedding and disk."""
    insert_late_ratio: float
    """Insertion at the end to insertion at the start: 1 is flat."""
    store_us: float
    """Memory.remember_all of text memories with a triplet, per memory, on disk when it returns."""
    embed_ms: float | None
    """Median of one short text with its token vectors; None where the text embedder is not set up."""
    embed_exact_ms: float | None
    """The same text by the fp32 encoder, as labels are embedded, in the same run."""
    vector_p50_ms: float
    vector_p95_ms: float
    recall_p50_ms: float
    """Whole recall without the embedding of the question."""
    recall_p95_ms: float
    vector_cpu_ms: float
    """Means of the CPU time of the same: what a machine that is busy otherwise does not lengthen."""
    recall_cpu_ms: float
    exact_agreement: float
    """Share of queries whose five nearest are those of a float32 scan; cosines within TIE of the fifth may stand for it."""
    top10_agreement: float
    """Of the ten nearest by a float32 scan, the share found among ten."""
    bandwidth_bound_ms: float
    """Reading the scanned bytes once."""
    float32_scan_ms: float
    """The same search as a plain float32 product, for comparison."""
    open_s: float
    """Opening a store of ``stored`` memories and its first recall."""
    stored: int
    rss_mb: float
    """Growth of the process by the index."""
    process_mb: float
    """The whole process with the index, libraries and word stems included."""
    bytes_per_memory: float
    """As the index accounts for itself."""

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}


def bench_memory(
    nodes: int = 10_000, embedder: TextEmbedder | None = None, tokens_per_memory: int = 16, seed: int = 0
) -> MemoryBench:
    """Measure at ``nodes`` memories. ``embedder`` None is the builtin one, if it is set up; ``tokens_per_memory`` may be 0."""
    world = BenchWorld(max(1, nodes), seed, tokens_per_memory)
    gc.collect()
    before = _rss_mb()
    index = RecallIndex(MemoryConfig())
    chunks: list[float] = []
    for start in range(0, world.nodes, 1000):
        entries = [world.entry(i) for i in range(start, min(start + 1000, world.nodes))]
        started = time.thread_time()
        index.add_many(entries)
        chunks.append((time.thread_time() - started) / len(entries) * 1e6)
    process = _rss_mb()
    queries = [world.query(i) for i in range(QUERIES)]
    vectors = [query.vectors.pooled for query in queries if query.vectors is not None]
    vector_cpu, vector_ms = time.thread_time(), [_milliseconds(index.nearest, vector, 5) for vector in vectors]
    recall_cpu, recall_ms = time.thread_time(), [_milliseconds(index.search, query) for query in queries]
    done_cpu = time.thread_time()
    agreement, of_ten, float_ms = _agreement(index, world, vectors)
    store_us, open_s, stored = _on_disk(world)
    embed_ms, embed_exact_ms = _embed_ms(embedder, world)
    edge = max(1, min(5, len(chunks) // 2))
    return MemoryBench(
        nodes=world.nodes,
        insert_us=float(np.median(chunks)),
        insert_late_ratio=float(np.median(chunks[-edge:]) / np.median(chunks[:edge])),
        store_us=store_us,
        embed_ms=embed_ms,
        embed_exact_ms=embed_exact_ms,
        vector_p50_ms=percentiles(vector_ms)[0],
        vector_p95_ms=percentiles(vector_ms)[1],
        recall_p50_ms=percentiles(recall_ms)[0],
        recall_p95_ms=percentiles(recall_ms)[1],
        vector_cpu_ms=(recall_cpu - vector_cpu) / len(vectors) * 1e3,
        recall_cpu_ms=(done_cpu - recall_cpu) / len(queries) * 1e3,
        exact_agreement=agreement,
        top10_agreement=of_ten,
        bandwidth_bound_ms=_bound_ms(world.nodes),
        float32_scan_ms=float_ms,
        open_s=open_s,
        stored=stored,
        rss_mb=process - before,
        process_mb=process,
        bytes_per_memory=index.nbytes / world.nodes,
    )


def _milliseconds(call: Callable[..., object], *values: object) -> float:
    started = time.perf_counter()
    call(*values)
    return (time.perf_counter() - started) * 1e3


def _agreement(index: RecallIndex, world: BenchWorld, queries: Sequence[FloatArray]) -> tuple[float, float, float]:
    """Top five and top ten against a float32 scan, and the scan's median time. Its matrix is made block by block."""
    best = np.full((len(queries), 10), -2.0, np.float32)
    found = np.zeros((len(queries), 10), np.int64)
    stacked = np.stack(queries)
    took = 0.0
    for start in range(0, world.nodes, 50_000):
        block = world.vectors(start, min(start + 50_000, world.nodes))
        single = [_milliseconds(block.__matmul__, query) for query in queries[:20]]
        took += percentiles(single)[0]
        values = np.concatenate([best, stacked @ block.T], axis=1)
        ids = np.concatenate(
            [found, np.broadcast_to(np.arange(start + 1, start + 1 + len(block)), (len(queries), len(block)))], axis=1
        )
        order = np.argsort(-values, axis=1, kind="stable")[:, :10]
        best, found = np.take_along_axis(values, order, 1), np.take_along_axis(ids, order, 1)
    fives, tens = [], []
    for query, cosines, ids in zip(queries, best, found, strict=True):
        nearest = [memory for memory, _ in index.nearest(query, 5)]
        strange = [float(query @ world.vector(memory - 1)) for memory in nearest if memory not in ids[:5]]
        fives.append(len(nearest) == min(5, world.nodes) and all(value > cosines[4] - TIE for value in strange))
        wanted = set(ids[cosines > -2].tolist())
        tens.append(len(wanted & {memory for memory, _ in index.nearest(query, 10)}) / len(wanted))
    return float(np.mean(fives)), float(np.mean(tens)), took


def _bound_ms(nodes: int) -> float:
    """Median time to read what the scan reads of each memory (its sketch and a sum) once, on one core."""
    data = np.ones(max(1, nodes * (WIDTH + 4) // 8), np.uint64)
    return percentiles([_milliseconds(data.max) for _ in range(9)])[0]


def _on_disk(world: BenchWorld) -> tuple[float, float, int]:
    """Microseconds per stored memory, seconds to open and recall, and how many were stored."""
    count = min(world.nodes, STORED)
    news = [
        NewMemory(
            text=world.text(i),
            category="notes",
            provenance=Provenance.TOLD,
            observed_at=START + timedelta(hours=i),
            ended_at=START + timedelta(hours=i),
            vectors=TextVectors(world.vector(i), normalized(np.ones((4, DIMENSION), np.float32)), ("a", "b", "c", "d")),
            triplets=(Triplet(f"thing {i}", "is near", f"place {i % 97}"),),
        )
        for i in range(count)
    ]

    def labels(texts: Sequence[str]) -> FloatArray:
        return np.stack([world.vector(len(text) * 31 + sum(map(ord, text))) for text in texts])

    with tempfile.TemporaryDirectory(prefix="perstream-bench-") as folder:
        with Memory.open(Path(folder), MemoryConfig(), labels) as memory:
            started = time.perf_counter()
            for start in range(0, count, 100):
                memory.remember_all(news[start : start + 100])
            store_us = (time.perf_counter() - started) / count * 1e6
        started = time.perf_counter()
        with Memory.open(Path(folder), MemoryConfig(), labels) as memory:
            memory.recall(world.query(0))
            open_s = time.perf_counter() - started
    return store_us, open_s, count


def _embed_ms(embedder: TextEmbedder | None, world: BenchWorld) -> tuple[float | None, float | None]:
    """Medians of one short text: with token vectors, and pooled in full precision. The two take turns."""
    if embedder is None:
        from perstream.models.minilm import MiniLM

        try:
            embedder = MiniLM()
        except BackendUnavailable:
            return None, None
    texts = [world.text(i) for i in range(EMBEDDED)]
    for text in texts[:10]:
        embedder.embed_tokens(text)
    fast, exact = [], []
    for start in range(0, len(texts), 50):  # in turns, but not after one another: each finds its own weights cached
        fast += [_milliseconds(embedder.embed_tokens, text) for text in texts[start : start + 50]]
        exact += [_milliseconds(embedder.embed, [text]) for text in texts[start : start + 50]]
    return percentiles(fast)[0], percentiles(exact)[0]


def _rss_mb() -> float:
    """Resident memory of this process now, in MB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * 4096 / 1e6
