"""``perstream profiles``: several persons' memories side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.cli.written import unembedded
from perstream.config import Config
from perstream.errors import NotFound, PerStreamError, StoreBusy
from perstream.places import profile_name, profiles, store_folder

group = typer.Typer(
    help="Several persons on one machine: each profile has its own store, tokens and daemon.",
    rich_markup_mode=None,
    invoke_without_command=True,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One person's memory."""

    name: str
    """Empty is the first person."""
    store: str
    memories: int | None
    """None when it cannot be counted: it is encrypted and its key is not at hand, or it cannot be opened."""
    daemon: str | None
    """Address of the daemon that runs on it."""


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="profiles")


@group.callback()
def list_(
    context: typer.Context,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """List the profiles. A new one is made by using it: perstream --profile anna remember "…"."""
    if context.invoked_subcommand is not None:
        return
    settings = replace(options.settings(config, store), profile="")
    found = [_look(replace(settings, profile=name)) for name in ("", *profiles(settings))]
    if as_json:
        for one in found:
            output.emit(one)
        return
    for one in found:
        count = (
            "cannot be counted"
            if one.memories is None
            else f"{one.memories} memor{'y' if one.memories == 1 else 'ies'}"
        )
        output.say(f"{one.name or '(first)':<16} {count:<18} {one.daemon or 'no daemon'}")


@group.command()
def remove(
    name: Annotated[str, typer.Argument(help="The profile.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Remove a person's memory for good: the store, its tokens, its key and its backups, wherever they are."""
    from perstream.daemon.lodging import vault_of
    from perstream.memory.removal import backups_elsewhere, remove_store
    from perstream.web.address import find_daemon

    settings = replace(options.settings(config, store), profile=profile_name(name))
    folder = store_folder(settings)
    if name not in profiles(settings):
        raise NotFound(f"there is no profile {name}: perstream profiles lists them")
    if find_daemon(folder) is not None:
        raise StoreBusy(f"a daemon serves the profile {name}: stop it first")
    elsewhere = backups_elsewhere(folder)
    if not yes:
        output.paragraph(f"Everything of {name} goes: {folder}" + "".join(f", {path}" for path in elsewhere))
        if as_json or not typer.confirm("Remove it for good?"):
            raise typer.Exit(1)
    freed = remove_store(vault_of(settings))
    done = {"profile": name, "bytes_freed": freed, "backups_elsewhere": [str(path) for path in elsewhere]}
    output.emit(done) if as_json else output.say(f"removed the profile {name} ({freed / 1e6:.1f} MB)")


def _look(settings: Config) -> Profile:
    from perstream.web.address import find_daemon

    folder = store_folder(settings)
    address = find_daemon(folder)
    return Profile(settings.profile, str(folder), _count(settings, folder), address.url if address else None)


def _count(settings: Config, folder: Path) -> int | None:
    from perstream.daemon.lodging import vault_of
    from perstream.memory.memory import Memory

    if not (folder / "memory.db").is_file():
        return 0
    try:
        vault = vault_of(settings)
        with Memory.open(folder, settings.memory, unembedded, read_only=True, keys=vault) as memory:
            return memory.count()
    except PerStreamError:
        return None
