"""Speaks to a running daemon: the same methods as the house, over HTTP.

Needs httpx only; neither the web framework nor any model is imported. ``perstream.Client`` and
``perstream.connect`` are this; see docs/INTEGRATIONS.md.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from perstream.config import Config
from perstream.daemon.appstatus import AppStatus
from perstream.daemon.bus import EventBus, Subscription
from perstream.daemon.upkeep_state import Alert
from perstream.errors import BackendUnavailable, ConfigError, PerStreamError
from perstream.events import Event
from perstream.imports.item import Imported, Taken
from perstream.jsonlines import plain
from perstream.places import store_folder
from perstream.types import Reply
from perstream.web.adapter_client import RemoteAdapters
from perstream.web.address import DaemonAddress, find_daemon
from perstream.web.memory_client import RemoteMemory
from perstream.web.pinning import pinned
from perstream.web.proactive_client import RemoteUnasked
from perstream.web.source_client import RemoteSources
from perstream.web.token import read_token
from perstream.web.transport import ANSWER_S, Transport, given
from perstream.web.wire import error_from_json, event_from_json, value_of

__all__ = ["Client", "DaemonAddress", "connect", "find_daemon"]
LISTEN_S = 10.0


class Client(RemoteMemory, RemoteSources, RemoteUnasked):
    """One daemon. Every method may be called from any thread, and raises errors of PerStream's tree only.

    What only reads is tried again for half a second when the connection fails; what changes anything never is.
    """

    def __init__(
        self,
        store: Path | str | None = None,
        address: DaemonAddress | None = None,
        *,
        url: str | None = None,
        token: str | None = None,
        fingerprint: str | None = None,
        allow_http: bool = False,
        timeout_s: float = ANSWER_S,
    ) -> None:
        """The daemon of ``store`` on this machine, or the one at ``url`` with ``token``.

        ``fingerprint``: SHA-256 of the certificate that ``perstream serve --lan`` made, which nobody else vouches for.
        ``allow_http``: let the token go to another machine in the clear. ``timeout_s``: the longest silence.
        BackendUnavailable when no daemon answers, StoreError without the store's token, ConfigError.
        """
        if url is not None:
            self._wire = _to(url, token, fingerprint, allow_http, timeout_s)
        elif store is not None and token is None and fingerprint is None:
            folder = Path(store).expanduser()
            found = address or find_daemon(folder)
            if found is None:
                start = f"start one with: perstream serve --store {store}"
                raise BackendUnavailable(f"no daemon serves {store}; {start}")
            self.address = found
            self._wire = Transport(
                found.url, read_token(folder), timeout_s=timeout_s, renewed=lambda: read_token(folder)
            )
        else:
            raise ConfigError("a client wants a store, or a url with a token")
        self.far = url is not None
        """Perhaps on another machine: paths of this one mean nothing there."""
        self._entities: dict[int, tuple[str, ...]] = {}
        self._buses: list[EventBus] = []

    @classmethod
    def of_store(cls, store: Path | str, *, timeout_s: float = ANSWER_S) -> Client:
        """The daemon that serves this store, with the owner's token. BackendUnavailable, StoreError."""
        return cls(store, timeout_s=timeout_s)

    def ask(
        self,
        question: str,
        *,
        now: datetime | None = None,
        say: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Reply:
        """Answer from memory; ``say`` hears the answer piece by piece. Interrupted when ``cancelled`` says so."""
        body = given(question=question, now=now)
        if say is None and cancelled is None:
            return value_of(self._wire.call("POST", "/v1/ask", body), Reply)
        with self._wire.stream("POST", "/v1/ask", {**body, "stream": True}, cancelled=cancelled) as events:
            for kind, data in events:
                if kind == "token" and say is not None:
                    say(str(data.get("text", "")))
                elif kind == "error":
                    raise error_from_json(500, data)
                elif kind == "reply":
                    return value_of(data, Reply)
        raise BackendUnavailable("the daemon went away before it had answered")

    def import_all(self, items: Sequence[Imported]) -> list[Taken]:
        """Remember what a file told: at most import_routes.MOST at once; what became of each, in their order."""
        body = {"items": [given(**plain(item)) for item in items]}
        return [value_of(one, Taken) for one in self._wire.call("POST", "/v1/import", body)["taken"]]

    def adapters(self) -> RemoteAdapters:
        """LoRA adapters of the daemon's brain."""
        return RemoteAdapters(self._wire)

    def alerts(self) -> list[Alert]:
        """What needs the owner now, the oldest first."""
        return [value_of(one, Alert) for one in self._wire.call("GET", "/v1/alerts")["alerts"]]

    def status(self) -> AppStatus:
        """How the house is doing."""
        return value_of(self._wire.call("GET", "/v1/status"), AppStatus)

    def events(self) -> Iterator[Event]:
        """What happens from now on, until the daemon goes away (BackendUnavailable) or the caller stops iterating."""
        with self._wire.stream("GET", "/v1/events") as events:
            for _, data in events:
                event = event_from_json(data)
                if event is not None:
                    yield event

    def subscribe(self, capacity: int | None = None) -> Subscription:
        """Events from now on in a queue that a thread fills, until it is closed or the daemon goes away."""
        bus = EventBus()
        subscription = bus.subscribe(capacity)
        listening, trouble = threading.Event(), list[PerStreamError]()

        def listen() -> None:
            try:
                with self._wire.stream("GET", "/v1/events", began=listening.set) as events:
                    for _, data in events:
                        event = event_from_json(data)
                        if event is not None:
                            bus.publish(event)
                        if subscription.closed:
                            return
            except PerStreamError as error:
                trouble.append(error)
            finally:
                listening.set()
                bus.close()

        threading.Thread(target=listen, name="perstream-events", daemon=True).start()
        listening.wait(LISTEN_S)
        if trouble:
            raise trouble[0]
        self._buses.append(bus)
        return subscription

    def close(self) -> None:
        """Let go of the daemon; it goes on."""
        for bus in self._buses:
            bus.close()
        self._wire.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(
    store: Path | str | None = None,
    *,
    url: str | None = None,
    token: str | None = None,
    fingerprint: str | None = None,
    allow_http: bool = False,
    timeout_s: float = ANSWER_S,
) -> Client:
    """A client of the daemon of ``store`` (the user's own without one), or of the one at ``url``; see Client."""
    if url is None:
        return Client(store_folder(Config()) if store is None else store, timeout_s=timeout_s)
    return Client(url=url, token=token, fingerprint=fingerprint, allow_http=allow_http, timeout_s=timeout_s)


def _to(url: str, token: str | None, fingerprint: str | None, allow_http: bool, timeout_s: float) -> Transport:
    """A wire to an address that was given by hand. ConfigError, BackendUnavailable."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.username is not None:
        raise ConfigError("url is the daemon's address, for example https://192.168.1.5:8766")
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigError("a client of a url wants a token: perstream devices pair, or the file token of the store")
    if parts.scheme == "http":
        if fingerprint is not None:
            raise ConfigError("a fingerprint is of an https address; http has no certificate")
        if not allow_http and not _here(parts.hostname or ""):
            raise ConfigError("http would show the token to the network: use https, or allow_http if you mean it")
    trust = pinned(url, fingerprint) if fingerprint is not None else None
    base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    return Transport(base, token, trust=trust, timeout_s=timeout_s)


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
