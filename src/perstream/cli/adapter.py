"""``perstream adapter``: LoRA adapters of the running daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.errors import BackendUnavailable
from perstream.places import store_folder

if TYPE_CHECKING:
    from perstream.protocols import Adapters

Name = Annotated[str, typer.Argument(help="What the adapter is called.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="LoRA adapters of the running daemon: list, load, switch, let go.", no_args_is_help=True)
    group.command("list")(listed)
    group.command()(load)
    group.command()(use)
    group.command()(off)
    group.command()(unload)
    app.add_typer(group, name="adapter")


def listed(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Say which are loaded, and which one is in use."""
    _change(lambda _: None, store, config, as_json)


def load(
    name: Name,
    path: Annotated[
        str, typer.Argument(help="Folder of the adapter, or what the model server takes: a folder there, a hub id.")
    ],
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Load one beside the others; it is not in use yet."""
    here = Path(path).expanduser()
    _change(
        lambda adapters: adapters.load(name, str(here.resolve()) if here.is_dir() else path), store, config, as_json
    )


def use(
    name: Name, store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False
) -> None:
    """Answer with this one from the next word on."""
    _change(lambda adapters: adapters.use(name), store, config, as_json)


def off(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Answer with the model as it came."""
    _change(lambda adapters: adapters.use(None), store, config, as_json)


def unload(
    name: Name, store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False
) -> None:
    """Let one go."""
    _change(lambda adapters: adapters.unload(name), store, config, as_json)


def _change(change: Callable[[Adapters], None], store: Path | None, config: Path | None, as_json: bool) -> None:
    """Change the adapters of the daemon on this store, and say what they are then.

    Only the daemon's: a model that ends with the command has none to switch.
    """
    from perstream.web.client import Client, find_daemon

    folder = store_folder(options.settings(config, store))
    address = find_daemon(folder)
    if address is None:
        raise BackendUnavailable(f"no daemon serves {folder}; start one with: perstream serve --backend qwen-omni")
    with Client(folder, address) as client:
        adapters = client.adapters()
        change(adapters)
        names, active = adapters.names, adapters.active
    if as_json:
        output.emit({"adapters": list(names), "active": active})
        return
    for name in names:
        output.say(f"{'* ' if name == active else '  '}{name}")
    if active is None:
        output.say("in use: the model as it came")
