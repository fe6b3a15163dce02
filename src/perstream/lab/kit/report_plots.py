"""The report's plots as SVG inside the page: their ink is the page's, so that they fit light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from perstream.errors import ConfigError

_INK, _LINE = "#010203", "#010204"
"""Stand for the page's colours and are replaced by them."""
_MARKS = ("#3b86c8", "#d9752b", "#3f9f6b", "#a06bc4", "#c9525f", "#8a8f29")
ROW_IN = 0.34
MAX_LABEL = 44


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its interval."""

    label: str
    value: float
    interval: Sequence[float] | None


def dots(marks: Sequence[Dot], label: str) -> str:
    """One row per mark: the value and its 95 % interval on a scale from 0."""
    figure, axis = _canvas(6.8, 0.9 + ROW_IN * len(marks))
    for row, mark in enumerate(marks):
        y = len(marks) - 1 - row
        if mark.interval:
            axis.plot(mark.interval, [y, y], color=_MARKS[0], linewidth=2.5, solid_capstyle="round", alpha=0.55)
        axis.plot([mark.value], [y], "o", color=_MARKS[0], markersize=6)
    axis.set_yticks(range(len(marks)), [_short(mark.label) for mark in reversed(marks)])
    top = max([1.0, *(max(mark.interval or [mark.value]) for mark in marks)])
    axis.set_xlim(-0.01 * top, 1.02 * top)
    axis.set_ylim(-0.6, len(marks) - 0.4)
    axis.set_xlabel(f"{label}; bars: 95 % intervals")
    axis.grid(axis="x", color=_LINE, linewidth=0.8)
    return _svg(figure, label)


def lines(series: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str) -> str:
    """One line per series."""
    figure, axis = _canvas(6.8, 3.4)
    for i, (name, points) in enumerate(series.items()):
        ordered = sorted(points)
        axis.plot(
            [p[0] for p in ordered], [p[1] for p in ordered], "o-", color=_MARKS[i % len(_MARKS)], label=_short(name)
        )
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.set_ylim(bottom=0)
    axis.grid(color=_LINE, linewidth=0.8)
    axis.legend(frameon=False, labelcolor=_INK)
    return _svg(figure, f"{y} by {x}")


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    if find_spec("matplotlib") is None:
        raise ConfigError("the report's plots need matplotlib: pip install 'perstream[plot]'")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axis = figure.subplots()
    axis.patch.set_alpha(0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(_LINE)
    axis.tick_params(colors=_INK, length=0, labelsize=10)
    axis.xaxis.label.set_color(_INK)
    axis.yaxis.label.set_color(_INK)
    axis.set_axisbelow(True)
    return figure, axis


def _svg(figure: Any, title: str) -> str:
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "perstream"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor").replace(_LINE, "var(--line)")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<text ([^>]*)style=\"", r'<text \1style="fill:currentColor;', text)
    text = re.sub(r"font(?:-family)?: ?([\d.]+px) [^;\"]*", r"font: \1 system-ui, sans-serif", text)
    # Two plots of a page must not share names of their parts.
    salt = re.sub(r"\W+", "-", title)[:40]
    text = re.sub(r'\bid="([^"]+)"', rf'id="{salt}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{salt}-\1)", text)
    return re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{salt}-\1"', text)


def _short(label: str) -> str:
    text = label if len(label) <= MAX_LABEL else "…" + label[1 - MAX_LABEL :]
    return text.replace("$", r"\$")  # no mathematics
