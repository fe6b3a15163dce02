"""What a simulated day came to: samples, the trend of the process's memory, and how long writes took."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from perstream.lab.long_writes import STOP_MS, WriteTimes
from perstream.lab.trend import Trend


@dataclass(frozen=True, slots=True)
class Sample:
    """The process and the store at one time."""

    hour: float
    rss_mb: float
    ram_mb: float
    """What the memory accounts for: recall index and entities, without SQLite's page cache."""
    disk_mb: float
    memories: int
    remembered: int
    """Made so far, with those that are gone again."""
    remember_p95_ms: float
    remember_max_ms: float
    """Of the writes since the sample before."""


@dataclass(frozen=True, slots=True)
class LongRun:
    """What came out."""

    hours: float
    wall_s: float
    cpu_s: float
    percepts: int
    remembered: int
    """Memories made; ``memories`` of the last sample are left."""
    ram_cap_mb: float
    ram_budget_mb: float
    disk_budget_mb: float
    peak_rss_mb: float
    warm_from_hour: float
    rss_trend: Trend
    """MB per hour after warm-up."""
    rss_trend_awake: Trend | None
    """The same over the hours in which the owner is awake; None where they are too few."""
    memories_trend: Trend
    write_ms_p50: float
    write_ms_p95: float
    write_ms_p99: float
    write_ms_max: float
    """Of ``Memory.remember`` by the wall clock, at the sizes that the samples give."""
    write_cpu_ms_max: float
    """The longest by CPU time of its thread: what a busy disk or machine does not lengthen."""
    over_50_ms: int
    """Writes that took longer, by the wall clock."""
    over_50_cpu_ms: int
    """And by CPU time."""
    peak_disk_mb: float
    peak_ram_mb: float
    said: int
    """Proactive words."""
    index_bytes: dict[str, int]
    """The recall index by part, at the end."""
    bytes_per_memory: float
    """Of index and entities, at the end: the floor below which the RAM budget cannot go, where it is exceeded."""
    samples: tuple[Sample, ...] = ()
    large: WriteTimes | None = None
    """The same writes in a large store, where that was measured too."""

    def to_json(self) -> dict[str, Any]:
        """All fields, and "speed", "rss_flat", "rss_within_cap"."""
        out = _rounded(asdict(self))
        out["speed"] = round(self.hours * 3600 / max(self.wall_s, 1e-9))
        out["rss_flat"] = self.rss_trend.is_flat
        out["rss_flat_awake"] = None if self.rss_trend_awake is None else self.rss_trend_awake.is_flat
        out["rss_within_cap"] = self.peak_rss_mb <= self.ram_cap_mb
        return dict(out)

    def lines(self) -> list[str]:
        """For people."""
        slope, awake, last = self.rss_trend, self.rss_trend_awake, self.samples[-1]
        by_day = f"; awake {awake.slope:+.3f} ({awake.low:+.3f} to {awake.high:+.3f}; n = {awake.n})" if awake else ""
        return [
            f"{self.hours:g} hours in {self.wall_s:.0f} s ({self.hours * 3600 / self.wall_s:.0f} times real speed, "
            f"{self.cpu_s:.0f} s of CPU): {self.percepts} percepts, {self.remembered} memories made, "
            f"{last.memories} left, {self.said} words said",
            f"RSS: peak {self.peak_rss_mb:.0f} MB of {self.ram_cap_mb:g} allowed; from hour {self.warm_from_hour:.1f} "
            f"{slope.slope:+.3f} MB an hour (95 %: {slope.low:+.3f} to {slope.high:+.3f}; n = {slope.n})"
            f"{', flat' if slope.is_flat else ', not flat'}{by_day}",
            f"memory's own account: peak {self.peak_ram_mb:.1f} MB, budget {self.ram_budget_mb:g}; "
            f"disk: peak {self.peak_disk_mb:.1f} MB, budget {self.disk_budget_mb:g}",
            f"writes: p50 {self.write_ms_p50:.1f}, p95 {self.write_ms_p95:.1f}, p99 {self.write_ms_p99:.1f}, "
            f"max {self.write_ms_max:.1f} ms (max by CPU {self.write_cpu_ms_max:.1f}); over {STOP_MS:g} ms: "
            f"{self.over_50_ms} (by CPU {self.over_50_cpu_ms})",
            *([self.large.line()] if self.large is not None else []),
        ]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(part) for part in value]
    return value
