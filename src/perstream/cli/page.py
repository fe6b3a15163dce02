"""``perstream open``: the daemon's page in the browser."""

from __future__ import annotations

import html
import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.errors import BackendUnavailable
from perstream.places import store_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("open")(open_page)


def open_page(
    store: options.Store = None,
    config: options.ConfigFile = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only say which file opens the page.")] = False,
) -> None:
    """Open the running daemon's page in the browser, with its key."""
    from perstream.web.address import find_daemon
    from perstream.web.token import read_token

    folder = store_folder(options.settings(config, store))
    daemon = find_daemon(folder)
    if daemon is None:
        raise BackendUnavailable(f"no daemon serves {folder}; start one with: perstream serve --store {folder}")
    page = write_key_page(folder, daemon.url, read_token(folder))
    if no_browser or not webbrowser.open(page.as_uri()):
        output.say(f"open this file in your browser: {page}")
    else:
        output.say(f"opening {daemon.url}")


def write_key_page(folder: Path, url: str, token: str) -> Path:
    """A file that only its owner can read and that leads to the page with its key.

    The key is in no command line (every process of the machine could read it there) and, as an address's
    fragment, in no request.
    """
    page = folder / "open.html"
    target = html.escape(f"{url}/#token={token}", quote=True)
    page.unlink(missing_ok=True)
    with os.fdopen(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={target}">\n')
        file.write(f'<title>PerStream</title><a href="{target}">Open PerStream</a>\n')
    return page
