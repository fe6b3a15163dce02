"""Options that several commands share, and the way from options to settings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from perstream.cli.profile import chosen
from perstream.config import Config
from perstream.errors import ConfigError
from perstream.settings import load

Store = Annotated[
    Path | None, typer.Option("--store", help="Folder of the memory store.", show_default="user's data folder")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file.", show_default="./perstream.toml if there")
]
Incognito = Annotated[
    bool, typer.Option("--incognito", help="A session of its own that ends with it and leaves nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Backend = Annotated[str | None, typer.Option("--backend", help="Brain: auto, builtin, qwen-omni, openai.")]
Model = Annotated[
    str | None,
    typer.Option("--model", help="Model folder or hub id of qwen-omni, or the model's name on the server of openai."),
]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps, balanced (all GPUs).")]
Dtype = Annotated[str | None, typer.Option("--dtype", help="auto, bf16, fp16, fp32.")]
LoadIn = Annotated[str | None, typer.Option("--load-in", help="Quantize the weights while loading: 4bit, 8bit.")]
Adapter = Annotated[
    list[str] | None, typer.Option("--adapter", help="LoRA adapter NAME=PATH; repeatable, the first one is used.")
]
Mask = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        help="Region that nobody sees, X Y W H in shares of the picture: '0 0 0.5 1' is its left half; repeatable.",
    ),
]
Now = Annotated[str | None, typer.Option("--now", help="Take this ISO time as now.", show_default="the wall clock")]
Since = Annotated[str | None, typer.Option("--since", help="From this ISO date or time on.")]
Until = Annotated[str | None, typer.Option("--until", help="Up to this ISO date or time.")]


def settings(config: Path | None, store: Path | None, backend: str | None = None, **more: object) -> Config:
    """The configuration with these flags on top; keyword ``gate__gamma_threshold`` is gate.gamma_threshold."""
    overrides: dict[str, object] = {"store": str(store) if store else None, "backend.name": backend}
    overrides |= {key.replace("__", "."): value for key, value in more.items()}
    if overrides.get("profile") is None:
        overrides["profile"] = chosen()
    return load(config, overrides=overrides)


def brain(
    model: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    load_in: str | None = None,
    adapter: list[str] | None = None,
) -> dict[str, object]:
    """The flags of a model as keywords for :func:`settings`."""
    return {
        "backend__model_path": model,
        "backend__served_model": model,
        "backend__device": device,
        "backend__dtype": dtype,
        "backend__load_in": load_in,
        "backend__adapters": tuple(adapter) if adapter else None,
    }


def moment(text: str | None, option: str) -> datetime | None:
    """An ISO date or time; local time zone when it names none. ConfigError when it is neither."""
    if text is None:
        return None
    try:
        # Python 3.10 does not read the Z of ISO 8601.
        return datetime.fromisoformat(text.strip().replace("Z", "+00:00")).astimezone()
    except ValueError as error:
        raise ConfigError(f"{option} wants an ISO time such as 2026-05-12T08:30:00, not {text[:40]!r}") from error
