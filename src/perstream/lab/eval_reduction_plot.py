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
FORMATS = frozenset({".svg", ".png", ".pdf"})


def plot_reduction(result: ReductionEvaluation, path: Path) -> Path:
    """Draw recall@5 and F1 against the budget, a line per strategy with its 95 % interval. Raises ConfigError."""
    figure, axes = canvas(path, columns=2, width=10.5, height=4.8)
    strategies = list(dict.fromkeys(point.strategy for point in result.points))
    for axis, key, name in ((axes[0], "recall@5", "recall@5"), (axes[1], "f1", "answer F1 (words)")):
        for strategy in strategies:
            _line(axis, [p for p in result.points if p.strategy == strategy], key)
        _budget_axis(axis, sorted({p.budget for p in result.points}))
        axis.set_ylabel(name)
        axis.set_ylim(bottom=0)
    named = axes[0].get_legend_handles_labels()
    figure.legend(*named, frameon=False, loc="lower center", ncols=len(strategies), bbox_to_anchor=(0.5, 0.03))
    n = result.points[0].last.scores.n
    figure.suptitle(
        f"What is left when memory must fit a budget: {result.memories:,} memories "
        f"({'LoCoMo' if result.dataset == 'locomo' else 'dataset records'}, {n} questions, {result.periods} periods)",
        fontsize=11,
    )
    figure.text(0.5, 0.01, "shaded: 95 % bootstrap interval over questions", ha="center", fontsize=8, color="#555555")
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
    scores = [p.last.scores for p in points]
    values = [s.recall5 if key == "recall@5" else s.f1 for s in scores]
    low, high = zip(*(s.ci95[key] for s in scores), strict=True)
    axis.plot(shares, values, color=color, marker=marker, linestyle=style, linewidth=2, markersize=5, label=name)
    axis.fill_between(shares, low, high, color=color, alpha=0.10, linewidth=0)


def _budget_axis(axis: Any, budgets: Sequence[float]) -> None:
    """Full memory on the left; the logarithm keeps the small budgets apart."""
    axis.set_xscale("log")
    axis.set_xlim(max(budgets) * 1.08, min(budgets) / 1.08)
    axis.set_xticks(budgets, [f"{share:.0%}" for share in budgets])
    axis.minorticks_off()
    axis.set_xlabel("memory budget (share of the full store's bytes)")
