"""The doorkeeper: who may speak to the API, and how much at once. Plain ASGI, before anything else.

- The Host header must name this machine: a web page that rebinds its name to 127.0.0.1 is refused.
- A browser's Origin must do so too; there is no CORS.
- Everything but /healthz and the page's files needs the bearer token; the comparison takes the same time wherever it differs.
- A WebSocket is let in at one place only, and says the token first; see socket_door.py.
- A body is read here, up to a limit, and handed on whole.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from perstream.web.problems import problem
from perstream.web.socket_door import SOCKETS, admit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)
OPEN_PATHS = frozenset({"/healthz", "/"})
OPEN_FILES = ("/page/", "/clip/")
"""The page's own files: no data, so no token. Clips: the ticket in the address is the key; see clip_routes.py."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_S = 30.0
"""A body that takes longer is given up."""
DRAINED_BYTES = 64 * 2**20
"""Of a body that is too large so much is read and thrown away, so that the answer gets through."""
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Wraps the API."""

    def __init__(self, app: Asgi, token: str, max_body: int, names: Iterable[str] = ()) -> None:
        """``max_body`` in bytes; ``names`` are host names allowed besides this machine's loopback."""
        self._app = app
        self._token = token.encode("utf-8")
        self._max_body = max_body
        self._names = LOOPBACK_NAMES | {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            if self._stranger(scope) is not None or SOCKETS.match(scope["path"]) is None:
                await send({"type": "websocket.close", "code": 1008})
                return
            try:
                await admit(self._app, scope, receive, send, self._token)
            except Exception:
                log.exception("a connection failed")
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        try:
            body = await asyncio.wait_for(self._read(receive), BODY_S)
        except asyncio.TimeoutError:
            await _answer(send, 408, "too-slow", f"the body was not here within {BODY_S:.0f} s")
            return
        if body is None:
            detail = f"a body may have {self._max_body // 1024} KB; this one is larger"
            await _answer(send, 413, "too-large", detail)
            return
        try:
            await self._app(scope, _replay(body, receive), _with_headers(send))
        except Exception:
            log.exception("a request failed")

    def _stranger(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = dict(scope["headers"])
        if not self._names_us(b"//" + headers.get(b"host", b"")):
            return 403, "wrong-host", "the Host header names another machine; use the address that perstream prints"
        origin = headers.get(b"origin")
        if origin is not None and not self._names_us(origin):
            return 403, "wrong-origin", "requests of other web pages are refused"
        return None

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        stranger = self._stranger(scope)
        if stranger is not None:
            return stranger
        headers = dict(scope["headers"])
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(OPEN_FILES):
            return None
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            return 401, "no-token", "send Authorization: Bearer TOKEN; the token is in the file token of the store"
        return None

    def _names_us(self, url: bytes) -> bool:
        try:
            name = urlsplit(url.decode("ascii")).hostname
        except ValueError:  # not ASCII, or brackets that do not close
            return False
        return name is not None and name.lower() in self._names

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body, or None when it is too large."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                break
            part = message.get("body", b"")
            size += len(part)
            if size <= self._max_body:
                parts.append(part)
            if not message.get("more_body", False) or size > DRAINED_BYTES:
                break
        return b"".join(parts) if size <= self._max_body else None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body once; afterwards only the client's going away is news."""
    given = False

    async def next_message() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message["headers"]}
            defaults = (*HEADERS, (b"cache-control", b"no-store"))
            message["headers"] = [*message["headers"], *(pair for pair in defaults if pair[0] not in given)]
        await send(message)

    return with_headers


async def _answer(send: Send, status: int, kind: str, detail: str) -> None:
    body = problem(status, kind, detail)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="perstream"'))
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await _with_headers(send)(start)
    await send({"type": "http.response.body", "body": body})
