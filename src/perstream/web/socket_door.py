"""The doorkeeper of WebSockets: the token is the first message, because a browser can send no header and an address is kept.

What stands behind the door sees an ordinary connection whose first message is the one after the token.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from perstream.web.keys import Keys

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


async def admit(app: Asgi, scope: MutableMapping[str, Any], receive: Receive, send: Send, keys: Keys) -> None:
    """Take the connection, ask for ``{"token": …}``, and hand it on when, and as long as, that is right."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    try:
        hello = await asyncio.wait_for(receive(), TOKEN_S)
    except asyncio.TimeoutError:
        hello = {"type": "websocket.receive"}
    if hello["type"] != "websocket.receive":
        return
    token = _token_of(hello.get("text"))
    if not keys.admits(token):
        await send({"type": "websocket.close", "code": UNKNOWN, "reason": "send the token first"})
        return
    connected = revoked = False

    async def from_client() -> Message:
        nonlocal connected, revoked
        if connected:
            message = await receive()
            if message["type"] == "websocket.receive" and not keys.admits(token):
                revoked = True
                await send({"type": "websocket.close", "code": UNKNOWN, "reason": "this device was revoked"})
                return {"type": "websocket.disconnect", "code": UNKNOWN}
            return message
        connected = True
        return {"type": "websocket.connect"}

    async def to_client(message: Message) -> None:
        if message["type"] != "websocket.accept" and not revoked:  # it was accepted above; closed is closed
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
