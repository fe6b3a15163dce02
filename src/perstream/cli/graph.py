"""``perstream graph``: the memory graph as text, SVG or HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perstream.cli import drawing, options, output
from perstream.cli.house import opened
from perstream.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(graph)


def graph(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a picture: FILE.svg or FILE.html.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The newest memories only.")] = 60,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show the memory graph: categories, memories, and what they connect."""
    if out is not None and out.suffix.lower() not in (".svg", ".html"):
        raise ConfigError(f"--out writes .svg or .html, not {out.suffix or out.name!r}")
    with opened(options.settings(config, store)) as house:
        found = house.graph()
    if out is not None:
        draw = drawing.draw_html if out.suffix.lower() == ".html" else drawing.draw_svg
        try:
            out.write_text(draw(found, limit), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {out}: {error.strerror}") from error
    if as_json:
        for node, data in found.nodes(data=True):
            output.emit({"node": str(node), **data})
        for start, end, data in found.edges(data=True):
            output.emit({"from": str(start), "to": str(end), **data})
    elif out is not None:
        output.say(f"wrote {out}")
    else:
        lines = drawing.outline(found, limit)
        for line in lines or ["nothing is remembered yet"]:
            output.say(line)
