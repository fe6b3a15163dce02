"""Runs the API on a thread of its own beside the house, from start to a clean end."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from perstream.config import ServerConfig
from perstream.errors import ConfigError, PerStreamError
from perstream.web.address import DaemonAddress, remove_address, store_id, write_address
from perstream.web.api import create_api, guarded
from perstream.web.house import House
from perstream.web.push_routes import MAX_MESSAGE
from perstream.web.streams import Streams
from perstream.web.token import ensure_token, token_file

log = logging.getLogger(__name__)
START_S = 10.0
LET_GO_S = 2.0
"""How long requests in flight may take at the end."""


class _QuietProtocol(H11Protocol):
    """HTTP/1.1 without an access log: addresses hold what was searched for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False


class Server:
    """Serves one house. ``with Server(house, config, store) as server: server.wait()``."""

    def __init__(self, house: House, config: ServerConfig, store: Path, *, heartbeat_s: float = 15.0) -> None:
        """Nothing happens before ``start``. ConfigError when the host is not this machine's own."""
        _check_host(config)
        self._house = house
        self._config = config
        self._store = store
        self._streams = Streams(heartbeat_s)
        self._address: DaemonAddress | None = None
        self._uvicorn: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._wanted_down = threading.Event()

    @property
    def url(self) -> str:
        """Base of the API, for example http://127.0.0.1:8765; after ``start``."""
        return self._started().url

    @property
    def port(self) -> int:
        """The port it listens on; after ``start``."""
        return self._started().port

    @property
    def token_file(self) -> Path:
        """The file that holds the bearer token."""
        return token_file(self._store)

    def start(self) -> None:
        """Listen and answer; returns when it does. ConfigError when the port is taken, StoreError."""
        token = ensure_token(self._store)
        listening = _listen(self._config)
        port = int(listening.getsockname()[1])
        api = create_api(self._house, self._config, self._store, self._streams)
        settings = uvicorn.Config(
            guarded(api, self._config, token),
            loop="asyncio",
            http=_QuietProtocol,
            ws="wsproto",
            ws_max_size=MAX_MESSAGE,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=int(LET_GO_S),
        )
        self._uvicorn = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=self._run, args=(self._uvicorn, listening), name="perstream-http", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_S
        while not self._uvicorn.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise PerStreamError("the HTTP server did not start; its log says why")
            time.sleep(0.005)
        self._address = DaemonAddress(os.getpid(), self._config.host, port, store_id(self._store))
        try:
            write_address(self._store, self._address)
        except PerStreamError:
            self.stop()
            raise

    def wait(self) -> None:
        """Block until ``stop``, or until SIGINT or SIGTERM when called on the main thread."""
        if threading.current_thread() is not threading.main_thread():
            self._wanted_down.wait()
            return

        def down(_signum: int, _frame: FrameType | None) -> None:
            self._wanted_down.set()

        before: dict[signal.Signals, Any] = {}
        try:
            for one in (signal.SIGINT, signal.SIGTERM):
                before[one] = signal.signal(one, down)
            while not self._wanted_down.wait(0.5):
                pass  # short waits, because on some systems a signal does not wake a lock
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def stop(self) -> None:
        """Stop listening, end streams, remove daemon.json. Bounded; safe to call twice, from any thread."""
        self._wanted_down.set()
        self._streams.close()
        if self._address is not None:
            remove_address(self._store, self._address)
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join(LET_GO_S + 3.0)
            if self._thread.is_alive():
                self._uvicorn.force_exit = True
                self._thread.join(1.0)
                log.warning("the HTTP server left a request behind")

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, server: uvicorn.Server, listening: socket.socket) -> None:
        with contextlib.closing(listening):
            server.run(sockets=[listening])

    def _started(self) -> DaemonAddress:
        if self._address is None:
            raise PerStreamError("the server has not been started")
        return self._address


def _check_host(config: ServerConfig) -> None:
    if config.allow_remote or config.host == "localhost":
        return
    try:
        if ipaddress.ip_address(config.host).is_loopback:
            return
    except ValueError:
        pass  # a name: whatever it means today, it is not this machine for certain
    raise ConfigError(
        f"server.host {config.host} can be reached by others; use 127.0.0.1, or set server.allow_remote if you mean it"
    )


def _listen(config: ServerConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    # Named as TCP, because asyncio turns the 40 ms delay of small packets off only where it sees that.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((config.host, config.port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {config.host} port {config.port} ({error.strerror}): "
            "choose another with --port; 0 takes any free one"
        ) from error
    return listening
