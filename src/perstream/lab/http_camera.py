"""A camera on the network: JPEGs over HTTP as cheap cameras send them, and as badly as they do.

It shows a sign for some seconds, then turns to the next one.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from perstream.lab.sight import jpeg, sight

BOUNDARY = "picture"
STEPS = 12
"""Different pictures of one sign."""
FIRST_WORDS = ("BAKERY", "PLATFORM", "ROOM", "GATE", "LOCKER", "TRACK", "EXIT", "HALL")


class HttpCamera:
    """Serves ``url`` while it is used as a context."""

    def __init__(
        self,
        fps: float = 10.0,
        sign_s: float = 6.0,
        lasts_s: Callable[[], float | None] = lambda: None,
        size: tuple[int, int] = (640, 360),
        seed: int = 0,
    ) -> None:
        """``lasts_s`` says for each connection after how long it breaks off; None is never."""
        self.connections = 0
        self.broken = 0
        """Connections that this camera broke off."""
        self.away = False
        """Refuse whoever comes."""
        self._fps, self._sign_s, self._lasts_s, self._size = fps, sign_s, lasts_s, size
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self._shown: tuple[int, list[bytes]] = (-1, [])
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.camera = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What to watch."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/live.mjpg"

    def __enter__(self) -> HttpCamera:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def pictures(self) -> list[bytes]:
        """Of the sign that is in view now."""
        number = int(time.monotonic() / self._sign_s)
        with self._lock:
            if self._shown[0] != number:
                words = f"{self._rng.choice(FIRST_WORDS)} {self._rng.randrange(1, 100)}"
                width, height = self._size
                made = [jpeg(sight(words, step * 7, width, height)) for step in range(STEPS)]
                self._shown = (number, made)
            return self._shown[1]

    def send(self, write: Callable[[bytes], Any]) -> None:
        """Pictures, until it breaks off. Raises OSError when nobody takes them."""
        lasts = self._lasts_s()
        began, step = time.monotonic(), 0
        while not self._over.is_set() and not self.away:
            now = time.monotonic()
            if lasts is not None and now - began > lasts:
                break
            picture = self.pictures()[step % STEPS]
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            write(head.encode("ascii") + picture + b"\r\n")
            step += 1
            self._over.wait(max(0.0, began + step / self._fps - time.monotonic()))
        self.broken += 1


class _Server(ThreadingHTTPServer):
    camera: HttpCamera
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        camera = self.server.camera
        camera.connections += 1
        if camera.away:
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        camera.send(self.wfile.write)
