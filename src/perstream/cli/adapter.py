"""``perstream adapter``: LoRA adapters of the running daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.config import Config
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
    _told(options.settings(config, store), as_json)


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
    settings = options.settings(config, store)
    with _running(settings) as adapters:
        here = Path(path).expanduser()
        adapters.load(name, str(here.resolve()) if here.is_dir() else path)
    _told(settings, as_json)


def use(
    name: Name, store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False
) -> None:
    """Answer with this one from the next word on."""
    settings = options.settings(config, store)
    with _running(settings) as adapters:
        adapters.use(name)
    _told(settings, as_json)


def off(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Answer with the model as it came."""
    settings = options.settings(config, store)
    with _running(settings) as adapters:
        adapters.use(None)
    _told(settings, as_json)


def unload(
    name: Name, store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False
) -> None:
    """Let one go."""
    settings = options.settings(config, store)
    with _running(settings) as adapters:
        adapters.unload(name)
    _told(settings, as_json)


@contextmanager
def _running(settings: Config) -> Iterator[Adapters]:
    """The adapters of the daemon on this store: a model that ends with the command has none to switch."""
    from perstream.web.client import Client, find_daemon

    store = store_folder(settings)
    address = find_daemon(store)
    if address is None:
        raise BackendUnavailable(f"no daemon serves {store}; start one with: perstream serve --backend qwen-omni")
    with Client(store, address) as client:
        yield client.adapters()


def _told(settings: Config, as_json: bool) -> None:
    with _running(settings) as adapters:
        names, active = adapters.names, adapters.active
    if as_json:
        output.emit({"adapters": list(names), "active": active})
        return
    for name in names:
        output.say(f"{'* ' if name == active else '  '}{name}")
    if active is None:
        output.say("in use: the model as it came")
