"""``perstream bench …`` and ``perstream eval …``: the doors to the research kit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from perstream.cli import options, output
from perstream.errors import ConfigError

bench = typer.Typer(
    help="Measure this machine: figures as ratios and medians.", no_args_is_help=True, rich_markup_mode=None
)
evaluate = typer.Typer(
    help="Score answers, recall and proactive words against ground truth.", no_args_is_help=True, rich_markup_mode=None
)

Repeats = Annotated[int, typer.Option("--repeats", min=1, max=100, help="Medians are over this many runs.")]
Video = Annotated[
    Path | None, typer.Option("--video", help="Measure on this file.", show_default="a generated 1080p30 clip")
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw it too: .svg, .png or .pdf (needs matplotlib).", show_default="no picture"),
]


def register(app: typer.Typer) -> None:
    """Add both groups."""
    app.add_typer(bench, name="bench")
    app.add_typer(evaluate, name="eval")


@bench.command("keyframes")
def bench_keyframes(video: Video = None, repeats: Repeats = 3, as_json: options.Json = False) -> None:
    """CPU time of decoding and choosing keyframes, against decoding alone."""
    from perstream.lab.bench_keyframes import bench_keyframes as run

    _show(run(video, repeats), as_json)


@bench.command("watch")
def bench_watch(video: Video = None, repeats: Repeats = 3, as_json: options.Json = False) -> None:
    """Speed of ``watch --fast``, peak memory, and the latency from frame to memory in real time."""
    from perstream.lab.bench_watch import bench_watch as run

    _show(run(video, repeats), as_json)


@bench.command("ask")
def bench_ask(
    questions: Annotated[int, typer.Option("--questions", min=1, help="How many questions.")] = 200,
    memories: Annotated[int, typer.Option("--memories", min=1, help="Memories in the store.")] = 1000,
    as_json: options.Json = False,
) -> None:
    """Latency of questions to a running daemon over HTTP."""
    from perstream.lab.bench_ask import bench_ask as run

    _show(run(questions, memories), as_json)


@bench.command("serve")
def bench_serve(
    askers: Annotated[int, typer.Option("--askers", min=1, max=1000, help="How many ask at once.")] = 50,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For how long they ask.")] = 60.0,
    memories: Annotated[int, typer.Option("--memories", min=1, help="Memories in the store.")] = 1000,
    as_json: options.Json = False,
) -> None:
    """Many asking at once while a camera is watched: latency, errors, and what it costs the camera."""
    from perstream.lab.bench_serve import bench_serve as run

    _show(run(askers, seconds, memories), as_json)


@bench.command("memory")
def bench_memory(
    nodes: Annotated[int, typer.Option("--nodes", min=100, help="Memories in the graph.")] = 10_000,
    tokens: Annotated[int, typer.Option("--tokens", min=0, max=256, help="Token vectors per memory, 0 for none.")] = 16,
    encrypted: Annotated[
        bool, typer.Option("--encrypted", help="Measure what encryption costs instead, against a plain store.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Cost of remembering and recalling at a given size; or of encryption."""
    if encrypted:
        from perstream.lab.bench_vault import bench_vault

        costs = bench_vault(nodes)
        output.emit(costs.to_json()) if as_json else output.table(costs.lines())
        return
    from perstream.lab.bench_memory import bench_memory as run

    _show(run(nodes, tokens_per_memory=tokens), as_json)


@bench.command("day")
def bench_day(
    hours: Annotated[float, typer.Option("--hours", min=0.1, max=240, help="Simulated hours.")] = 24.0,
    ram_mb: Annotated[float, typer.Option("--ram-mb", min=1, help="What the process may hold, MB.")] = 512.0,
    ram_budget_mb: Annotated[float, typer.Option("--ram-budget-mb", min=0, help="memory.ram_budget_mb.")] = 4.0,
    disk_budget_mb: Annotated[float, typer.Option("--disk-budget-mb", min=0, help="memory.disk_budget_mb.")] = 1.5,
    strategy: Annotated[Literal["nsbg", "gsbn"], typer.Option("--strategy", help="memory.reduction.")] = "gsbn",
    seed: Annotated[int, typer.Option("--seed", help="Another day.")] = 0,
    writes_at: Annotated[
        int,
        typer.Option("--writes-at", min=0, help="Then time writes in a store of so many memories; 0 leaves that out."),
    ] = 100_000,
    instant: Annotated[
        bool,
        typer.Option(
            "--instant", help="Scripted models instead of real ones: the memory alone, in a third of the time."
        ),
    ] = False,
    plot: Plot = None,
    as_json: options.Json = False,
) -> None:
    """A simulated day through the real assistant under budgets: memory, disk, time per write."""
    from dataclasses import replace

    from perstream.config import Config
    from perstream.lab.long_run import long_run
    from perstream.lab.long_writes import long_writes
    from perstream.models.scripted import load

    check_plot(plot)
    base = Config()
    result = long_run(
        hours,
        ram_mb,
        ram_budget_mb=ram_budget_mb,
        disk_budget_mb=disk_budget_mb,
        reduction=strategy,
        seed=seed,
        backend=load(base.backend, base.moment) if instant else None,
    )
    if writes_at:
        result = replace(result, large=long_writes(writes_at, reduction=strategy, seed=seed))
    if plot is not None:
        from perstream.lab.long_run_plot import plot_long_run

        plot_long_run(result, plot)
    show_lines(result.lines(), result.to_json(), as_json)


