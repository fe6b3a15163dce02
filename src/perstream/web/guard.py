"""The doorkeeper: who may speak to the API, and how much at once. Plain ASGI, before anything else.

- The Host header must name this machine: a web page that rebinds its name to 127.0.0.1 is refused.
- A browser's Origin must do so too; there is no CORS.
- Everything but /healthz, /readyz and the page's files needs a token whose scope covers the call: the owner's, one
  made for somebody else, or that of a paired device; see keys.py and scopes.py. A code for pairing is taken from
  anybody, where that is switched on.
- A WebSocket is let in at one place only, and says the token first; see socket_door.py.
- A body is read here, up to a limit, and handed on whole. Rates and what is in hand at once are bounded; see limits.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from perstream.web.headers import completed
from perstream.web.keys import Keys
from perstream.web.limits import Full, Limits
from perstream.web.problems import problem
from perstream.web.scopes import KEY, PAIR, Scope, needed, open_to_all
from perstream.web.socket_door import SOCKETS, admit

Request = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Request, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)
PAIR_BYTES = 2048
"""Of a stranger no larger body is read."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_S = 30.0
"""A body that takes longer is given up."""
LOOK_S = 1.0
"""How often it is looked whether the token of an open stream is still good."""
DRAINED_BYTES = 64 * 2**20
"""Of a body that is too large so much is read and thrown away, so that the answer gets through."""
MOST_HEADERS = 100
HEADER_BYTES = 16 * 1024


class Guard:
    """Wraps the API."""

    def __init__(
        self,
        app: Asgi,
        keys: Keys,
        max_body: int,
        limits: Limits,
        names: Iterable[str] = (),
        *,
        network: bool = False,
    ) -> None:
        """``max_body`` in bytes; ``names`` are host names allowed besides this machine's loopback.

        ``network``: it is the door of the local network, which speaks TLS and where devices may be paired.
        """
        self._app = app
        self._keys = keys
        self._limits = limits
        self._network = network
        self._max_body = max_body
        self._names = LOOPBACK_NAMES | {name.lower() for name in names}

    async def __call__(self, scope: Request, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        send = _with_headers(send, tls=self._network)
        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(send, refusal)
            return
        with self._limits.held(scope["method"], scope["path"]) as full:
            if full is not None:
                await _answer(send, full)
                return
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Request, receive: Receive, send: Send) -> None:
        most = PAIR_BYTES if scope["path"] == PAIR else self._max_body
        try:
            body = await asyncio.wait_for(_read(receive, most), BODY_S)
        except asyncio.TimeoutError:
            await _answer(send, Full(408, "too-slow", f"the body was not here within {BODY_S:.0f} s", 0))
            return
        if body is None:
            detail = f"a body may have {most // 1024} KB; this one is larger"
            await _answer(send, Full(413, "too-large", detail, 0))
            return
        admitted = _always
        if KEY in scope:
            token, least = _bearer(scope), needed(scope["method"], scope["path"])

            def admitted() -> bool:
                return self._keys.admits(token, least)

        coming, answering = _Incoming(body, receive, admitted), _WhileAdmitted(send, admitted)
        try:
            await self._app(scope, coming, answering)
            if not admitted():
                await answering.end()
        except Exception:
            log.exception("a request failed")
        finally:
            coming.close()

    async def _socket(self, scope: Request, receive: Receive, send: Send) -> None:
        """One connection; what it feeds is a source, so its token must be able to write."""
        if self._stranger(scope) is not None or SOCKETS.match(scope["path"]) is None:
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await admit(self._app, scope, receive, send, self._keys, self._limits)
        except Exception:
            log.exception("a connection failed")

    def _stranger(self, scope: Request) -> Full | None:
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if len(scope["headers"]) > MOST_HEADERS or size > HEADER_BYTES:
            detail = f"at most {MOST_HEADERS} headers of {HEADER_BYTES // 1024} KB together are taken"
            return Full(431, "too-many-headers", detail, 0)
        headers = dict(scope["headers"])
        if not self._names_us(b"//" + headers.get(b"host", b"")):
            detail = "the Host header names another machine; use the address that perstream prints"
            return Full(403, "wrong-host", detail, 0)
        origin = headers.get(b"origin")
        if origin is not None and not self._names_us(origin):
            return Full(403, "wrong-origin", "requests of other web pages are refused", 0)
        return None

    def _refusal(self, scope: Request) -> Full | None:
        """Why a request is refused, or None; what its caller may do is put down in it."""
        scope.pop(KEY, None)
        stranger = self._stranger(scope)
        if stranger is not None:
            return stranger
        method, path = scope["method"], scope["path"]
        if open_to_all(method, path, pairing=self._network):
            return None
        token = _bearer(scope)
        may = self._keys.scope(token)
        if may is None:
            full = self._limits.wrong(str((scope.get("client") or ("",))[0])) if token else None
            detail = "send Authorization: Bearer TOKEN; the token is in the file token of the store"
            return full or Full(401, "no-token", detail, 0)
        least = needed(method, path)
        if may < least:
            return Full(403, "scope", _lacking(may, least), 0)
        scope[KEY] = may
        return self._limits.request(token)

    def _names_us(self, url: bytes) -> bool:
        try:
            name = urlsplit(url.decode("ascii")).hostname
        except ValueError:  # not ASCII, or brackets that do not close
            return False
        return name is not None and name.lower() in self._names


