"""The house's figures as Prometheus families, made anew from one status per scrape; docs/OPERATIONS.md names them.

Names end in their unit, counters in ``_total``. Labels come from small closed sets; what the world can name (sources,
reasons, parts) is cleaned, cut and bounded in number, see :mod:`perstream.web.metrics_labels`.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from perstream.daemon.appstatus import AppStatus
from perstream.daemon.buckets import BOUNDS_S, Spread
from perstream.memory.status import MB
from perstream.protocols import Sent
from perstream.version import __version__
from perstream.web.metrics_labels import labelled

OUTCOMES = ("answered", "abstained", "withdrawn", "failed")
PRIORITIES = ("1", "2", "3")


def gauge(name: str, help: str, value: float) -> Metric:
    """One figure."""
    return GaugeMetricFamily(f"perstream_{name}", help, value=value)


def counter(name: str, help: str, value: float) -> Metric:
    """One count; ``name`` without ``_total``."""
    return CounterMetricFamily(f"perstream_{name}", help, value=value)


def gauges(name: str, help: str, label: str, values: Mapping[str, float]) -> Metric:
    """One figure per value of a label."""
    family = GaugeMetricFamily(f"perstream_{name}", help, labels=[label])
    for key, value in labelled(values):
        family.add_metric([key], value)
    return family


def counters(name: str, help: str, label: str, values: Mapping[str, float], known: Iterable[str] = ()) -> Metric:
    """One count per value of a label; those that are ``known`` are there from the start, as 0."""
    family = CounterMetricFamily(f"perstream_{name}", help, labels=[label])
    for key, value in labelled({**dict.fromkeys(known, 0), **values}):
        family.add_metric([key], value)
    return family


def steps(spread: Spread) -> list[tuple[str, float]]:
    """Buckets summed up, as Prometheus has them."""
    names = [*(repr(bound) for bound in BOUNDS_S), "+Inf"]
    return [(name, float(count)) for name, count in zip(names, accumulate(spread.counts), strict=True)]


def of_house(status: AppStatus) -> Iterator[Metric]:
    """Everything but sources, model servers and the process."""
    vitals, counts = status.vitals, status.vitals.counts
    build = GaugeMetricFamily(
        "perstream_build_info", "Version and brain; always 1", labels=["version", "backend", "python"]
    )
    build.add_metric([__version__, status.backend[:80], platform.python_version()], 1)
    yield build
    yield gauge("ready", "1 when questions can be answered, as /readyz says", vitals.readiness.ready)
    yield from _of_memory(status)
    yield gauges("worker_queue_length", "Jobs that wait for the assistant", "priority", vitals.waiting)
    yield gauge("worker_busy_seconds", "For how long the assistant's job in hand has been running", vitals.busy_s)
    yield counter("percept_errors", "Percepts that failed", status.errors)
    yield counters("gate_keyframes", "Choices of the remember gate", "decision", counts.gate, ("kept", "let_go"))
    yield counters("memories_stored", "Memories made since the start", "origin", counts.stored, ("seen", "told"))
    yield counters("questions", "Questions by how they ended", "outcome", vitals.questions.ended, OUTCOMES)
    took = vitals.questions.took
    yield HistogramMetricFamily(
        "perstream_question_duration_seconds",
        "From a question to its answer, waiting included",
        buckets=steps(took),
        sum_value=took.sum_s,
    )
    yield counters(
        "proactive_said", "Words said unasked, by priority (3: health, safety)", "priority", counts.said, PRIORITIES
    )
    yield counters("proactive_held_back", "Words not said, and views that came to none", "reason", status.silences)
    yield _deliveries(status.delivered)
    yield counters("redactions", "Taken out before it was stored, by kind", "kind", counts.redacted)
    yield counters("fallbacks", "A builtin part stood in for a model's", "part", status.fallbacks)


def _of_memory(status: AppStatus) -> Iterator[Metric]:
    memory = status.memory
    yield gauge("memories", "Memories held", memory.memories)
    yield gauge("entities", "Entities held", memory.entities)
    yield gauge("edges", "Edges of the graph", memory.edges)
    yield gauge("pinned_memories", "Memories exempt from reduction", memory.pinned)
    yield gauge("superseded_memories", "Memories that later ones replaced", memory.superseded)
    yield gauge("store_schema_version", "Version of the store's tables", memory.schema_version)
    yield gauge("store_disk_bytes", "The database and its log", memory.disk_mb * MB)
    yield gauge("store_disk_budget_bytes", "memory.disk_budget_mb; 0 is no limit", memory.disk_budget_mb * MB)
    yield gauge("store_disk_over_budget_bytes", "Above that budget", memory.disk_over_mb * MB)
    try:
        yield gauge("store_disk_free_bytes", "Free on the store's disk", shutil.disk_usage(status.store).free)
    except OSError:
        pass  # the folder has gone: no figure is better than a wrong one
    yield gauges("memory_ram_bytes", "Held in RAM, by piece", "piece", memory.ram_bytes)
    yield gauge("memory_ram_budget_bytes", "memory.ram_budget_mb; 0 is no limit", memory.ram_budget_mb * MB)
    yield gauge("memory_ram_over_budget_bytes", "Above that budget", memory.ram_over_mb * MB)
    if memory.newest is not None:
        yield gauge("newest_memory_timestamp_seconds", "When the newest memory was seen", memory.newest.timestamp())


def _deliveries(delivered: Mapping[str, Mapping[str, int]]) -> Metric:
    family = CounterMetricFamily(
        "perstream_deliveries", "Words brought to the owner, by way and outcome", labels=["channel", "outcome"]
    )
    for channel, counts in delivered.items():
        for outcome in ("sent", "failed", "dropped"):
            family.add_metric([channel, outcome], counts.get(outcome, 0))
    return family


def of_servers(sent: Iterable[Sent]) -> Iterator[Metric]:
    """What went to model servers, by kind of call."""
    calls: Counter[tuple[str, str]] = Counter()
    tokens: Counter[tuple[str, str]] = Counter()
    size: Counter[str] = Counter()
    pictures: Counter[str] = Counter()
    for one in sent:
        calls[one.kind, "made"] += one.calls
        calls[one.kind, "failed"] += one.failed
        calls[one.kind, "refused"] += one.refused
        tokens[one.kind, "in"] += one.tokens_in
        tokens[one.kind, "out"] += one.tokens_out
        size[one.kind] += one.bytes_sent
        pictures[one.kind] += one.pictures
    yield _pairs(
        "model_calls", "Calls to model servers: made, failed of these, refused by the budget", "outcome", calls
    )
    yield _pairs("model_tokens", "Tokens to and from model servers", "direction", tokens)
    yield counters("model_sent_bytes", "Sent to model servers", "kind", size)
    yield counters("model_pictures", "Pictures sent to model servers", "kind", pictures)


def of_process() -> Iterator[Metric]:
    """CPU where the standard process figures, which are read from /proc, do not exist."""
    yield CounterMetricFamily("process_cpu_seconds", "Total user and system CPU time", value=time.process_time())


def _pairs(name: str, help: str, label: str, values: Mapping[tuple[str, str], float]) -> Metric:
    family = CounterMetricFamily(f"perstream_{name}", help, labels=["kind", label])
    for (kind, second), value in sorted(values.items()):
        family.add_metric([kind, second], value)
    return family