@bench.command("model")
def bench_model(
    model: Annotated[str, typer.Option("--model", help="Folder or hub id of a model that is here.")] = "",
    random_weights: Annotated[
        Literal["7b", "3b", "tiny"] | None,
        typer.Option("--random-weights", help="Or random weights of the true shape, made on the device."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda:0, …")] = "auto",
    dtype: Annotated[Literal["auto", "bf16", "fp16", "fp32"], typer.Option("--dtype", help="Of the weights.")] = "auto",
    keyframes: Annotated[int, typer.Option("--keyframes", min=4, help="How many pass to see memory stay flat.")] = 1000,
    pool: Annotated[int, typer.Option("--pool", min=2, max=16, help="moment.pool_size.")] = 8,
    tokens: Annotated[int, typer.Option("--tokens", min=4, max=1000, help="Length of a caption.")] = 64,
    repeats: Repeats = 5,
    naive: Annotated[bool, typer.Option("--naive/--no-naive", help="Measure the naive way beside it.")] = True,
    four_bit: Annotated[bool, typer.Option("--four-bit/--no-four-bit", help="Measure 4-bit weights too.")] = True,
    as_json: options.Json = False,
) -> None:
    """Speed and memory of a vision-language model here, beside the naive way and what the device could do.

    Where nothing but torch and transformers is installed: python -m perstream.lab.bench_model, with the same options.
    """
    from perstream.lab.bench_model import Setup
    from perstream.lab.bench_model import bench_model as run

    setup = Setup(random_weights or "", model, device, dtype, keyframes, pool, tokens, repeats, naive, four_bit)
    result = run(setup)
    show_lines(list(result.lines()), result.to_json(), as_json)


@evaluate.command("sample")
def eval_sample(
    seed: Annotated[
        int | None, typer.Option("--seed", help="Generate this day.", show_default="the shipped sample")
    ] = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Several days, for example 1-20.")] = None,
    verbose: Annotated[bool, typer.Option("--details", help="One line per question and word.")] = False,
    as_json: options.Json = False,
) -> None:
    """Watch a generated day and score answers, refusals and proactive words."""
    from perstream.lab.eval_sample import run

    for line in run(seed=seed, seeds=seed_range(seeds), details=verbose, as_json=as_json):
        typer.echo(line)


@evaluate.command("recall")
def eval_recall(
    dataset: Annotated[Path, typer.Option("--dataset", help="LoCoMo or PerStream records, JSON.")],
    pool: Annotated[str, typer.Option("--pool", help="sample, participant or all.")] = "sample",
    k: Annotated[str, typer.Option("--k", help="Cut-offs, comma separated.")] = "5,10",
    as_json: options.Json = False,
) -> None:
    """Recall quality against references, next to plain baselines."""
    from perstream.lab.eval_recall import evaluate_recall

    try:
        cutoffs = tuple(int(part) for part in k.split(","))
    except ValueError as error:
        raise ConfigError(f"--k wants numbers such as 5,10, not {k[:40]!r}") from error
    result = evaluate_recall(dataset, pool=pool, ks=cutoffs)
    _show(told(result.to_json(), as_json), as_json)


@evaluate.command("answers")
def eval_answers(
    dataset: Annotated[Path, typer.Option("--dataset", help="LoCoMo or PerStream records, JSON.")],
    pool: Annotated[str, typer.Option("--pool", help="sample, participant or all.")] = "sample",
    as_json: options.Json = False,
) -> None:
    """Answers against gold answers, and refusals of what memory cannot know."""
    from perstream.lab.eval_answers import evaluate_answers

    _show(told(evaluate_answers(dataset, pool=pool).to_json(), as_json), as_json)


def seed_range(text: str | None) -> tuple[int, ...] | None:
    """``1-20`` or ``3,5,8`` as numbers."""
    if text is None:
        return None
    try:
        found: list[int] = []
        for part in text.split(","):
            first, _, last = part.partition("-")
            found += range(int(first), int(last or first) + 1)
    except ValueError as error:
        raise ConfigError(f"--seeds wants 1-20 or 3,5,8, not {text[:40]!r}") from error
    return tuple(found)


def check_plot(plot: Path | None) -> None:
    """Say at once, not after minutes, that a plot cannot be written."""
    if plot is not None:
        from perstream.lab.eval_reduction_plot import check_plot as check

        check(plot)


def told(values: dict[str, Any], as_json: bool) -> dict[str, Any]:
    """JSON says which command made it, for whoever finds the file later."""
    return {**values, "command": output.called()} if as_json else values


def show_lines(lines: list[str], values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.emit(values)
    else:
        for line in lines:
            output.say(line)


def _show(result: object, as_json: bool) -> None:
    from perstream.jsonlines import plain

    values: dict[str, object] = plain(result)
    if as_json:
        output.emit(values)
    else:
        output.table(values.items())
