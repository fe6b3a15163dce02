"""``perstream pause`` and ``resume``: of one source, or of everything now and to come."""

from __future__ import annotations

from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.cli.house import opened

Source = Annotated[
    str | None,
    typer.Argument(help="Its name: perstream status.", show_default="every source, now and to come"),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(pause)
    app.command()(resume)


def pause(
    source: Source = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Perceive nothing until you resume, also after a crash or a restart. Nothing of that time is kept but the gap."""
    _set(source, True, store, config, as_json)


def resume(
    source: Source = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Perceive again."""
    _set(source, False, store, config, as_json)


def _set(source: str | None, on: bool, store: options.Store, config: options.ConfigFile, as_json: bool) -> None:
    with opened(options.settings(config, store)) as house:
        house.pause(source) if on else house.resume(source)
        everything = house.paused
        states = {one.name: str(one.state) for one in house.sources()}
    if as_json:
        output.emit({"everything": everything, "sources": states})
        return
    if on:
        output.say(f"{source or 'everything'} is paused, also after a restart, until: perstream resume")
    else:
        output.say(f"{source or 'everything'} goes on")
    for name, state in states.items():
        output.say(f"{name}: {state}", dim=True)
