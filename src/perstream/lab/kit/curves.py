"""Pictures of a training: how loss and scores went, epoch by epoch. Needs matplotlib (the extra ``plot``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

COLOURS = ("#1f5fa8", "#c2571a", "#2d7d46", "#8a5fb0", "#6b6b6b")
Series = Mapping[str, Sequence[tuple[float, float]]]
"""Points (x, y) by the name of the line."""


def draw_curves(stem: Path, title: str, panels: Mapping[str, Series], x_name: str = "epoch") -> tuple[Path, ...]:
    """Draw one panel per entry side by side to ``stem``.svg and .png. Nothing without matplotlib."""
    panels = {name: {label: points for label, points in lines.items() if points} for name, lines in panels.items()}
    panels = {name: lines for name, lines in panels.items() if lines}
    if not panels or find_spec("matplotlib") is None:
        return ()
    from perstream.lab.eval_reduction_plot import canvas, saved

    svg, png = (stem.with_name(stem.name + suffix) for suffix in (".svg", ".png"))
    figure, axes = canvas(svg, columns=len(panels), width=4.6 * len(panels), height=3.6)
    for axis, (name, lines) in zip(axes if len(panels) > 1 else [axes], panels.items(), strict=True):
        for colour, (label, points) in zip(COLOURS * 3, lines.items(), strict=False):
            axis.plot(*zip(*points, strict=True), color=colour, marker="o" if len(points) < 40 else None, ms=3)
            axis.annotate(
                label, points[-1], xytext=(4, 0), textcoords="offset points", color=colour, fontsize=8, va="center"
            )
        axis.set_xlabel(x_name)
        axis.set_title(name, fontsize=10, loc="left")
        axis.margins(x=0.18)
        if name.startswith("proactive F1"):
            axis.set_ylim(-0.02, 1.02)  # a share: seen whole
    figure.suptitle(title, fontsize=11)
    figure.tight_layout()
    figure.savefig(svg, metadata={"Date": None})
    return svg, saved(figure, png)
