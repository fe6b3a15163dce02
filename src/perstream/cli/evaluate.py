"""``perstream eval passive`` and ``perstream eval proactive``: every sample of a dataset through the assistant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from perstream.cli import options, output
from perstream.cli.lab import bench, evaluate, seed_range
from perstream.errors import BackendError, ConfigError

if TYPE_CHECKING:
    from perstream.lab.kit.plan import Plan

Dataset = Annotated[Path, typer.Option("--dataset", help="Records or a public benchmark: JSON (or CSV).")]
Answers = Annotated[
    Path | None, typer.Option("--answers", help="Of EgoSchema: subset_answers.json.", show_default="none")
]
Out = Annotated[Path, typer.Option("--out", help="Folder for NAME_MODE/STRATEGY/pred.json.")]
Name = Annotated[str | None, typer.Option("--name", help="Of the dataset.", show_default="the file's name")]
Pool = Annotated[str, typer.Option("--pool", help="Records' memories: of the sample, or all of the participant.")]
Strategy = Annotated[
    str,
    typer.Option("--memory-strategy", help="perstream, none, all, naive-rag, last-n or graph-rag."),
]
MemoryOnly = Annotated[bool, typer.Option("--memory-only", help="Look at no video; captions stand for scenes.")]
VideoDir = Annotated[
    Path | None, typer.Option("--video-dir", help="Where the dataset's videos are.", show_default="none")
]
MaxFrames = Annotated[int, typer.Option("--max-frames", min=1, max=64, help="Frames of a video's window.")]
Before = Annotated[float, typer.Option("--before", min=0, max=3600, help="Seconds of the window before its time.")]
After = Annotated[float, typer.Option("--after", min=0, max=3600, help="Seconds after it: what was not known yet.")]
Split = Annotated[str, typer.Option("--split", help="Only this one: train, val or test.", show_default="all")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="The first so many samples; 0 is all.")]
ShardOf = Annotated[str, typer.Option("--shard", help="i/n: every n-th sample from the i-th, files of its own.")]
Workers = Annotated[int, typer.Option("--workers", min=1, max=256, help="Samples at a time.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on with earlier results.")]


def register(app: typer.Typer) -> None:
    """Add them to the groups ``eval`` and ``bench``, which belong to ``app`` already."""
    del app
    evaluate.command("passive")(passive)
    evaluate.command("proactive")(proactive)
    bench.command("kit")(bench_kit)


def passive(
    dataset: Dataset,
    out: Out = Path("evaluation"),
    name: Name = None,
    pool: Pool = "sample",
    strategy: Strategy = "perstream",
    memory_only: MemoryOnly = False,
    video_dir: VideoDir = None,
    max_frames: MaxFrames = 8,
    before: Before = 8.0,
    after: After = 0.0,
    split: Split = "",
    limit: Limit = 0,
    shard: ShardOf = "1/1",
    workers: Workers = 1,
    fresh: Fresh = False,
    answers: Answers = None,
    backend: options.Backend = None,
    model: options.Model = None,
    device: options.Device = None,
    load_in: options.LoadIn = None,
    adapter: options.Adapter = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Ask every question of a dataset, and write what was answered to pred.json. Goes on after an interruption."""
    plan = _plan("passive", dataset, out, name, strategy, None, memory_only, video_dir, split, limit, shard)
    plan = _more(plan, max_frames, before, after, workers, fresh)
    brain = options.brain(model, device, None, load_in, adapter)
    _run(plan, dataset, pool, answers, config, backend, brain, as_json)


