"""The connection: one event loop in one thread for all calls, so that any call can be dropped at any moment.

httpx is awaited there, and the caller's thread polls: it hears a cancel within POLL_S even while no token arrives, and
dropping the task closes the connection, so that the server stops generating too.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from perstream.errors import BackendUnavailable, ConfigError, Interrupted
from perstream.models.remote.address import Address
from perstream.models.remote.libraries import httpx
from perstream.version import __version__

_LOG = logging.getLogger(__name__)
POLL_S = 0.05
CLOSE_S = 10.0
CONNECT_S = 10.0
CONNECTIONS = 8
"""At once, where nothing else is asked for; further calls wait. A server batches about so many well, and none drowns in them."""

T = TypeVar("T")
Work = Callable[[httpx.AsyncClient, Callable[[str], None]], Coroutine[Any, Any, T]]
"""What is done with the connection; the function given to it takes what may be said."""


class Client:
    """Nothing is opened before the first call. Thread-safe."""

    def __init__(self, address: Address, timeout_s: float, connections: int = CONNECTIONS) -> None:
        self._address = address
        self._connections = connections
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: httpx.AsyncClient | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def call(self, work: Work[T], say: Callable[[str], None], cancelled: Callable[[], bool]) -> T:
        """Do it and wait. ``say`` runs in the caller's thread; Interrupted as soon as ``cancelled`` says so."""
        pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        future = self._start(work, pieces.put)
        future.add_done_callback(lambda _: pieces.put(None))
        try:
            while True:
                if cancelled():
                    raise Interrupted(f"the call to {self._address.origin} was cancelled")
                try:
                    piece = pieces.get(timeout=POLL_S)
                except queue.Empty:
                    continue
                if piece is None:
                    return future.result()
                say(piece)
        except concurrent.futures.CancelledError as error:
            raise BackendUnavailable(f"the connection to {self._address.origin} is closed") from error
        finally:
            future.cancel()  # nothing, when it is done

    def close(self) -> None:
        """Drop what runs, close the connections, end the thread. Further calls are BackendUnavailable."""
        with self._lock:
            self._closed = True
            loop, thread, http = self._loop, self._thread, self._http
            self._loop = self._thread = self._http = None
        if loop is None or thread is None or http is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(_shut(http), loop).result(timeout=CLOSE_S)
        except concurrent.futures.TimeoutError:
            _LOG.warning("connections to %s do not close; leaving them", self._address.origin)
            return  # the thread ends with the process
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _start(self, work: Work[T], say: Callable[[str], None]) -> concurrent.futures.Future[T]:
        with self._lock:  # held until it is handed over, so that a close in between finds it
            if self._closed:
                raise BackendUnavailable(f"the connection to {self._address.origin} is closed")
            if self._loop is None or self._http is None:
                self._http = self._opened()
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="model-server", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work(self._http, say), self._loop)

    def _opened(self) -> httpx.AsyncClient:
        headers = {"Accept-Encoding": "identity", "User-Agent": f"perstream/{__version__}"}
        if self._address.key:
            headers["Authorization"] = f"Bearer {self._address.key}"
        try:
            return httpx.AsyncClient(
                headers=headers,
                timeout=httpx.Timeout(self._timeout_s, connect=min(CONNECT_S, 0.8 * self._timeout_s)),
                limits=httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections),
                follow_redirects=False,  # the key goes to no other address
                trust_env=not self._address.loopback,  # the environment's proxies and certificates; none for this machine
            )
        except (ImportError, ValueError, OSError) as error:  # a proxy or a certificate file that cannot be used
            raise ConfigError(f"the environment's proxy or certificate settings cannot be used: {error}") from error


async def _shut(http: httpx.AsyncClient) -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await http.aclose()
