"""Options that several commands share, and the way from options to settings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from perstream.config import Config
from perstream.errors import ConfigError
from perstream.settings import load

Store = Annotated[
    Path | None, typer.Option("--store", help="Folder of the memory store.", show_default="user's data folder")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file.", show_default="./perstream.toml if there")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Backend = Annotated[str | None, typer.Option("--backend", help="Brain: auto, builtin.")]
Now = Annotated[str | None, typer.Option("--now", help="Take this ISO time as now.", show_default="the wall clock")]
Since = Annotated[str | None, typer.Option("--since", help="From this ISO date or time on.")]
Until = Annotated[str | None, typer.Option("--until", help="Up to this ISO date or time.")]


def settings(config: Path | None, store: Path | None, backend: str | None = None, **more: object) -> Config:
    """The configuration with these flags on top; keyword ``gate__gamma_threshold`` is gate.gamma_threshold."""
    overrides: dict[str, object] = {"store": str(store) if store else None, "backend.name": backend}
    overrides |= {key.replace("__", "."): value for key, value in more.items()}
    return load(config, overrides=overrides)


def moment(text: str | None, option: str) -> datetime | None:
    """An ISO date or time; local time zone when it names none. ConfigError when it is neither."""
    if text is None:
        return None
    try:
        # Python 3.10 does not read the Z of ISO 8601.
        return datetime.fromisoformat(text.strip().replace("Z", "+00:00")).astimezone()
    except ValueError as error:
        raise ConfigError(f"{option} wants an ISO time such as 2026-05-12T08:30:00, not {text[:40]!r}") from error
