"""The way out of a reader process: what FFmpeg asks for goes through here, so that every connection is checked.

FFmpeg follows redirects and playlists by itself and resolves names by itself. It is therefore given a proxy of its
own on loopback, for http as well as (by CONNECT) for TLS; the proxy connects to checked addresses only.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from perstream.errors import SourceError
from perstream.sources.reach import Reach

HEAD_BYTES = 64 * 1024
HEAD_S = 10.0
DIAL_S = 10.0
MOST_AT_ONCE = 16
CHUNK = 256 * 1024


class Relay:
    """Serves this process until it ends."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.problem: str | None = None
        """Why the latest connection was not made; None when it was."""
        threading.Thread(target=self._accept, name="perstream-relay", daemon=True).start()

    @property
    def url(self) -> str:
        """Of the proxy."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def install(self) -> None:
        """From now on all of FFmpeg's HTTP and TLS connections in this process go through here."""
        for name in ("no_proxy", "NO_PROXY"):
            os.environ.pop(name, None)
        os.environ["http_proxy"] = self.url

    def close(self) -> None:
        """Take no further connection."""
        self._listening.close()

    def dial(self, host: str, port: int) -> socket.socket:
        """A connection to a checked address. SourceError, OSError."""
        problem: OSError | None = None
        for address in self._reach.addresses(host, port):
            try:
                return socket.create_connection((address, port), timeout=DIAL_S)
            except OSError as error:
                problem = error
        raise problem or OSError("no address")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._places.acquire(blocking=False):
                threading.Thread(target=self._attend, args=(client,), daemon=True).start()
            else:
                client.close()

    def _attend(self, client: socket.socket) -> None:
        try:
            with client:
                client.settimeout(HEAD_S)
                self._serve(client)
        except OSError:
            pass  # one side has gone; FFmpeg says what it makes of that
        finally:
            self._places.release()

    def _serve(self, client: socket.socket) -> None:
        head, rest = _head(client)
        try:
            method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
            host, port = parts.hostname or "", parts.port or 80
        except ValueError:
            client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            return
        try:
            server = self.dial(host, port)
        except SourceError as error:
            self.problem = str(error)
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        except OSError as error:
            self.problem = error.strerror or str(error)
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        self.problem = None
        with server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(_for_origin(method, parts.path, parts.query, head))
            server.sendall(rest)
            _copy(client, server)


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    """A request's head, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(CHUNK)
        data += part
        if not part or len(data) > HEAD_BYTES:
            raise OSError("no head")
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _for_origin(method: str, path: str, query: str, head: bytes) -> bytes:
    """The head as the server itself wants it; one request a connection, since the next may go elsewhere."""
    target = (path or "/") + (f"?{query}" if query else "")
    fields = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith((b"connection:", b"proxy-"))]
    return b"\r\n".join([f"{method} {target} HTTP/1.1".encode("latin-1"), *fields, b"Connection: close", b"", b""])


def _copy(one: socket.socket, other: socket.socket) -> None:
    """Both ways, until either side ends."""
    one.settimeout(None)
    other.settimeout(None)
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(CHUNK)
            if not data:
                with suppress(OSError):
                    (other if ready is one else one).shutdown(socket.SHUT_WR)
                if ready is other:
                    return
                _drain(other, one)
                return
            (other if ready is one else one).sendall(data)


def _drain(server: socket.socket, client: socket.socket) -> None:
    """What the server still says after the client has said all."""
    while data := server.recv(CHUNK):
        client.sendall(data)
