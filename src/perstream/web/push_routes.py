"""A browser's camera and microphone, over a WebSocket, into a source of this house.

Client: binary messages, one picture or stretch of sound each: a byte (1 JPEG, 2 sound as 16 kHz mono int16,
little-endian), a float64 (little-endian; seconds on the client's own clock since it began, of which only
differences count), the data. Text: ``{"rest": true}`` now and then while it is paused, ``{"end": true}`` at the end.
Server: ``{"ready": name}``, then ``{"ack": n}`` for each picture taken (``n`` counts them) with how many were
``refused`` so far, and ``{"error": words}``. A client waits for acks, so that a slow daemon is sent less.
"""

from __future__ import annotations

import asyncio
import json
import math
import struct
import time

import numpy as np
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from perstream.errors import PerStreamError, SourceError
from perstream.sources.jpeg import decode_jpeg
from perstream.sources.push import PushSource
from perstream.web.house import House

MAX_MESSAGE = 2**20
"""Bytes; enforced by the server while it reads."""
RATE_HZ = 30.0
"""Messages a second that are looked at; a burst of twice as many is taken. What is over it is refused unseen."""
MAX_PUSHING = 8
"""Browsers that may send at once."""
SKEW_S = 5.0
"""A client's clock that is further off than this does not count; its pictures get the time of arrival."""
HEAD = struct.Struct("<Bd")
PICTURE, SOUND = 1, 2
BUSY, BAD, GONE = 4429, 4400, 4410
"""Close codes: too many send, what was sent makes no sense, the source was stopped here."""


def push_routes(house: House) -> APIRouter:
    """/v1/sources/{name}/push."""
    router = APIRouter(prefix="/v1/sources", tags=["sources"])
    pushing: set[int] = set()

    @router.websocket("/{name}/push")
    async def push(socket: WebSocket, name: str) -> None:
        """Feed a source of this name; one that was interrupted a moment ago goes on."""
        await socket.accept()
        if len(pushing) >= MAX_PUSHING:
            await socket.close(BUSY, f"{MAX_PUSHING} cameras send already")
            return
        pushing.add(id(socket))
        try:
            source = await asyncio.to_thread(house.feed, name)
            await socket.send_json({"ready": source.name})
            await _Session(socket, source).run()
        except PerStreamError as error:
            await _close(socket, BUSY, str(error))
        except WebSocketDisconnect:
            pass
        finally:
            pushing.discard(id(socket))

    return router


class _Session:
    """One connection."""

    def __init__(self, socket: WebSocket, source: PushSource) -> None:
        self._socket = socket
        self._source = source
        self._allowance = 2 * RATE_HZ
        self._at = time.monotonic()
        self._offset_s: float | None = None
        self._taken = self._refused = 0

    async def run(self) -> None:
        """Until either side ends it, or the server stops; what breaks off becomes a gap."""
        try:
            while not self._source.over:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("bytes") is not None:
                    await self._take(message["bytes"])
                elif not await self._told(message.get("text") or ""):
                    return
            await _close(self._socket, GONE, "this source was stopped")
        except SourceError as error:
            await _close(self._socket, BAD, str(error))
        finally:
            self._source.rest("lost")

    async def _told(self, text: str) -> bool:
        """False at the end."""
        try:
            said = json.loads(text[:1000])
        except (ValueError, RecursionError) as error:
            raise SourceError("a text message is JSON") from error
        if isinstance(said, dict) and said.get("end") is True:
            self._source.end()
            await _close(self._socket, 1000, "ended")
            return False
        if isinstance(said, dict) and said.get("rest") is True:
            self._source.rest("paused")
        return True

    async def _take(self, data: bytes) -> None:
        if not self._allowed():
            self._refused += 1
            if self._refused % 100 == 0:  # it does not listen to acks at all
                raise SourceError("too many messages; wait for the acks")
            return
        if len(data) <= HEAD.size:
            raise SourceError("a message is a byte, a float64 and data")
        kind, client_s = HEAD.unpack_from(data)
        payload = data[HEAD.size :]
        if kind == SOUND:
            if len(payload) % 2:
                raise SourceError("sound is int16: an even number of bytes")
            self._source.hear(np.frombuffer(payload, "<i2").astype(np.int16), None)
        elif kind == PICTURE:
            rgb = await asyncio.to_thread(decode_jpeg, payload)
            self._source.push(rgb, self._place(client_s))
            self._taken += 1
            await self._socket.send_json({"ack": self._taken, "refused": self._refused})
        else:
            raise SourceError("the first byte of a message is 1 (JPEG) or 2 (sound)")

    def _place(self, client_s: float) -> float | None:
        """Where the client's time lies on the source's clock; None when it makes no sense."""
        here_s = self._source.clock_s
        if not math.isfinite(client_s):
            return None
        if self._offset_s is None:
            self._offset_s = here_s - client_s
        placed = client_s + self._offset_s
        if abs(placed - here_s) > SKEW_S or placed < 0:
            self._offset_s = None
            return None
        return placed

    def _allowed(self) -> bool:
        now = time.monotonic()
        self._allowance = min(2 * RATE_HZ, self._allowance + (now - self._at) * RATE_HZ)
        self._at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
        await socket.close(code, reason.encode("utf-8")[:120].decode("utf-8", "ignore"))
