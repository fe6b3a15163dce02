"""``perstream mcp``: the memory for programs that speak the Model Context Protocol, over standard input and output."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from perstream.cli import options
from perstream.cli.house import opened
from perstream.errors import BackendUnavailable, ConfigError
from perstream.places import store_folder

if TYPE_CHECKING:
    from perstream.web.client import Client
    from perstream.web.house import House


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(mcp)


def mcp(
    store: options.Store = None,
    config: options.ConfigFile = None,
    backend: options.Backend = None,
    url: Annotated[
        str | None, typer.Option("--url", help="A daemon elsewhere; its token is taken from PERSTREAM_TOKEN.")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option("--fingerprint", help="Of the certificate there, as perstream serve --lan printed it.")
    ] = None,
) -> None:
    """Serve the memory to an MCP client (Claude, Cursor, …) over standard input and output; see docs/INTEGRATIONS.md.

    Speaks to the daemon of the store where one runs, else opens the store itself, so that no daemon can until it ends.
    """
    try:
        from perstream.web.mcp_server import build_mcp
    except ImportError as error:
        raise BackendUnavailable(f"mcp needs: pip install 'perstream[mcp,server]' ({error.name} is missing)") from error
    settings = options.settings(config, store, backend)
    if fingerprint is not None and url is None:
        raise ConfigError("--fingerprint is of the daemon at --url: give both")
    with opened(settings) if url is None else _elsewhere(url, fingerprint) as house:
        server = build_mcp(_lasting(house, store_folder(settings)), settings.server.max_question_chars)
        # Standard output belongs to the protocol; the SDK turns stray output away from it.
        server.run("stdio")


def _elsewhere(url: str, fingerprint: str | None) -> Client:
    from perstream.web.client import Client

    # Not a flag: those can be read in the list of processes.
    return Client(url=url, token=os.environ.get("PERSTREAM_TOKEN", ""), fingerprint=fingerprint)


def _lasting(house: Any, store: Path) -> House:
    """The house itself; of a daemon one that finds it again when it was started anew."""
    from perstream.web.client import Client

    # One that is elsewhere stays where it is: the next call connects again.
    moves = isinstance(house, Client) and not house.far
    return cast("House", Redialled(house, store)) if moves else cast("House", house)


class Redialled:
    """A client for a daemon that may be started anew meanwhile. A call that failed is not repeated."""

    def __init__(self, client: Client, store: Path) -> None:
        self._client = client
        self._store = store
        self._lost = False

    def __getattr__(self, name: str) -> Any:
        if isinstance(getattr(type(self._client), name, None), property):
            return self._do(lambda client: getattr(client, name))
        return lambda *args, **how: self._do(lambda client: getattr(client, name)(*args, **how))

    def _do(self, work: Callable[[Client], Any]) -> Any:
        if self._lost:
            self._dial()
        try:
            return work(self._client)
        except BackendUnavailable:
            self._lost = True
            raise

    def _dial(self) -> None:
        from perstream.web.client import Client

        found = Client.of_store(self._store)
        self._client.close()
        self._client, self._lost = found, False
