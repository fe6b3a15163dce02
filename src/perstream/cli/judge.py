"""``perstream judge``: scores predictions; ``perstream report``: all results of a folder as one page."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perstream.cli import options, output
from perstream.errors import ConfigError

if TYPE_CHECKING:
    from perstream.lab.kit.judges import Judge

OFFLINE = "offline"


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("judge")(judge)
    app.command("report")(report)


def judge(
    folder: Annotated[Path, typer.Argument(help="With pred.json files in it: what `perstream eval` wrote to.")],
    by: Annotated[
        str, typer.Option("--judge", help="offline (word overlap), or the name of a model on the server.")
    ] = OFFLINE,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="The model's server.", show_default="OPENAI_BASE_URL")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Records judged at a time.")] = 16,
    probes: Annotated[
        int, typer.Option("--probes", min=0, max=1000, help="Of each kind and folder, to measure the judge itself.")
    ] = 25,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a model is called.")] = False,
    max_calls: Annotated[int, typer.Option("--max-calls", min=0, help="Refuse to make more; 0 is no limit.")] = 0,
    price_in: Annotated[float, typer.Option("--price-in", min=0, help="Per million tokens, for the estimate.")] = 0.0,
    price_out: Annotated[float, typer.Option("--price-out", min=0, help="Per million tokens, for the estimate.")] = 0.0,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Score predictions against their references into results.json. The judge is itself measured with probes."""
    from perstream.lab.kit.judging import cost_of, gather, judge_folder

    works = gather(folder, probes)
    one, close = _judge(by, base_url, config, folder, workers)
    try:
        if not one.offline:
            cost = cost_of(works, one)
            output.say(f"{one.name}: {cost.line(price_in, price_out)}")
            if max_calls and cost.calls > max_calls:
                raise ConfigError(
                    f"{cost.calls} calls are more than --max-calls {max_calls}: use fewer probes or samples"
                )
            _agree(yes, cost.calls)
        done = [judge_folder(work, one, workers, command=output.called()) for work in works]
    finally:
        close()
    for item in done:
        if as_json:
            output.emit(
                {key: value for key, value in item.results.items() if key != "tasks"} | {"path": str(item.path)}
            )
        else:
            for line in summary(item.results):
                output.say(line)
            output.say(f"wrote {item.path}")
    if any(item.results["failed"] for item in done):
        output.say("some records got no usable verdict: they are counted as failed and are in no mean", bold=True)


def report(
    folder: Annotated[Path, typer.Argument(help="With results in it.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page.", show_default="report.html in the folder")
    ] = None,
) -> None:
    """One self-contained HTML page of everything evaluated in a folder: tables, plots, and how each was made."""
    from perstream.lab.kit.report import write_report

    output.say(f"wrote {write_report(folder, out or folder / 'report.html', output.called())}")


def summary(results: dict[str, Any]) -> list[str]:
    """The headline of a results file in a few lines."""
    lines = [f"{results['type']}: {results['n']} records, {results['failed']} failed, judged by {results['judge']}"]
    for name, value in results["aggregate"].items():
        if isinstance(value, dict):
            lines.append(f"  {name} {_figure(value)}")
    speaking = results.get("speaking")
    if speaking:
        parts = [f"{name} {_number(speaking[name])}" for name in ("precision", "recall", "f1")]
        alarms = speaking["false_alarms_per_hour"]
        lines.append(f"  speaking: {', '.join(parts)} (n {speaking['n']}), false alarms an hour {_number(alarms)}")
        for name, other in speaking["beside"].items():
            lines.append(f"    beside it {name}: precision {_number(other['precision'])}, f1 {_number(other['f1'])}")
    errors = results.get("judge_errors")
    if errors:
        lines.append(
            f"  the judge itself: false accepts {_figure(errors['false_accept'])}, "
            f"false rejects {_figure(errors['false_reject'])}"
        )
    return lines


def _figure(value: dict[str, Any]) -> str:
    middle = value.get("mean", value.get("rate"))
    if middle is None:
        return "none"
    low, high = value["ci95"]
    return f"{middle:.3f} [{low:.3f}-{high:.3f}] (n {value['n']})"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _judge(by: str, base_url: str | None, config: Path | None, folder: Path, workers: int) -> tuple[Judge, Any]:
    from perstream.lab.kit.calls import CachedChat
    from perstream.lab.kit.judges import ModelJudge, OfflineJudge

    if by == OFFLINE:
        from perstream.models.minilm import MiniLM

        return OfflineJudge(MiniLM()), lambda: None
    from dataclasses import replace

    from perstream.models.remote.chat import RemoteChat

    # The estimate and --max-calls bound what is asked here, not the daemon's hourly budget.
    settings = options.settings(config, None, None, backend__base_url=base_url, backend__calls_per_hour=0)
    brain = replace(settings.backend, served_model=by, adapters=(), pictures="never")
    chat = RemoteChat(brain, os.environ, connections=workers)
    return ModelJudge(CachedChat(chat, folder / ".cache" / "calls")), chat.close


def _agree(yes: bool, calls: int) -> None:
    if yes or not calls:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to be asked: add --yes to call the model")
    if not typer.confirm("Go on?"):
        raise typer.Exit(1)
