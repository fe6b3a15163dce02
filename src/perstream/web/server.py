"""Runs the API on a thread of its own beside the house, from start to a clean end."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import anyio.to_thread

from perstream.config import ServerConfig
from perstream.errors import ConfigError, PerStreamError
from perstream.web.address import DaemonAddress, answers, remove_address, store_id, write_address
from perstream.web.api import create_api, guarded
from perstream.web.certificate import ensure_certificate, lan_addresses, names_of_machine
from perstream.web.devices import Devices
from perstream.web.door import LET_GO_S, Door
from perstream.web.house import House
from perstream.web.keys import Keys
from perstream.web.limits import Limits
from perstream.web.pairing import Invitation, Pairing
from perstream.web.streams import Streams
from perstream.web.token import ensure_token, token_file

log = logging.getLogger(__name__)
START_S = 10.0
SPARE_THREADS = 40
"""For requests that are answered soon."""


ALL = "0.0.0.0"
"""Every IPv4 address of this machine."""


class Server:
    """Serves one house. ``with Server(house, config, store) as server: server.wait()``."""

    def __init__(
        self,
        house: House,
        config: ServerConfig,
        store: Path,
        *,
        heartbeat_s: float = 15.0,
        folders: Sequence[str] = (),
    ) -> None:
        """Nothing happens before ``start``. ConfigError when the host is not this machine's own.

        ``folders``: where files may lie that others than the owner name.
        """
        _check_host(config)
        self._house = house
        self._config = config
        self._store = store
        self._folders = folders
        self._streams = Streams(heartbeat_s)
        self._address: DaemonAddress | None = None
        self._doors: list[Door] = []
        self._pairing: Pairing | None = None
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

    def answers(self) -> bool:
        """Whether it takes requests at this moment: it is asked over HTTP, for two seconds at most."""
        return answers(self._started())

    @property
    def token_file(self) -> Path:
        """The file that holds the bearer token."""
        return token_file(self._store)

    def start(self) -> None:
        """Listen and answer; returns when it does. ConfigError when a port is taken, StoreError, BackendUnavailable."""
        devices = Devices(self._store)
        ensure_token(self._store)
        keys, limits = Keys(self._store), Limits(self._config)
        try:
            here = self._door(self._config.host, self._config.port, "--port")
            lan = self._door(ALL, self._config.lan_port, "--lan-port") if self._config.lan else None
            names: tuple[str, ...] = ()
            certificate = None
            if lan is not None:
                addresses = lan_addresses()
                names = names_of_machine(addresses)
                certificate = ensure_certificate(self._store, names)
                url = f"https://{addresses[0] if addresses else '127.0.0.1'}:{lan.port}"
                self._pairing = Pairing(devices, url, certificate.fingerprint)
            api = create_api(self._house, self._config, self._store, self._streams, self._pairing, self._folders)
            here.hang(guarded(api, self._config, keys, limits))
            if lan is not None:
                lan.hang(guarded(api, self._config, keys, limits, names), certificate)
        except BaseException:
            self._close_doors()
            raise
        self._thread = threading.Thread(target=self._run, name="perstream-http", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_S
        while not all(door.answers for door in self._doors):
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise PerStreamError("the HTTP server did not start; its log says why")
            time.sleep(0.005)
        self._address = DaemonAddress(os.getpid(), self._config.host, here.port, store_id(self._store))
        try:
            write_address(self._store, self._address)
        except PerStreamError:
            self.stop()
            raise

    def invite(self) -> Invitation | None:
        """A code with which a device of the LAN can be paired; None when the LAN is not served."""
        return self._pairing.invite() if self._pairing is not None else None

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
        if self._thread is not None:
            for door in self._doors:
                door.leave()
            self._thread.join(LET_GO_S + 3.0)
            if self._thread.is_alive():
                for door in self._doors:
                    door.leave(force=True)
                self._thread.join(1.0)
                log.warning("the HTTP server left a request behind")

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        async def serve() -> None:
            # Questions in hand must not use up the threads that everything else needs.
            workers = self._config.questions_at_once + self._config.streams_at_once + SPARE_THREADS
            anyio.to_thread.current_default_thread_limiter().total_tokens = workers
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(workers, "perstream-http"))
            await asyncio.gather(*(door.serve() for door in self._doors))

        try:
            asyncio.run(serve())
        finally:
            self._close_doors()

    def _door(self, host: str, port: int, option: str) -> Door:
        door = Door(host, port, option)
        self._doors.append(door)
        return door

    def _close_doors(self) -> None:
        for door in self._doors:
            door.close()

    def _started(self) -> DaemonAddress:
        if self._address is None:
            raise PerStreamError("the server has not been started")
        return self._address


def _check_host(config: ServerConfig) -> None:
    if config.host == "localhost":
        return
    if config.allow_remote and not config.lan:
        return
    try:
        if ipaddress.ip_address(config.host).is_loopback:
            return
    except ValueError:
        pass  # a name: whatever it means today, it is not this machine for certain
    if config.lan:
        raise ConfigError(f"server.lan speaks TLS on every address already; take server.host {config.host} away")
    raise ConfigError(
        f"server.host {config.host} can be reached by others; use 127.0.0.1, or set server.allow_remote if you mean it"
    )