def _lacking(may: Scope, least: Scope) -> str:
    wanted, has = least.name.lower(), may.name.lower()
    return f"this needs the scope {wanted}, and this token has {has}; see perstream token create NAME --scope {wanted}"


def _bearer(scope: Request) -> bytes:
    """The token that came with a request; empty without one."""
    given: bytes = dict(scope["headers"]).get(b"authorization", b"")
    scheme, _, token = given.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _always() -> bool:
    """Nobody needs to be let in."""
    return True


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


class _Incoming:
    """Gives the body once; afterwards only going away is news: the client's, or that its token is good no more."""

    def __init__(self, body: bytes, receive: Receive, admitted: Callable[[], bool]) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self._admitted = admitted
        self._waiting: asyncio.Future[Message] | None = None

    async def __call__(self) -> Message:
        """As ``receive``."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if self._waiting is None:  # kept between calls: who only looks cancels the call at once
            self._waiting = asyncio.ensure_future(self._receive())
        waiting = self._waiting
        while self._admitted():
            if waiting.done():
                return waiting.result()
            await asyncio.wait({waiting}, timeout=LOOK_S)
        return {"type": "http.disconnect"}

    def close(self) -> None:
        """Nobody listens any more."""
        if self._waiting is not None:
            self._waiting.cancel()


class _WhileAdmitted:
    """Ends a stream whose token was revoked since it began; an answer of known length is on its way already."""

    def __init__(self, send: Send, admitted: Callable[[], bool]) -> None:
        self._send = send
        self._admitted = admitted
        self._streaming = self._ended = False

    async def __call__(self, message: Message) -> None:
        """As ``send``."""
        if self._ended:
            return
        if message["type"] == "http.response.start":
            self._streaming = all(name.lower() != b"content-length" for name, _ in message["headers"])
        elif self._streaming and not self._admitted():
            await self.end()
            return
        elif not message.get("more_body", False):
            self._ended = True
        await self._send(message)

    async def end(self) -> None:
        """In good order, where a stream was begun and is not over."""
        if self._streaming and not self._ended:
            self._ended = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _with_headers(send: Send, *, tls: bool) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = completed(list(message["headers"]), tls=tls)
        await send(message)

    return with_headers


async def _answer(send: Send, full: Full) -> None:
    body = problem(full.status, full.kind, full.detail)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if full.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="perstream"'))
    if full.retry_s:
        headers.append((b"retry-after", str(full.retry_s).encode()))
    await send({"type": "http.response.start", "status": full.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
