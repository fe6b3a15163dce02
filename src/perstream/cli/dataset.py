"""``perstream dataset …``: records made, checked and laid in store for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.errors import BackendError, ConfigError

group = typer.Typer(
    help="Dataset records: make them, check them, encode them once.", no_args_is_help=True, rich_markup_mode=None
)
VideoDir = Annotated[
    Path | None, typer.Option("--video-dir", help="Where the dataset's videos are.", show_default="none")
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="dataset")


@group.command("validate")
def validate_file(
    file: Annotated[Path, typer.Argument(help="Dataset records, JSON.")],
    video_dir: VideoDir = None,
    as_json: options.Json = False,
) -> None:
    """List everything that is wrong with a dataset file, with line and field. Exit code 1 when anything is."""
    from perstream.lab.kit.validate import validate

    found = validate(file, video_dir)
    for finding in found.findings:
        if as_json:
            output.emit(
                {"line": finding.line, "record": finding.record, "field": finding.field, "problem": finding.message}
            )
        else:
            output.say(finding.words(file))
    if as_json:
        output.emit({"file": str(file), "records": found.records, "problems": len(found.findings)})
    else:
        output.say(f"{file}: {found.records} records, {len(found.findings) or 'no'} problems")
    if found.findings:
        raise typer.Exit(1)


@group.command("generate")
def generate_records(
    out: Annotated[Path, typer.Option("--out", help="Folder for the records.")] = Path("dataset"),
    drivenact: Annotated[
        Path | None, typer.Option("--drivenact", help="Folder of Drive&Act: activities_3s and its videos.")
    ] = None,
    ego4d: Annotated[
        Path | None, typer.Option("--ego4d", help="Folder of Ego4D: narration.json and its videos.")
    ] = None,
    view: Annotated[str, typer.Option("--view", help="Camera of Drive&Act.")] = "kinect_color",
    before: Annotated[float, typer.Option("--before", min=0, max=600, help="Seconds shown before a moment.")] = 4.0,
    after: Annotated[float, typer.Option("--after", min=0, max=600, help="Seconds shown after it.")] = 1.0,
    frames: Annotated[int, typer.Option("--frames", min=1, max=32, help="Frames shown of them.")] = 4,
    per_video: Annotated[int, typer.Option("--per-video", min=1, max=10_000, help="Moments of a video at most.")] = 12,
    runs: Annotated[int, typer.Option("--runs", min=1, max=25, help="Judged runs of a proactive record.")] = 3,
    temperature: Annotated[float, typer.Option("--temperature", min=0, max=2, help="Of the model.")] = 0.7,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Moments at a time.")] = 8,
    limit: Annotated[int, typer.Option("--limit", min=0, help="The first so many moments; 0 is all.")] = 0,
    shard: Annotated[str, typer.Option("--shard", help="i/n: every n-th video from the i-th, files of its own.")] = (
        "1/1"
    ),
    seed: Annotated[int, typer.Option("--seed", help="Of the splits.")] = 0,
    max_calls: Annotated[int, typer.Option("--max-calls", min=0, help="Refuse to make more; 0 is no limit.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost and which moments.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the results so far; calls stay cached.")] = False,
    backend: Annotated[
        str, typer.Option("--backend", help="openai, qwen-omni, or builtin: templates, to try it out.")
    ] = "openai",
    model: options.Model = None,
    device: options.Device = None,
    load_in: options.LoadIn = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Make records from the annotated videos of Drive&Act and Ego4D with a model. Goes on after an interruption."""
    from perstream.lab.kit.generate.chats import open_chat
    from perstream.lab.kit.generate.drive_and_act import read_drive_and_act
    from perstream.lab.kit.generate.ego4d import read_ego4d
    from perstream.lab.kit.generate.generate import Generated, estimate, generate
    from perstream.lab.kit.generate.plan import Plan
    from perstream.lab.kit.predictions import Shard

    if drivenact is None and ego4d is None:
        raise ConfigError("there is nothing to read: give --drivenact FOLDER or --ego4d FOLDER")
    plan = Plan(
        out, per_video, before, after, frames, runs, temperature, workers, limit, Shard.parse(shard), seed, max_calls,
        fresh, output.called(),
    )  # fmt: skip
    found = [] if drivenact is None else [read_drive_and_act(drivenact, view)]
    found += [] if ego4d is None else [read_ego4d(ego4d)]
    settings = options.settings(config, None, backend, **options.brain(model, device, None, load_in))
    chat, close = open_chat(settings.backend, workers)
    failed = 0
    try:
        for one in found:
            for line in one.notes():
                typer.echo(line, err=True)
            # A server may have to be asked whether its model sees; --dry-run asks nothing.
            cost = estimate(one, plan, chat, dry_run or chat.abilities.pictures)
            typer.echo(f"{one.dataset}: {chat.name}: {cost.line}", err=True)
        for one in found:
            if dry_run:
                for moment in plan.moments(one):
                    output.say(f"{moment.footage.video} {moment.time_s:.3f} {moment.label}")
                continue
            done: Generated = generate(one, plan, chat)
            failed += len(done.failed)
            if as_json:
                files = [str(path) for path in done.files]
                output.emit({"dataset": one.dataset, "records": done.records, "failed": done.failed, "files": files})
            else:
                for line in done.lines():
                    output.say(line)
    finally:
        close()
    if failed:
        raise BackendError(f"{failed} items failed; the same command tries them again")


@group.command("cache")
def cache_dataset(
    file: Annotated[Path, typer.Argument(help="Dataset records, JSON.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the cache.")] = Path("dataset/cache"),
    video_dir: VideoDir = None,
    frames: Annotated[int, typer.Option("--frames", min=1, max=64, help="Frames of a record's window.")] = 8,
    before: Annotated[float, typer.Option("--before", min=0, max=3600, help="Seconds of it before its time.")] = 8.0,
    after: Annotated[float, typer.Option("--after", min=0, max=3600, help="Seconds after it.")] = 0.0,
    pool_size: Annotated[int, typer.Option("--pool-size", min=2, max=16, help="Grid of patch vectors.")] = 8,
    skip_missing: Annotated[
        bool,
        typer.Option("--skip-missing", help="Go on without videos and moments that are not there; they are listed."),
    ] = False,
    backend: Annotated[str, typer.Option("--backend", help="Whose eyes and whose triplets: builtin, qwen-omni.")] = (
        "builtin"
    ),
    model: options.Model = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    load_in: options.LoadIn = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Make once what training and evaluation need: embeddings, a memory graph per participant, with videos their frames."""
    from perstream.lab.kit.encoders import encoder_of
    from perstream.lab.kit.memory_cache import PATCHES, CacheJob, cache_memories
    from perstream.models.registry import load_backend

    settings = options.settings(config, None, backend, **options.brain(model, device, dtype, load_in))
    job = CacheJob(file, out, video_dir, frames, before, after, pool_size, skip_missing)
    loaded = load_backend(settings.backend, settings.moment)
    try:
        done = cache_memories(job, loaded, settings, lambda: encoder_of(settings.backend, pool_size))
    finally:
        loaded.close()
    if as_json:
        output.emit(
            {
                **{name: {"made": made, "known": known} for name, (made, known) in done.counts.items()},
                "missing": list(done.missing),
                "graph_folders": {str(who): str(path) for who, path in done.graph_folders.items()},
                "patches": str(out / PATCHES) if video_dir else None,
            }
        )
    else:
        for line in done.lines(out):
            output.say(line)
        if video_dir is not None:
            output.say(f"train with CACHE_FILE={out / PATCHES}")
