"""The doorkeeper of WebSockets: the token is the first message, because a browser can send no header and an address is kept.

What stands behind the door sees an ordinary connection whose first message is the one after the token.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from perstream.web.keys import Keys
from perstream.web.limits import Limits
from perstream.web.scopes import KEY, Scope

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

SOCKETS = re.compile(r"/v1/sources/\w[\w .\-]{0,60}/push\Z")
"""Where a WebSocket may go, there is no other; and what a source of a browser may be called."""
TOKEN_S = 5.0
"""The token must be there by then."""
SILENCE_S = 60.0
"""A connection that says nothing for so long has gone, though nobody was told."""
LOOK_S = 1.0
"""How often it is looked whether the token of a silent connection is still good."""
LONGEST_HELLO = 1000
UNKNOWN, BUSY, GONE = 4401, 4429, 4408
"""Close codes: no token, a wrong one or one that may not write; too many who have not said theirs; silence."""


async def admit(
    app: Asgi, scope: MutableMapping[str, Any], receive: Receive, send: Send, keys: Keys, limits: Limits
) -> None:
    """Take the connection, ask for ``{"token": …}``, and hand it on when, and as long as, that may write."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    with limits.held("WEBSOCKET", scope["path"]) as full:
        token = None if full is not None else await _hello(receive)
    if token is None:
        if full is not None:
            await send({"type": "websocket.close", "code": BUSY, "reason": full.detail})
        return
    may = keys.scope(token)
    if may is None or may < Scope.WRITE:
        if may is None and token and (wait := limits.wrong(str((scope.get("client") or ("",))[0]))) is not None:
            await asyncio.sleep(min(wait.retry_s, TOKEN_S))
        reason = "send the token first" if may is None else "this token may not write"
        await send({"type": "websocket.close", "code": UNKNOWN, "reason": reason})
        return
    scope[KEY] = may
    connected = closed = False

    async def close(code: int, reason: str) -> Message:
        nonlocal closed
        closed = True
        await send({"type": "websocket.close", "code": code, "reason": reason})
        return {"type": "websocket.disconnect", "code": code}

    async def from_client() -> Message:
        nonlocal connected
        if not connected:
            connected = True
            return {"type": "websocket.connect"}
        message, until = None, time.monotonic() + SILENCE_S
        while message is None:
            with suppress(asyncio.TimeoutError):
                message = await asyncio.wait_for(receive(), min(LOOK_S, SILENCE_S))
            if (message is None or message["type"] == "websocket.receive") and not keys.admits(token, Scope.WRITE):
                return await close(UNKNOWN, "this token was revoked")
            if message is None and time.monotonic() >= until:
                return await close(GONE, "nothing came for too long")
        return message

    async def to_client(message: Message) -> None:
        if message["type"] != "websocket.accept" and not closed:  # it was accepted above; closed is closed
            await send(message)

    await app(scope, from_client, to_client)


async def _hello(receive: Receive) -> bytes | None:
    """The token that was said, empty when none was; None when the client has gone."""
    try:
        hello = await asyncio.wait_for(receive(), TOKEN_S)
    except asyncio.TimeoutError:
        return b""
    return _token_of(hello.get("text")) if hello["type"] == "websocket.receive" else None


def _token_of(text: object) -> bytes:
    if not isinstance(text, str) or len(text) > LONGEST_HELLO:
        return b""
    try:
        hello = json.loads(text)
    except (ValueError, RecursionError):
        return b""
    token = hello.get("token") if isinstance(hello, dict) else None
    return token.encode("utf-8", "replace") if isinstance(token, str) else b""
