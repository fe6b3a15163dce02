"""The ``perstream`` command: subcommands, errors and exit codes."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from perstream.cli import (
    adapter,
    ask,
    dataset,
    devices,
    evaluate,
    exchange,
    graph,
    imports,
    judge,
    lab,
    machine,
    mcp,
    memory,
    output,
    page,
    pausing,
    privacy,
    proactive,
    profile,
    profiles,
    reduction,
    retention,
    service,
    settings_file,
    token,
    train,
    upkeep,
    vault,
    watch,
)
from perstream.errors import PerStreamError
from perstream.version import __version__

app = typer.Typer(
    name="perstream",
    cls=profile.People,
    help="A personal memory assistant: it watches, remembers, answers with evidence and speaks up by itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
watch.register(app)
ask.register(app)
memory.register(app)
graph.register(app)
upkeep.register(app)
vault.register(app)
exchange.register(upkeep.group)
imports.register(app)
machine.register(app)
mcp.register(app)
service.register(app)
settings_file.register(app)
page.register(app)
privacy.register(app)
profiles.register(app)
retention.register(privacy.group)
pausing.register(app)
proactive.register(app)
adapter.register(app)
devices.register(app)
token.register(app)
train.register(app)
lab.register(app)
evaluate.register(app)
reduction.register(app)
dataset.register(app)
judge.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perstream {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    person: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME", help="Whose memory: each profile has its own store and tokens."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to standard error.")] = False,
) -> None:
    profile.choose(person)
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if not verbose:
        # That the brain, or the privacy, is not what was hoped for must be seen.
        logging.getLogger("perstream.models").setLevel(logging.WARNING)
        logging.getLogger("perstream.memory.incognito").setLevel(logging.WARNING)


def main() -> None:
    """Entry point. One line per error, and the exit code of its class."""
    try:
        app(standalone_mode=True)
    except PerStreamError as error:
        typer.echo(output.safe(f"perstream: {error}"), err=True)
        code = error.exit_code
    else:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code) if _threads_linger() else sys.exit(code)


def _threads_linger() -> bool:
    """A camera stuck in its driver must not keep the process alive after an error was told."""
    import threading

    return any(not t.daemon and t is not threading.main_thread() for t in threading.enumerate())
