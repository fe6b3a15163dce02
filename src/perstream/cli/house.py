"""Where a command finds the memory: a running daemon of the same store, else the store itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from perstream.config import Config

if TYPE_CHECKING:
    from perstream.app import App
    from perstream.web.client import Client


@contextmanager
def opened(config: Config) -> Iterator[App | Client]:
    """The house over ``config``'s store, closed afterwards. StoreBusy when somebody else writes to it."""
    from perstream import places

    client = _daemon_of(places.store_folder(config))
    if client is not None:
        with client:
            yield client
        return
    from perstream.app import build

    with build(config) as app:
        yield app


def _daemon_of(store: Path) -> Client | None:
    """A client for the daemon that runs on this store, if one answers."""
    if not (store / "daemon.json").exists():
        return None
    from perstream.web.client import Client, find_daemon

    return Client(store) if find_daemon(store) is not None else None
