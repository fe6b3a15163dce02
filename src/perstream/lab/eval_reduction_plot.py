"""Pictures of the budget studies: needs matplotlib (the extra ``plot``), and no display."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.reduction_scores import Point, ReductionEvaluation

LOOKS = {
    "nsbg": ("NSBG", "#c2571a", "o", "-"),
    "gsbn": ("GSBN", "#1f5fa8", "s", "-"),
    "oldest": ("oldest memories", "#6b6b6b", "^", "--"),
    "random": ("random memories", "#8a5fb0", "v", ":"),
}
"""Strategy to name, colour, marker and line."""
PANELS = (
    ("passive", "recall@5", "recall@5"),
    ("passive", "f1", "answer F1 (words)"),
    ("proactive", "spoken", "F1 of speaking unasked"),
)
"""Mode, score and name of the axis."""
FORMATS = frozenset({".svg", ".png", ".pdf"})


def plot_reduction(result: ReductionEvaluation, path: Path) -> Path:
    """Draw recall@5, F1 of answers and F1 of speaking against the budget, as far as they were measured: a line per strategy
    with its 95 % interval. Raises ConfigError."""
    panels = [(key, name) for mode, key, name in PANELS if mode in result.modes]
    figure, axes = canvas(path, columns=len(panels), width=5.25 * max(len(panels), 2), height=4.8)
    axes = [axes] if len(panels) == 1 else list(axes)
    strategies = list(dict.fromkeys(point.strategy for point in result.points))
    counts = []
    for axis, (key, name) in zip(axes, panels, strict=True):
        for strategy in strategies:
            _line(axis, [p for p in result.points if p.strategy == strategy], key)
        _budget_axis(axis, sorted({p.budget for p in result.points}))
        axis.set_ylabel(name)
    last = result.points[0].last
    if last.spoken is not None:
        counts.append(f"{last.spoken['n']} scenes")
        always = last.spoken["beside"]["always-speak"]["f1"]
        if always is not None:
            axes[-1].axhline(always, color="#999999", linewidth=1, linestyle=(0, (2, 2)))
            axes[-1].annotate(
                "always speaking", (0.02, always), xycoords=("axes fraction", "data"), fontsize=8, va="bottom"
            )
    for axis in axes:
        axis.set_ylim(bottom=0)  # at last: it ends the choice of limits by what is drawn
    if last.scores is not None:
        counts.insert(0, f"{last.scores.n} questions")
    named = axes[0].get_legend_handles_labels()
    figure.legend(*named, frameon=False, loc="lower center", ncols=len(strategies), bbox_to_anchor=(0.5, 0.03))
    figure.suptitle(
        f"What is left when memory must fit a budget: {result.memories:,} memories "
        f"({'LoCoMo' if result.dataset == 'locomo' else 'dataset records'}, {', '.join(counts)}, "
        f"{result.periods} periods, {result.backend})",
        fontsize=11,
    )
    figure.text(0.5, 0.01, "shaded: 95 % bootstrap interval", ha="center", fontsize=8, color="#555555")
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    return saved(figure, path)


def check_plot(path: Path) -> None:
    """Before a long run: can a plot be written there? Raises ConfigError."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"a plot is written as {', '.join(sorted(FORMATS))}, not {path.name[:60]!r}")
    if find_spec("matplotlib") is None:
        raise ConfigError("plots need matplotlib: pip install 'perstream[plot]'")
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent} to write {path.name[:60]!r} to")


def canvas(path: Path, columns: int = 1, rows: int = 1, width: float = 9.0, height: float = 5.0) -> tuple[Any, Any]:
    """A figure and its axes in the house's look. Raises ConfigError without matplotlib or for another format."""
    check_plot(path)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context({"font.size": 10, "svg.fonttype": "none"}):
        figure, axes = pyplot.subplots(rows, columns, figsize=(width, height), squeeze=True)
    for axis in axes.ravel() if rows * columns > 1 else [axes]:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#e3e3e3", linewidth=0.8)
        axis.set_axisbelow(True)
    return figure, axes


def saved(figure: Any, path: Path) -> Path:
    """Write and let go of the figure. Raises ConfigError when it cannot be written."""
    from matplotlib import pyplot

    try:
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror}): choose another place") from error
    finally:
        pyplot.close(figure)
    return path


def _line(axis: Any, points: Sequence[Point], key: str) -> None:
    name, color, marker, style = LOOKS[points[0].strategy]
    shares = [p.budget for p in points]
    found = [_scored(p, key) for p in points]
    values, low, high = zip(*found, strict=True)
    axis.plot(shares, values, color=color, marker=marker, linestyle=style, linewidth=2, markersize=5, label=name)
    axis.fill_between(shares, low, high, color=color, alpha=0.10, linewidth=0)


def _scored(point: Point, key: str) -> tuple[float, float, float]:
    """A score at the end, and the edges of its interval; nothing said and nothing due is drawn as 0."""
    last = point.last
    if key == "spoken":
        spoken = last.spoken or {}
        value = float(spoken.get("f1") or 0.0)
        low, high = spoken.get("f1_ci95") or (value, value)
        return value, low, high
    if last.scores is None:
        return 0.0, 0.0, 0.0
    low, high = last.scores.ci95[key]
    return (last.scores.recall5 if key == "recall@5" else last.scores.f1), low, high


def _budget_axis(axis: Any, budgets: Sequence[float]) -> None:
    """Full memory on the left; the logarithm keeps the small budgets apart."""
    axis.set_xscale("log")
    axis.set_xlim(max(budgets) * 1.08, min(budgets) / 1.08)
    axis.set_xticks(budgets, [f"{share:.0%}" for share in budgets])
    axis.minorticks_off()
    axis.set_xlabel("memory budget (share of the full store's bytes)")
