"""A listening socket and the HTTP server behind it."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from perstream.errors import ConfigError
from perstream.web.certificate import Certificate
from perstream.web.guard import Asgi
from perstream.web.push_routes import MAX_MESSAGE

LET_GO_S = 2.0
"""How long requests in flight may take at the end."""
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all fine. Older versions are not spoken."""
MOST_STRANGERS = 100
"""Connections at once where others can connect; more are told to come back."""
MOST_NEIGHBOURS = 1000
"""The same on this machine alone."""
HEAD_BYTES = 16 * 1024
"""Of a request's first line and headers together."""
HEAD_S = 10.0
"""They must be here this long after the connection, or after their first byte on one that is used again."""


class _QuietProtocol(H11Protocol):
    """HTTP/1.1 without an access log: addresses hold what was searched for. Slow heads are not waited for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False
        self._head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._await_head()
        elif self.conn.their_state is not h11.IDLE:
            self._head_is_here()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._head_is_here()
        super().handle_websocket_upgrade(event)

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_S, self.transport.close)

    def _head_is_here(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class Door:
    """Takes the port when it is made: ConfigError when somebody else has it."""

    def __init__(self, host: str, port: int, option: str) -> None:
        """``option`` is what chooses another port; 0 takes any free one."""
        self._socket = _listen(host, port, option)
        self._server: uvicorn.Server | None = None

    @property
    def port(self) -> int:
        """The port it has."""
        return int(self._socket.getsockname()[1])

    @property
    def listening(self) -> socket.socket:
        """Its socket."""
        return self._socket

    @property
    def answers(self) -> bool:
        """Whether requests are taken."""
        return self._server is not None and self._server.started

    def hang(self, app: Asgi, certificate: Certificate | None = None) -> None:
        """What stands behind it; with a certificate TLS is spoken and nothing else."""
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=_QuietProtocol,
                ws="wsproto",
                ws_max_size=MAX_MESSAGE,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                server_header=False,
                proxy_headers=False,  # who asks is who connects: a header could name anybody
                h11_max_incomplete_event_size=HEAD_BYTES,
                timeout_graceful_shutdown=int(LET_GO_S),
                ssl_certfile=certificate.certificate if certificate else None,
                ssl_keyfile=certificate.key if certificate else None,
                ssl_ciphers=CIPHERS,
                limit_concurrency=MOST_STRANGERS if certificate else MOST_NEIGHBOURS,
            )
        )

    async def serve(self) -> None:
        """Until :meth:`leave`."""
        if self._server is not None:
            await self._server.serve(sockets=[self._socket])

    def leave(self, force: bool = False) -> None:
        """Let requests in flight end, for a while, and stop; at once with ``force``."""
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = force

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, because asyncio turns the 40 ms delay of small packets off only where it sees that.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {host} port {port} ({error.strerror}): choose another with {option}; 0 takes any free one"
        ) from error
    return listening