def proactive(
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="Records or a public benchmark: JSON (or CSV).")
    ] = None,
    days: Annotated[
        str | None,
        typer.Option("--days", help="Instead of a dataset: generated days of hours each, for example 1-20."),
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="With --days: each word that was due or said.")] = False,
    out: Out = Path("evaluation"),
    name: Name = None,
    pool: Pool = "sample",
    strategy: Strategy = "perstream",
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", help="Instead of the assistant: always-silent or always-speak.", show_default="none"
        ),
    ] = None,
    memory_only: MemoryOnly = False,
    video_dir: VideoDir = None,
    max_frames: MaxFrames = 8,
    before: Before = 8.0,
    after: After = 0.0,
    split: Split = "",
    limit: Limit = 0,
    shard: ShardOf = "1/1",
    workers: Workers = 1,
    fresh: Fresh = False,
    backend: options.Backend = None,
    model: options.Model = None,
    device: options.Device = None,
    load_in: options.LoadIn = None,
    adapter: options.Adapter = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show every moment of a dataset, and write what was said unasked, or silence, to pred.json.

    With --days: live through generated days, and score what was said against what was due.
    """
    if (dataset is None) == (days is None):
        raise ConfigError("eval proactive wants either --dataset FILE or --days SEEDS")
    if dataset is None:
        _days(days or "", details, config, backend, options.brain(model, device, None, load_in, adapter), as_json)
        return
    plan = _plan("proactive", dataset, out, name, strategy, baseline, memory_only, video_dir, split, limit, shard)
    plan = _more(plan, max_frames, before, after, workers, fresh)
    brain = options.brain(model, device, None, load_in, adapter)
    _run(plan, dataset, pool, None, config, backend, brain, as_json)


def _days(
    days: str, details: bool, config: Path | None, backend: str | None, brain: dict[str, object], as_json: bool
) -> None:
    from perstream.lab.eval_unasked import lines_of, run
    from perstream.models.registry import load_backend

    settings = options.settings(config, None, backend, **brain)
    loaded = load_backend(settings.backend, settings.moment)
    try:
        for found in run(seed_range(days) or (), loaded, settings, details):
            if as_json:
                output.emit(found)
            else:
                for line in lines_of(found):
                    output.say(line)
    finally:
        loaded.close()


def bench_kit(
    samples: Annotated[int, typer.Option("--samples", min=4, max=1000, help="Evaluated one after the other.")] = 200,
    as_json: options.Json = False,
) -> None:
    """What evaluation costs beside its model calls, and how judging and generation gain from workers (200 ms per call)."""
    from perstream.lab.kit.bench import bench_kit as run

    result = run(samples)
    if as_json:
        output.emit(result)
    else:
        output.table(result.items())


def _plan(
    mode: Literal["passive", "proactive"],
    dataset: Path,
    out: Path,
    name: str | None,
    strategy: str,
    baseline: str | None,
    memory_only: bool,
    video_dir: Path | None,
    split: str,
    limit: int,
    shard: str,
) -> Plan:
    from perstream.lab.kit.plan import Plan
    from perstream.lab.kit.predictions import Shard

    title = name if name is not None else dataset.stem
    if not title or not title.replace("-", "").replace("_", "").replace(".", "").isalnum() or title.startswith("."):
        raise ConfigError(f"--name becomes a folder: letters, digits, - and _ only, not {title[:40]!r}")
    return Plan(
        mode=mode,
        name=title,
        out=out,
        strategy=strategy,
        baseline=baseline,
        memory_only=memory_only,
        video_dir=video_dir,
        split=split,
        limit=limit,
        shard=Shard.parse(shard),
        command=output.called(),
    )


def _more(plan: Plan, max_frames: int, before: float, after: float, workers: int, fresh: bool) -> Plan:
    from dataclasses import replace

    return replace(plan, max_frames=max_frames, before_s=before, after_s=after, workers=workers, fresh=fresh)


def _run(
    plan: Plan,
    dataset: Path,
    pool: str,
    answers: Path | None,
    config: Path | None,
    backend: str | None,
    brain: dict[str, object],
    as_json: bool,
) -> None:
    from perstream.lab.kit.evaluate import evaluate as run
    from perstream.lab.kit.plan import check
    from perstream.lab.kit.suites import read_suite
    from perstream.models.registry import load_backend

    check(plan)
    suite = read_suite(dataset, pool, answers)
    settings = options.settings(config, None, backend, **brain)
    loaded = load_backend(settings.backend, settings.moment)
    try:
        done = run(suite, plan, loaded, settings)
    finally:
        loaded.close()
    if as_json:
        failed: list[Any] = [{"id": key, "error": error} for key, error in done.summary.failed]
        output.emit({"path": str(done.path), "records": done.records, "failed": failed})
    else:
        for line in done.lines():
            output.say(line)
    if done.summary.failed:
        raise BackendError(f"{len(done.summary.failed)} samples failed; the same command tries them again")
