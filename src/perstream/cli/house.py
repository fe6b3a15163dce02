"""Where a command finds the memory: a running daemon of the same store, else the store itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from perstream.cli.passphrase import ask
from perstream.config import Config
from perstream.errors import ConfigError
from perstream.places import store_folder

if TYPE_CHECKING:
    from perstream.app import App
    from perstream.web.client import Client


@contextmanager
def opened(config: Config, *, session: bool = False) -> Iterator[App | Client]:
    """The house over ``config``'s store, closed afterwards. StoreBusy when somebody else writes to it.

    ``session`` is a command that may be incognito: it gets a house of its own then. ConfigError for others.
    """
    if config.privacy.incognito and not session:
        raise ConfigError("privacy.incognito is set, and this command keeps no session: watch and serve do")
    client = None if config.privacy.incognito else _daemon_of(store_folder(config))
    if client is not None:
        with client:
            yield client
        return
    from perstream.app import build

    with build(config, ask) as app:
        yield app


def _daemon_of(store: Path) -> Client | None:
    """A client for the daemon that runs on this store, if one answers."""
    if not (store / "daemon.json").exists():
        return None
    from perstream.web.address import find_daemon

    address = find_daemon(store)
    if address is None:
        return None  # left behind by a daemon that was killed
    from perstream.web.client import Client

    return Client(store, address)
