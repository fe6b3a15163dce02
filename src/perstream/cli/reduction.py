"""``perstream eval reduction``: what is lost when memory must fit a budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from perstream.cli import options
from perstream.cli.lab import Plot, check_plot, evaluate, show_lines, told
from perstream.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add it to the group ``eval``, which belongs to ``app`` already."""
    del app
    evaluate.command("reduction")(reduction)


def reduction(
    dataset: Annotated[Path, typer.Option("--dataset", help="LoCoMo or PerStream records, JSON.")],
    mode: Annotated[
        Literal["passive", "proactive", "both"],
        typer.Option("--mode", help="Ask questions, show scenes, or both where the dataset has both."),
    ] = "both",
    strategy: Annotated[
        list[str] | None,
        typer.Option("--strategy", help="nsbg, gsbn, oldest or random; may be repeated.", show_default="all"),
    ] = None,
    budgets: Annotated[str, typer.Option("--budgets", help="Shares of the full store, comma separated.")] = (
        "1,0.5,0.25,0.1,0.05"
    ),
    periods: Annotated[int, typer.Option("--periods", min=1, max=100, help="Reduction follows each.")] = 4,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Keep results here as they come: an interrupted run goes on.", show_default="not kept"
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="People or talks at a time.")] = 1,
    plot: Plot = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend", help="Who answers and speaks: auto, builtin, qwen-omni, openai.", show_default="builtin"
        ),
    ] = None,
    model: options.Model = None,
    device: options.Device = None,
    load_in: options.LoadIn = None,
    adapter: options.Adapter = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Recall, answers and words unasked against memory budget, by reduction strategy and period."""
    from perstream.lab.eval_reduction import STRATEGIES, evaluate_reduction
    from perstream.models.registry import load_backend

    try:
        shares = tuple(float(part) for part in budgets.split(","))
    except ValueError as error:
        raise ConfigError(f"--budgets wants shares such as 1,0.5,0.1, not {budgets[:40]!r}") from error
    check_plot(plot)
    # Thousands of calls go to whoever answers: a model is asked only when it was named.
    name = backend if backend or model else "builtin"
    settings = options.settings(config, None, name, **options.brain(model, device, None, load_in, adapter))
    loaded = load_backend(settings.backend, settings.moment)
    try:
        result = evaluate_reduction(
            dataset, shares, strategy or STRATEGIES, periods, loaded, settings, mode=mode, out=out, workers=workers
        )
    finally:
        loaded.close()
    if plot is not None:
        from perstream.lab.eval_reduction_plot import plot_reduction

        plot_reduction(result, plot)
    show_lines(result.lines(), told(result.to_json(), as_json), as_json)
