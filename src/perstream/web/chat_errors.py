"""Errors of the paths that OpenAI's clients call, in the shape that those understand.

Stands before the doorkeeper too, so that a wrong key or a full house is told in that shape as well.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from perstream.web.chat_answers import error_json

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
PATHS = ("/v1/chat/completions", "/v1/models")
CODES = {
    401: "invalid_api_key",
    403: "forbidden",
    404: "not_found",
    413: "request_too_large",
    429: "rate_limit_exceeded",
}


class OpenAiErrors:
    """Wraps everything; touches problems on those paths only."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI entry."""
        path = scope.get("path", "")
        ours = scope["type"] == "http" and (path in PATHS or path.startswith("/v1/models/"))
        await self._app(scope, receive, _translated(send) if ours else send)


def _translated(send: Send) -> Send:
    """Hold a problem back until its body is there, and send it in the other shape."""
    held: Message | None = None
    body = b""

    async def translated(message: Message) -> None:
        nonlocal held, body
        if message["type"] == "http.response.start" and _is_problem(message):
            held = message
            return
        if held is None or message["type"] != "http.response.body":
            await send(message)
            return
        body += message.get("body", b"")
        if message.get("more_body", False):
            return
        status, data = _translate(held["status"], body)
        kept = [pair for pair in held["headers"] if pair[0].lower() not in (b"content-type", b"content-length")]
        length = str(len(data)).encode()
        headers = [*kept, (b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        held = None
        await send({"type": "http.response.body", "body": data})

    return translated


def _is_problem(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"application/problem+json")
        for name, value in start["headers"]
    )


def _translate(status: int, body: bytes) -> tuple[int, bytes]:
    problem = json.loads(body)
    places = problem.get("errors") or [{}]
    param = str(places[0].get("where", "")).removeprefix("body.") or None
    # What does not fit is a 400 there.
    status = 400 if status == 422 else status
    return status, json.dumps(error_json(status, problem["detail"], param, CODES.get(status))).encode("ascii")
