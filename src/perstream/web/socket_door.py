"""The doorkeeper of WebSockets: the token is the first message, because a browser can send no header and an address is kept.

What stands behind the door sees an ordinary connection whose first message is the one after the token.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

SOCKETS = re.compile(r"/v1/sources/\w[\w .\-]{0,60}/push\Z")
"""Where a WebSocket may go, there is no other; and what a source of a browser may be called."""
TOKEN_S = 5.0
"""The token must be there by then."""
LONGEST_HELLO = 1000
UNKNOWN = 4401
"""Close code: no token, or a wrong one."""


async def admit(app: Asgi, scope: MutableMapping[str, Any], receive: Receive, send: Send, token: bytes) -> None:
    """Take the connection, ask for ``{"token": …}``, and hand it on when that is right."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    try:
        hello = await asyncio.wait_for(receive(), TOKEN_S)
    except asyncio.TimeoutError:
        hello = {"type": "websocket.receive"}
    if hello["type"] != "websocket.receive":
        return
    if not hmac.compare_digest(_token_of(hello.get("text")), token):
        await send({"type": "websocket.close", "code": UNKNOWN, "reason": "send the token first"})
        return
    connected = False

    async def from_client() -> Message:
        nonlocal connected
        if connected:
            return await receive()
        connected = True
        return {"type": "websocket.connect"}

    async def to_client(message: Message) -> None:
        if message["type"] != "websocket.accept":  # it was accepted above
            await send(message)

    await app(scope, from_client, to_client)


def _token_of(text: object) -> bytes:
    if not isinstance(text, str) or len(text) > LONGEST_HELLO:
        return b""
    try:
        hello = json.loads(text)
    except (ValueError, RecursionError):
        return b""
    token = hello.get("token") if isinstance(hello, dict) else None
    return token.encode("utf-8", "replace") if isinstance(token, str) else b""
