"""The doorkeeper: who may speak to the API, and how much at once. Plain ASGI, before anything else.

- The Host header must name this machine: a web page that rebinds its name to 127.0.0.1 is refused.
- A browser's Origin must do so too; there is no CORS.
- Everything but /healthz and the page's files needs the owner's bearer token or that of a paired device; see keys.py. A code for pairing is
  taken from anybody, where that is switched on.
- A WebSocket is let in at one place only, and says the token first; see socket_door.py.
- A body is read here, up to a limit, and handed on whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from perstream.web.keys import Keys
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
PAIR_PATH = "/v1/pair"
PAIR_BYTES = 2048
"""Of a stranger no larger body is read."""
OWNER_PATHS = frozenset({"/v1/pair/code"})
"""Not even a paired device may pair another."""
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

    def __init__(
        self, app: Asgi, keys: Keys, max_body: int, names: Iterable[str] = (), *, pairing: bool = False
    ) -> None:
        """``max_body`` in bytes; ``names`` are host names allowed besides this machine's loopback."""
        self._app = app
        self._keys = keys
        self._pairing = pairing
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
                await admit(self._app, scope, receive, send, self._keys)
            except Exception:
                log.exception("a connection failed")
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        try:
            most = PAIR_BYTES if scope["path"] == PAIR_PATH else self._max_body
            body = await asyncio.wait_for(_read(receive, most), BODY_S)
        except asyncio.TimeoutError:
            await _answer(send, 408, "too-slow", f"the body was not here within {BODY_S:.0f} s")
            return
        if body is None:
            detail = f"a body may have {most // 1024} KB; this one is larger"
            await _answer(send, 413, "too-large", detail)
            return
        try:
            sending = _while_admitted(send, self._keys, _bearer(scope)) if self._locked(scope) else send
            await self._app(scope, _replay(body, receive), _with_headers(sending))
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
        if not self._locked(scope):
            return None
        given = _bearer(scope)
        if not self._keys.admits(given):
            return 401, "no-token", "send Authorization: Bearer TOKEN; the token is in the file token of the store"
        if scope["path"] in OWNER_PATHS and not self._keys.owns(given):
            return 403, "owner-only", "only the owner's token may do this; it is in the file token of the store"
        return None

    def _locked(self, scope: Scope) -> bool:
        path = scope["path"]
        if self._pairing and path == PAIR_PATH and scope["method"] == "POST":
            return False
        return path not in OPEN_PATHS and not path.startswith(OPEN_FILES)

    def _names_us(self, url: bytes) -> bool:
        try:
            name = urlsplit(url.decode("ascii")).hostname
        except ValueError:  # not ASCII, or brackets that do not close
            return False
        return name is not None and name.lower() in self._names


def _bearer(scope: Scope) -> bytes:
    """The token that came with a request; empty without one."""
    given: bytes = dict(scope["headers"]).get(b"authorization", b"")
    scheme, _, token = given.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


async def _read(receive: Receive, most: int) -> bytes | None:
    """The whole body, or None when it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        part = message.get("body", b"")
        size += len(part)
        if size <= most:
            parts.append(part)
        if not message.get("more_body", False) or size > DRAINED_BYTES:
            break
    return b"".join(parts) if size <= most else None


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


def _while_admitted(send: Send, keys: Keys, token: bytes) -> Send:
    """End a stream whose device was revoked since it began; an answer of known length is on its way already."""
    streaming = ended = False

    async def while_admitted(message: Message) -> None:
        nonlocal streaming, ended
        if ended:
            return
        if message["type"] == "http.response.start":
            streaming = all(name.lower() != b"content-length" for name, _ in message["headers"])
        elif streaming and not keys.admits(token):
            ended = True
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    return while_admitted


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
