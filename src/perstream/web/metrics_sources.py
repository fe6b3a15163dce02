"""The sources' figures as Prometheus families."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from perstream.daemon.status import SourceState, SourceStatus
from perstream.web.metrics import steps
from perstream.web.metrics_labels import MOST, label, labelled

COUNTS = (
    ("frames", "Frames delivered"),
    ("keyframes", "Frames chosen and perceived"),
    ("memories", "Memories made"),
    ("errors", "Errors"),
    ("restarts", "Times it was opened again"),
)


def of_sources(sources: Sequence[SourceStatus], now: datetime) -> Iterator[Metric]:
    """Running sources first; of more than MOST the rest is only counted."""
    order = sorted(sources, key=lambda one: one.state in (SourceState.ENDED, SourceState.FAILED))
    shown: dict[str, SourceStatus] = {}
    for one in order:
        shown.setdefault(label(one.name), one)
    named = list(shown.items())[:MOST]
    yield GaugeMetricFamily("perstream_sources", "Sources listed, ended ones included", value=len(sources))
    yield GaugeMetricFamily(
        "perstream_sources_unlabelled", "Sources without figures of their own here", value=len(sources) - len(named)
    )
    for attribute, help in COUNTS:
        family = CounterMetricFamily(f"perstream_source_{attribute}", help, labels=["source"])
        for name, one in named:
            family.add_metric([name], getattr(one, attribute))
        yield family
    dropped = CounterMetricFamily(
        "perstream_source_dropped_frames", "Frames not looked at", labels=["source", "reason"]
    )
    state = GaugeMetricFamily("perstream_source_state", "1 for the state it is in", labels=["source", "state"])
    live = GaugeMetricFamily("perstream_source_live", "1 for a live source, 0 for a file", labels=["source"])
    age = GaugeMetricFamily(
        "perstream_source_last_frame_age_seconds", "Since the latest frame of a live source", labels=["source"]
    )
    took = HistogramMetricFamily(
        "perstream_frame_to_memory_seconds",
        "From capture until the assistant has taken the frame in, and with a moment's last frame, it is on disk",
        labels=["source"],
    )
    for name, one in named:
        for reason, count in labelled(one.dropped):
            dropped.add_metric([name, reason], count)
        for which in SourceState:
            state.add_metric([name, which.value], one.state is which)
        live.add_metric([name], one.live)
        if one.live and one.last_frame_at is not None and one.state is not SourceState.ENDED:
            age.add_metric([name], max(0.0, (now - one.last_frame_at).total_seconds()))
        took.add_metric([name], steps(one.took), one.took.sum_s)
    yield from (dropped, state, live, age, took)
