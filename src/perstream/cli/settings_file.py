"""``perstream config …``: check the settings file, compare it with the last that worked, and go back to that."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import typer

from perstream.cli import options, output
from perstream.cli.profile import chosen
from perstream.config import Config
from perstream.errors import ConfigError, NotFound, PerStreamError
from perstream.places import store_folder
from perstream.settings import load, settings_file

group = typer.Typer(
    help="Check the settings file, compare it with the last that worked, go back to that.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="config")


@group.command()
def check(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Read the settings as a start would, and say what differs from the defaults. A bad one is told with its place."""
    from perstream.daemon.channels import channels_of
    from perstream.privacy.retention import rules_of

    settings = options.settings(config, store)
    channels_of(settings.delivery)
    rules_of(settings.privacy.retention)
    folder = Path(settings.backup.folder).expanduser() if settings.backup.folder else None
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"backup.folder {folder} is not there: plug in its disk, or make the folder")
    file = settings_file(config)
    changed = dict(_changed(settings))
    if as_json:
        output.emit({"file": str(file) if file else None, "ok": True, "changed": changed})
        return
    output.say(f"the settings are good: {file or 'there is no perstream.toml, defaults hold'}")
    output.table((name, _shown(name, value)) for name, value in changed.items())


@group.command()
def diff(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Compare the settings file with the last one that a start has worked with."""
    from perstream.daemon.good_settings import kept, other_than

    file = _file(config)
    now = _content(file)
    folder = _store(store, file)
    latest = kept(folder)[:1]
    good = latest[0] if latest and latest[0].content == now else other_than(now, folder)
    lines = list(
        difflib.unified_diff(
            good.content.decode("utf-8", "replace").splitlines(),
            (now or b"").decode("utf-8", "replace").splitlines(),
            f"worked {good.at:%Y-%m-%d %H:%M} UTC",
            str(file),
            lineterm="",
        )
    )
    if as_json:
        output.emit({"file": str(file), "good": str(good.path), "diff": lines})
        return
    if not lines:
        output.say(f"no difference: a start with these settings worked on {output.clock(good.at)}")
    for line in lines:
        output.say(line, color={"+": "green", "-": "red"}.get(line[:1]))


@group.command()
def rollback(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Put the last settings file that a start has worked with in the place of this one, which is kept beside it."""
    from perstream.daemon.good_settings import other_than, put_back

    file = _file(config)
    good = other_than(_content(file), _store(store, file))
    try:
        load(good.path, environ={})
    except ConfigError as error:
        raise ConfigError(f"the last settings that worked are none for this version: {error}") from error
    aside = put_back(good, file)
    if as_json:
        output.emit({"file": str(file), "good": str(good.path), "kept": str(aside) if aside else None})
        return
    output.say(
        f"{file} is again as it worked on {output.clock(good.at)}" + (f"; it was kept as {aside}" if aside else "")
    )
    output.say("a running daemon takes it up when it is started again", dim=True)


def _file(config: Path | None) -> Path:
    return (config or Path("perstream.toml")).resolve()


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read settings from {file} ({error.strerror})") from error


def _store(store: Path | None, file: Path) -> Path:
    """The store, also when the file that names it cannot be read."""
    try:
        return store_folder(options.settings(file if file.is_file() else None, store))
    except (PerStreamError, NotFound):
        text = (_content(file) or b"").decode("utf-8", "replace")
        top = re.split(r"(?m)^\s*\[", text, maxsplit=1)[0]
        said = {name: re.search(rf"(?m)^\s*{name}\s*=\s*[\"']([^\"'\n]*)[\"']", top) for name in ("store", "profile")}
        named = {name: found[1] for name, found in said.items() if found}
        where = str(store) if store else os.environ.get("PERSTREAM_STORE") or named.get("store", "")
        whose = chosen() or os.environ.get("PERSTREAM_PROFILE") or named.get("profile", "")
        return store_folder(Config(store=where, profile=whose))


def _changed(settings: Config) -> Mapping[str, Any]:
    """The settings that are not as they come, by their full names."""
    found: dict[str, Any] = {}
    default = Config()
    for top in fields(Config):
        now, was = getattr(settings, top.name), getattr(default, top.name)
        if not is_dataclass(now):
            found |= {top.name: now} if now != was else {}
            continue
        for part in fields(now):
            if getattr(now, part.name) != getattr(was, part.name):
                found[f"{top.name}.{part.name}"] = getattr(now, part.name)
    return {name: _shown(name, value) for name, value in found.items()}


def _shown(name: str, value: Any) -> Any:
    """An address that may hold a secret is not repeated."""
    return "(set)" if name == "delivery.webhook" and value else value
