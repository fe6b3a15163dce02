"""Server-sent events: the answer as it is made, and what happens as it happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse

from perstream.daemon.bus import Subscription
from perstream.errors import PerStreamError
from perstream.jsonlines import event_to_json, reply_to_json
from perstream.types import Reply
from perstream.web.problems import problem, problem_of
from perstream.web.replies import dump

Ask = Callable[[Callable[[str], None], Callable[[], bool]], Reply]
"""Answers while saying pieces, as long as the second function says that somebody listens: it is true when not."""
LOOK_UP_S = 1.0
"""How often a listener's thread looks whether its client has gone."""


def sse(name: str, data: str) -> str:
    """One event of the stream; ``data`` is one line."""
    return f"event: {name}\ndata: {data}\n\n"


class Streams:
    """All open streams of one server; ``close`` ends them so that the server can stop."""

    def __init__(self, heartbeat_s: float = 15.0) -> None:
        """``heartbeat_s``: a comment is sent when nothing has been for so long."""
        self._heartbeat_s = heartbeat_s
        self._lock = threading.Lock()
        self._closing = False
        self._open: set[Subscription] = set()
        self._closers: list[Callable[[], None]] = []

    def also(self, close: Callable[[], None]) -> None:
        """Something else to be called when the streams end."""
        self._closers.append(close)

    def close(self) -> None:
        """End all streams of events, at once."""
        with self._lock:
            self._closing = True
            listening = tuple(self._open)
        for subscription in listening:
            subscription.close()
        for close in self._closers:
            close()

    def events(self, request: Request, subscribe: Callable[[], Subscription]) -> StreamingResponse:
        """A client listens until it goes away; the doorkeeper bounds how many do."""
        return _response(self._events(request, subscribe))

    def _subscribed(self, subscribe: Callable[[], Subscription]) -> Subscription:
        subscription = subscribe()
        with self._lock:
            self._open.add(subscription)
            closing = self._closing
        if closing:
            subscription.close()
        return subscription

    async def _events(self, request: Request, subscribe: Callable[[], Subscription]) -> AsyncIterator[str]:
        subscription = self._subscribed(subscribe)
        limiter = anyio.CapacityLimiter(1)  # its own: listeners must not use up the threads of requests
        lost, quiet_s, look_up_s = 0, 0.0, min(LOOK_UP_S, self._heartbeat_s)
        try:
            yield ": listening\n\n"
            while not await request.is_disconnected():
                event = await anyio.to_thread.run_sync(
                    subscription.get, look_up_s, abandon_on_cancel=True, limiter=limiter
                )
                if subscription.dropped > lost:
                    yield sse("lost", dump({"event": "lost", "count": subscription.dropped - lost}))
                    lost = subscription.dropped
                if event is not None:
                    quiet_s = 0.0
                    yield sse(event.event, dump(event_to_json(event)))
                    continue
                if subscription.closed:
                    return
                quiet_s += look_up_s
                if quiet_s >= self._heartbeat_s:
                    quiet_s = 0.0
                    yield ": beat\n\n"
        finally:
            subscription.close()
            with self._lock:
                self._open.discard(subscription)

    def answer(self, ask: Ask) -> StreamingResponse:
        """Events ``token`` {"text"}, then ``reply`` (the whole), or ``error`` (a problem).

        When the client goes away, the answer is no longer wanted.
        """
        return _response(_answer(ask))


async def heard(ask: Ask) -> AsyncGenerator[str | Reply, None]:
    """The pieces of an answer as they are said, then the reply. Raises what ``ask`` raises.

    When it is closed or cancelled before, the answer is no longer wanted.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[str | None] = asyncio.Queue()
    gone = threading.Event()

    def tell(piece: str | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

    def work() -> Reply:
        try:
            return ask(tell, gone.is_set)
        finally:
            tell(None)

    answering = asyncio.ensure_future(asyncio.to_thread(work))
    answering.add_done_callback(_retrieve)
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
    finally:
        gone.set()
    yield await answering


async def _answer(ask: Ask) -> AsyncIterator[str]:
    try:
        async with aclosing(heard(ask)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    yield sse("token", dump({"text": piece}))
                else:
                    yield sse("reply", dump(reply_to_json(piece)))
    except PerStreamError as error:
        yield sse("error", problem_of(error)[1].decode("ascii"))
    except Exception:
        yield sse("error", problem(500, "internal-error", "this should not happen").decode("ascii"))
        raise


def _retrieve(answering: asyncio.Future[Reply]) -> None:
    """Of an answer that nobody waits for any more, nobody wants the error either."""
    if not answering.cancelled():
        answering.exception()


def _response(stream: AsyncIterator[Any]) -> StreamingResponse:
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
