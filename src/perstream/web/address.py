"""Where the daemon of a store is: the file daemon.json, written while it serves.

{"pid", "host", "port", "store_id"}; a file left behind by a daemon that was killed is recognised and
ignored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from perstream.errors import StoreError

FILE = "daemon.json"
MAX_BYTES = 4096
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Who listens everywhere listens here."""
ANSWER_S = 2.0
"""A daemon that does not answer in this time counts as not there."""


@dataclass(frozen=True)
class DaemonAddress:
    """A daemon that runs."""

    pid: int
    host: str
    port: int
    store_id: str

    @property
    def url(self) -> str:
        """Base of its API, seen from this machine."""
        host = EVERYWHERE.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}"


def store_id(store: Path) -> str:
    """Tells two stores apart without telling where they are."""
    return hashlib.sha256(str(store.expanduser().resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def write_address(store: Path, address: DaemonAddress) -> None:
    """Publish it, for the owner only. StoreError."""
    path, draft = store / FILE, store / f".{FILE}.{os.getpid()}"
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(asdict(address), file)
        draft.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def remove_address(store: Path, address: DaemonAddress) -> None:
    """Take it back, unless another daemon has published its own since."""
    if read_address(store) == address:
        with contextlib.suppress(OSError):
            (store / FILE).unlink()


def read_address(store: Path) -> DaemonAddress | None:
    """What daemon.json says, or None when it says nothing that makes sense."""
    try:
        with (store / FILE).open("rb") as file:
            data = json.loads(file.read(MAX_BYTES))
        address = DaemonAddress(**data)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    sound = (
        type(address.pid) is int
        and type(address.port) is int
        and isinstance(address.host, str)
        and isinstance(address.store_id, str)
        and address.pid > 0
        and 0 < address.port < 65536
    )
    return address if sound else None


def find_daemon(store: Path) -> DaemonAddress | None:
    """The daemon that serves this store now, or None. Asks it; takes at most about two seconds."""
    address = read_address(store)
    if address is None or address.store_id != store_id(store) or not _lives(address.pid):
        return None
    return address if answers(address) else None


def answers(address: DaemonAddress) -> bool:
    """Whether the daemon of that store answers there, within about two seconds."""
    try:
        # Never by a proxy: this is the same machine.
        with httpx.Client(trust_env=False, timeout=ANSWER_S) as client:
            answer = client.get(f"{address.url}/healthz")
            return answer.status_code == 200 and answer.json().get("store_id") == address.store_id
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
        return False


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # there os.kill would end it; the question over HTTP decides
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # it lives, as somebody else
    except (OSError, OverflowError):
        return False
    return True
