"""``perstream train …``: a projection for the gate, and adapters for a model."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from perstream.cli import options, output
from perstream.errors import ConfigError

group = typer.Typer(
    help="Train a projection or a LoRA adapter on dataset records.", no_args_is_help=True, rich_markup_mode=None
)

Videos = Annotated[
    Path | None, typer.Option("--video-dir", help="Folder of the videos that video_id names.", show_default="none")
]
Dataset = Annotated[Path, typer.Option("--dataset", help="Dataset records, JSON (docs/DATASET.md).")]
SkipMissing = Annotated[
    bool, typer.Option("--skip-missing", help="Leave out records whose video or moment is not there; they are listed.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on with what is there.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of everything that is drawn.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="train")


@group.command("projection")
def projection(
    dataset: Dataset,
    out: Annotated[Path, typer.Option("--output", help="The projection to write, .safetensors.")],
    video_dir: Videos = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder of encoded frames.", show_default="patches/ beside --output")
    ] = None,
    mode: Annotated[
        Literal["create_dataset", "train", "both"],
        typer.Option("--mode", help="Encode the frames, train on encoded ones, or both."),
    ] = "both",
    pool_size: Annotated[str, typer.Option("--pool-size", help="Grid of patch vectors: 4 or 4x4.")] = "4x4",
    sentence_model: Annotated[
        str, typer.Option("--sentence-model", help="Embedder of the captions; the daemon's gate uses the default one.")
    ] = "all-MiniLM-L6-v2",
    epochs: Annotated[int, typer.Option("--epochs", min=1, max=10_000, help="At most.")] = 50,
    learning_rate: Annotated[float, typer.Option("--learning-rate", min=1e-8, max=1.0, help="Of AdamW.")] = 1e-3,
    batch: Annotated[int, typer.Option("--batch", min=2, max=4096, help="Frames per step.")] = 32,
    patience: Annotated[
        int, typer.Option("--patience", min=1, help="End after so many epochs without a better held-out loss.")
    ] = 8,
    seed: Seed = 0,
    backend: Annotated[str, typer.Option("--backend", help="Whose eyes: builtin or qwen-omni.")] = "builtin",
    model: options.Model = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    load_in: options.LoadIn = None,
    skip_missing: SkipMissing = False,
    fresh: Fresh = False,
    as_json: options.Json = False,
) -> None:
    """Train the projection from patch vectors to the sentence space, on frames and their captions."""
    from perstream.lab.kit.encoders import encoder_of
    from perstream.lab.kit.projection import ProjectionJob, parse_pool, run_projection
    from perstream.lab.kit.projection_fit import FitSettings

    if out.suffix != ".safetensors":
        raise ConfigError(f"--output (OUTPUT_MODEL) is a .safetensors file, not {out.name[:60]!r}")
    brain = options.settings(None, None, backend, **options.brain(model, device, dtype, load_in)).backend
    pool = parse_pool(pool_size)
    job = ProjectionJob(
        dataset=dataset,
        videos=video_dir,
        output=out,
        cache=cache or out.parent / "patches",
        mode=mode,
        pool_size=pool,
        sentence_model=sentence_model,
        skip_missing=skip_missing,
        fresh=fresh,
        fit=FitSettings(epochs, learning_rate, batch, patience, seed),
    )
    report = run_projection(job, lambda: encoder_of(brain, pool))
    if as_json:
        output.emit(report)
        return
    for line in _projection_lines(report):
        output.say(line)


@group.command("lora")
def lora(
    dataset: Dataset,
    out: Annotated[Path, typer.Option("--output", help="Folder of the adapter; must be empty or of this same run.")],
    model: options.Model = None,
    video_dir: Videos = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache", help="Patch vectors by `perstream dataset cache`: no video is read.", show_default="none"
        ),
    ] = None,
    memory_only: Annotated[
        bool, typer.Option("--memory-only", help="Show no view; the scene is told in words.")
    ] = False,
    epochs: Annotated[int, typer.Option("--epochs", min=1, max=1000, help="Passes over the records.")] = 3,
    learning_rate: Annotated[float, typer.Option("--learning-rate", min=1e-8, max=1.0, help="Of AdamW.")] = 2e-4,
    rank: Annotated[int, typer.Option("--rank", min=1, max=512, help="LORA_R.")] = 8,
    alpha: Annotated[float, typer.Option("--alpha", min=0.01, help="LORA_ALPHA.")] = 16,
    dropout: Annotated[float, typer.Option("--dropout", min=0, max=0.9, help="LORA_DROPOUT.")] = 0.05,
    accumulation: Annotated[
        int, typer.Option("--accumulation", min=1, help="Records per optimizer step; each goes through alone.")
    ] = 8,
    silence_share: Annotated[
        float, typer.Option("--silence-share", help="Share of silent records among the proactive ones of an epoch.")
    ] = 0.5,
    abstain_share: Annotated[
        float,
        typer.Option("--abstain-share", help="Share of passive records shown without the memories that they need."),
    ] = 0.1,
    eval_samples: Annotated[int, typer.Option("--eval-samples", min=1, help="Held-out records measured.")] = 200,
    save_every: Annotated[int, typer.Option("--save-every", min=1, help="Steps between two checkpoints.")] = 50,
    pool_size: Annotated[int, typer.Option("--pool-size", min=2, max=16, help="Grid, with --video-dir.")] = 8,
    checkpointing: Annotated[
        bool,
        typer.Option("--checkpointing/--no-checkpointing", help="Compute activations again instead of keeping them."),
    ] = True,
    seed: Seed = 0,
    device: options.Device = None,
    dtype: options.Dtype = None,
    load_in: options.LoadIn = None,
    skip_missing: SkipMissing = False,
    skip_invalid: Annotated[
        bool,
        typer.Option("--skip-invalid", help="Leave out records in which `perstream dataset validate` finds problems."),
    ] = False,
    fresh: Fresh = False,
    as_json: options.Json = False,
) -> None:
    """Train a LoRA adapter for qwen-omni on memories, questions and moments. Interrupted, it goes on where it was."""
    from perstream.lab.kit.lora import LoraSettings
    from perstream.lab.kit.lora_job import LoraJob
    from perstream.lab.kit.train_loop import LoopSettings
    from perstream.lab.kit.train_lora import run_lora

    brain = options.settings(None, None, "qwen-omni", **options.brain(model, device, dtype, load_in)).backend
    path = brain.model_path or os.environ.get("MODEL_PATH", "")
    if not path:
        raise ConfigError("set MODEL_PATH (--model) to the folder or hub id of the model to train")
    job = LoraJob(
        dataset=dataset,
        output=out,
        backend=replace(brain, model_path=path),
        videos=video_dir,
        cache=cache,
        memory_only=memory_only,
        skip_missing=skip_missing,
        skip_invalid=skip_invalid,
        fresh=fresh,
        pool_size=pool_size,
        silence_share=silence_share,
        abstain_share=abstain_share,
        eval_samples=eval_samples,
        checkpointing=checkpointing,
        loop=LoopSettings(epochs, learning_rate, accumulation, save_every, seed),
        lora=LoraSettings(rank, alpha, dropout),
    )
    report = run_lora(job)
    if int(os.environ.get("RANK", "0")):
        return  # one process speaks for all
    if as_json:
        output.emit(report)
        return
    for line in _lora_lines(report):
        output.say(line)


def _projection_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['pairs']} pairs of frame and caption, held out by {report['held_out_by']}"]
    if "frames_new" in report:
        lines.append(f"frames: {report['frames_new']} encoded, {report['frames_known']} known from before")
        lines += [f"  missing: {line}" for line in report["missing"][:20]]
    if "held_out" in report:
        held = report["held_out"]
        chose = ", which also chose the epoch" if report["held_out_chose_epoch"] else ""
        lines += [
            f"held out: {held['n_frames']} frames, {held['n_captions']} captions{chose}; "
            f"{held['captions_also_trained_on']:.0%} of the captions were trained on, too",
            f"recall@1 {held['recall@1']:.3f} (chance {held['chance@1']:.3f}), "
            f"recall@5 {held['recall@5']:.3f} (chance {held['chance@5']:.3f}), best epoch {report['best_epoch']}",
            f"wrote {report['output']} and its .json",
        ]
    return lines


def _lora_lines(report: dict[str, Any]) -> list[str]:
    lines = []
    for one in report["epochs"]:
        f1 = one["proactive_f1"]
        lines.append(
            f"epoch {one['epoch']}: held-out loss {one['val_loss']:.4f}, "
            f"proactive F1 {'–' if f1 is None else f'{f1:.2f}'} ({one['proactive_due']:.0f} words due)"
        )
    where = report["output"]
    name = re.sub(r"\W+", "-", Path(where).name).strip("-") or "mine"
    return [
        *lines,
        f"kept epoch {report['best_epoch']} of {len(report['epochs'])} in {where} (README.md says how it was made)",
        f"use it: perstream serve --backend qwen-omni --model {report['base']} --adapter {name}={where}",
    ]
