"""``perstream privacy``: what was left out before it was stored, and what would be."""

from __future__ import annotations

from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.cli.ask import given
from perstream.cli.house import opened

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What is never stored, and the account of it.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    group.command()(log)
    group.command()(check)
    app.add_typer(group, name="privacy")


def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most this many.")] = 50,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """What kind of secret was left out, when and from where, newest first; never what it was."""
    with opened(options.settings(config, store)) as house:
        found = house.redactions(limit)
    if as_json:
        for one in found:
            output.emit(one)
        return
    from perstream.privacy.redact import counted

    for one in found:
        place = f" · {one.source}" if one.source else ""
        output.say(f"{output.clock(one.at)}  {counted({one.kind: one.count})} {one.origin}{place}")
    if not found:
        output.say("nothing was left out yet")


def check(
    text: Annotated[str, typer.Argument(help="A text; - reads standard input.")],
    read: Annotated[bool, typer.Option("--read", help="As if a camera had read it: digits may be misread.")] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show what of a text would be left out. Nothing is stored."""
    from perstream.privacy.redact import counted, redact

    result = redact(given(text, "the text"), options.settings(config, None).privacy.redact, read)
    if as_json:
        output.emit({"text": result.text, "found": dict(result.found)})
        return
    for line in result.text.splitlines():
        output.say(line)
    output.say(f"would be left out: {counted(result.found)}" if result.found else "nothing would be left out", dim=True)
