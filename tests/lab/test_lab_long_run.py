"""The simulated day, minutes of it, with an instant backend; and the trend it is judged by."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from perstream.config import BackendConfig, MomentConfig
from perstream.errors import ConfigError
from perstream.lab.long_day import LongDay
from perstream.lab.long_run import long_run
from perstream.lab.long_run_plot import plot_long_run
from perstream.lab.long_writes import long_writes
from perstream.lab.trend import trend
from perstream.models.scripted import load
from perstream.types import ObservationKind


def test_a_short_run_fills_the_store_and_stays_within_its_budgets(tmp_path: Path) -> None:
    backend = load(BackendConfig(), MomentConfig())
    seen: list[float] = []
    result = long_run(
        0.5,
        4096.0,
        ram_budget_mb=0.4,
        disk_budget_mb=3.0,
        every_s=120.0,
        backend=backend,
        tell=lambda s: seen.append(s.hour),
    )
    assert len(result.samples) == 15
    assert len(seen) == 14
    assert result.remembered > 50
    assert result.samples[-1].memories > 20
    assert result.peak_disk_mb < 3.0 * 1.1
    assert max(s.disk_mb for s in result.samples) > 2.0, "the disk budget never bound: the test says nothing"
    assert 0 < result.write_ms_p50 <= result.write_ms_p95 <= result.write_ms_p99 <= result.write_ms_max
    assert 500 < result.bytes_per_memory < 20_000
    assert set(result.index_bytes) == {"vectors", "tokens", "words", "rows", "graph"}
    assert result.peak_rss_mb >= max(s.rss_mb for s in result.samples)
    data = json.loads(json.dumps(result.to_json()))
    assert data["rss_within_cap"] is True
    assert set(data["rss_trend"]) == {"slope", "low", "high", "n"}
    assert "RSS: peak" in "\n".join(result.lines())
    pytest.importorskip("matplotlib")
    drawn = plot_long_run(result, tmp_path / "day.svg").read_text(encoding="utf-8")
    assert "simulated hours" in drawn
    assert "disk budget" in drawn


def test_a_run_without_room_for_a_trend_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least"):
        long_run(0.1)


def test_a_day_is_the_same_for_a_seed_and_keeps_its_rates() -> None:
    one, other = ([p.observations for p in LongDay(seed).percepts(0.5)] for seed in (3, 3))
    assert one == other
    day = list(LongDay(4).percepts(1.0))
    times = [p.keyframe.pts_s for p in day]
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) >= 2
    assert max(gaps) <= 5
    assert all(p.patches.shape == (64, 17) for p in day)
    kinds = {o.kind for p in day for o in p.observations}
    assert {ObservationKind.TEXT, ObservationKind.TRANSCRIPT} <= kinds


def test_the_owner_sleeps_at_night() -> None:
    night = list(LongDay(0).percepts(20.0, begin=16.0))
    assert len(night) == 48, "one look every five minutes"
    assert all({o.kind for o in p.observations} == {ObservationKind.LIGHT} for p in night)


def test_a_trend_finds_a_leak_and_sees_none_in_noise() -> None:
    hours = np.arange(100) / 6
    noise = np.random.default_rng(1).normal(0, 1, 100)
    leak = trend(hours.tolist(), (200 + 0.5 * hours + noise).tolist())
    assert not leak.is_flat
    assert leak.low < 0.5 < leak.high
    assert trend(hours.tolist(), (200 + noise).tolist()).is_flat
    outlier = 200 + 0.0 * hours
    outlier[-1] = 1000
    assert trend(hours.tolist(), outlier.tolist()).slope == 0


def test_a_trend_needs_three_samples() -> None:
    with pytest.raises(ValueError, match="three"):
        trend([1.0, 2.0], [1.0, 2.0])


def test_writes_are_timed_in_a_store_whose_budgets_are_full() -> None:
    times = long_writes(400, 150, "nsbg")
    assert (times.memories, times.writes) == (400, 150)
    assert 0 < times.write_ms_p50 <= times.write_ms_p95 <= times.write_ms_p99 <= times.write_ms_max
    assert times.disk_mb <= times.disk_budget_mb * 1.02, "the disk budget held"
    assert times.disk_budget_mb * 0.8 < times.disk_mb, "and bound"
    assert "400 memories" in times.line()
