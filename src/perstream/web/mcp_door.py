"""/mcp: the daemon's server of the Model Context Protocol, over streamable HTTP, behind the doorkeeper.

The SDK is loaded, and the server started, when the first request comes: most daemons never get one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from perstream.config import ServerConfig
from perstream.errors import BackendUnavailable
from perstream.web.house import House

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

log = logging.getLogger(__name__)
MOST_SESSIONS = 64
"""Of clients that speak the older protocol; newer ones have none."""
IDLE_S = 30 * 60.0


class McpDoor:
    """An ASGI application; everything it does, it does on the server's event loop."""

    def __init__(self, house: House, config: ServerConfig) -> None:
        """Nothing happens before the first request."""
        self._house = house
        self._config = config
        self._starting = asyncio.Lock()
        self._parts: Any = None
        self._app: ASGIApp | None = None
        self._serving: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry. BackendUnavailable without the SDK."""
        async with self._starting:
            if self._app is None:
                self._app = await self._start()
        if self._over.is_set():
            raise BackendUnavailable("the daemon is stopping")
        # A session answers only to the token that opened it, of which a digest is enough.
        given: bytes = dict(scope["headers"]).get(b"authorization", b"")
        scope["user"] = self._parts.caller(hashlib.sha256(given).hexdigest())
        await self._app(scope, receive, send)

    def close(self) -> None:
        """End all sessions; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._over.set)

    async def _start(self) -> ASGIApp:
        try:
            # By name, because this is optional and heavy; on a thread, because everybody else waits for the loop.
            self._parts = parts = await asyncio.to_thread(import_module, "perstream.web.mcp_server")
        except ImportError as error:
            raise BackendUnavailable(f"/mcp needs: pip install 'perstream[mcp]' ({error.name} is missing)") from error
        server = parts.build_mcp(self._house, self._config.max_question_chars)
        app: ASGIApp = server.streamable_http_app(
            session_idle_timeout=IDLE_S,
            max_sessions=MOST_SESSIONS,
            max_request_body_size=self._config.max_body_kb * 1024,
            transport_security=parts.guarded_already(),
        )
        self._loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        self._serving = asyncio.create_task(self._serve(server.session_manager, ready))
        await ready.wait()
        return app

    async def _serve(self, manager: StreamableHTTPSessionManager, ready: asyncio.Event) -> None:
        try:
            async with manager.run():
                ready.set()
                await self._over.wait()
        except Exception:
            log.exception("the MCP server failed")
        finally:
            self._over.set()
            ready.set()
