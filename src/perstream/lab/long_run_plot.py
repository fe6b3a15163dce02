"""The picture of a simulated day: process memory, the store's own sizes, and how long writes took."""

from __future__ import annotations

from math import nan
from pathlib import Path

from perstream.lab.eval_reduction_plot import canvas, saved
from perstream.lab.long_run_report import LongRun
from perstream.lab.long_writes import STOP_MS


def plot_long_run(result: LongRun, path: Path) -> Path:
    """Draw three panels over the simulated hours. Raises ConfigError."""
    figure, axes = canvas(path, rows=3, width=9.0, height=8.5)
    hours = [s.hour for s in result.samples]
    top, middle, bottom = axes
    slope = result.rss_trend
    top.plot(hours, [s.rss_mb for s in result.samples], color="#1f5fa8", linewidth=2, label="process (RSS)")
    top.axhline(
        result.ram_cap_mb, color="#b03030", linestyle="--", linewidth=1.2, label=f"cap {result.ram_cap_mb:g} MB"
    )
    late = [s for s in result.samples if s.hour >= result.warm_from_hour]
    centre = sum(s.hour for s in late) / len(late)
    level = sorted(s.rss_mb for s in late)[len(late) // 2]
    top.plot(
        [late[0].hour, late[-1].hour],
        [level + slope.slope * (late[0].hour - centre), level + slope.slope * (late[-1].hour - centre)],
        color="#c2571a",
        linestyle=":",
        linewidth=2,
        label=f"trend {slope.slope:+.3f} MB/h (95 %: {slope.low:+.3f} to {slope.high:+.3f})",
    )
    top.axvspan(0, result.warm_from_hour, color="#000000", alpha=0.05, linewidth=0)
    top.text(result.warm_from_hour / 2, result.ram_cap_mb * 0.06, "warm-up", ha="center", fontsize=8, color="#555555")
    top.set_ylim(0, result.ram_cap_mb * 1.12)
    top.set_ylabel("MB")
    middle.plot(hours, [s.disk_mb for s in result.samples], color="#3d8048", linewidth=2, label="store on disk")
    middle.axhline(result.disk_budget_mb, color="#3d8048", linestyle="--", linewidth=1, label="disk budget")
    middle.plot(
        hours, [s.ram_mb for s in result.samples], color="#8a5fb0", linewidth=2, label="index and entities in RAM"
    )
    middle.axhline(result.ram_budget_mb, color="#8a5fb0", linestyle="--", linewidth=1, label="RAM budget")
    middle.set_ylim(bottom=0)
    middle.set_ylabel("MB")
    counted = middle.twinx()
    counted.plot(hours, [s.memories for s in result.samples], color="#6b6b6b", linewidth=1.2, linestyle=":")
    counted.set_ylabel("memories (dotted)", color="#6b6b6b")
    counted.set_ylim(bottom=0)
    counted.spines["top"].set_visible(False)
    bottom.plot(
        hours, [s.remember_p95_ms or nan for s in result.samples], color="#1f5fa8", linewidth=2, label="95th percentile"
    )
    bottom.plot(
        hours, [s.remember_max_ms or nan for s in result.samples], color="#c2571a", linewidth=1, label="longest"
    )
    bottom.axhline(STOP_MS, color="#b03030", linestyle="--", linewidth=1, label=f"{STOP_MS:g} ms")
    bottom.set_yscale("log")
    bottom.set_ylabel("remember, ms")
    bottom.set_xlabel("simulated hours")
    for axis in axes:
        axis.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(-0.01, 1.0), fontsize=8.5, borderpad=0.1)
        axis.set_xlim(0, hours[-1])
    figure.suptitle(
        f"{result.hours:g} simulated hours: {result.percepts:,} keyframes, {result.remembered:,} memories made",
        fontsize=11,
    )
    figure.tight_layout()
    return saved(figure, path)
