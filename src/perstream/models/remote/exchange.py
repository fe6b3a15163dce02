"""One request and its answer on the wire: time-outs, faults by name, repeats where they make sense."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import msgspec

from perstream.errors import BackendError, BackendUnavailable, BadOutput
from perstream.models.remote.address import Address
from perstream.models.remote.events import DONE, data_of
from perstream.models.remote.faults import ServerTrouble, of_status
from perstream.models.remote.libraries import anyio, httpx, tenacity
from perstream.models.remote.reading import Reading

MOST_BODY_BYTES = 4_000_000
LONGEST_BACKOFF_S = 8.0
COUNTS_S = 5.0
"""Patience for the token counts that follow a complete answer."""
LAST_S = 0.2
"""Patience for the end of the connection's message when the answer itself is over."""
TOTAL = 10
"""A whole answer may take so many times the time-out of one token."""

T = TypeVar("T")


async def streamed(
    http: httpx.AsyncClient,
    address: Address,
    body: bytes,
    model: str,
    reading: Reading,
    timeout_s: float,
    say: Callable[[str], None],
) -> None:
    """Post a chat request and fold its events into ``reading``; a server that does not stream is taken too."""
    async with _opened(http, address, "POST", f"{address.url}/chat/completions", body, timeout_s) as response:
        if response.status_code != 200:
            raise of_status(address, model, response.status_code, response.headers, await _body(response, timeout_s))
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            events = data_of(response.aiter_raw(), address.origin)
        elif kind == "application/json":
            events = _once(await _body(response, timeout_s))
        else:
            raise BackendUnavailable(
                f"{address.origin} answers with {kind or 'nothing'}; is backend.base_url right? {_V1}"
            )
        try:
            async with aclosing(events):
                await _read(events, reading, timeout_s, address, say)
        except (httpx.TransportError, httpx.StreamError) as error:
            if not reading.ended:
                raise reading.lost(error) from error


_V1 = "It usually ends in /v1."


async def fetched(
    http: httpx.AsyncClient, address: Address, method: str, url: str, body: bytes | None, timeout_s: float
) -> Any:
    """The JSON (or, where it is none, the text) that a small request is answered with."""
    async with _opened(http, address, method, url, body, timeout_s) as response:
        raw = await _body(response, timeout_s)
        if response.status_code != 200:
            raise of_status(address, "", response.status_code, response.headers, raw)
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return raw[:2000].decode("utf-8", "replace")


async def repeated(once: Callable[[], Coroutine[Any, Any, T]], retries: int, backoff_s: float) -> T:
    """``once``, again after ServerTrouble: after what the server asks for, else a random, growing while."""
    backoff = tenacity.wait_random_exponential(multiplier=backoff_s, max=LONGEST_BACKOFF_S)

    def wait(state: tenacity.RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome is not None else None
        asked = fault.after_s if isinstance(fault, ServerTrouble) else None
        return (asked or 0.0) + backoff(state)

    tries = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(ServerTrouble),
        stop=tenacity.stop_after_attempt(retries + 1),
        wait=wait,
        reraise=True,
    )
    return await tries(once)


@asynccontextmanager
async def _opened(
    http: httpx.AsyncClient, address: Address, method: str, url: str, body: bytes | None, timeout_s: float
) -> AsyncIterator[httpx.Response]:
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = http.build_request(method, url, content=body, headers=headers)
    try:
        with anyio.fail_after(timeout_s):
            response = await http.send(request, stream=True)
    except httpx.ConnectTimeout as error:
        raise ServerTrouble(f"{address.origin} cannot be reached: no connection in time") from error
    except (httpx.TimeoutException, TimeoutError) as error:
        raise _late(address, timeout_s) from error
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise BackendUnavailable(
                f"the certificate of {address.origin} is not trusted: name its authority in SSL_CERT_FILE"
            ) from error
        raise ServerTrouble(f"{address.origin} cannot be reached: {error}; is the server running?") from error
    except httpx.TransportError as error:
        raise ServerTrouble(f"{address.origin} hung up without an answer: {type(error).__name__}") from error
    try:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise BackendUnavailable(f"{address.origin} compresses its answers although it was told not to")
        yield response
    finally:
        await response.aclose()


async def _read(
    events: AsyncIterator[bytes], reading: Reading, timeout_s: float, address: Address, say: Callable[[str], None]
) -> None:
    """Every wait is for a token: comments and empty events that keep a connection alive do not count.

    The waits are anyio's: asyncio.wait_for may lose a cancel before Python 3.12.
    """
    end = time.monotonic() + TOTAL * timeout_s
    due = time.monotonic() + timeout_s
    while not reading.full:
        left = min(due, end) - time.monotonic()
        try:
            with anyio.fail_after(left):
                data = await anext(events)
        except StopAsyncIteration:
            break
        except (TimeoutError, httpx.TimeoutException) as error:
            if reading.ended:
                break
            if due <= end:
                raise _late(address, timeout_s) from error
            raise BackendUnavailable(f"{address.origin} did not end its answer in {TOTAL * timeout_s:g} s") from error
        if data == DONE:
            # The connection is free for the next call once its last bytes are read.
            reading.done()
            due = end = time.monotonic() + LAST_S
            continue
        piece, alive = reading.take(data)
        if alive or reading.ended:
            due = time.monotonic() + (min(COUNTS_S, timeout_s) if reading.ended else timeout_s)
        if piece:
            say(piece)
    if rest := reading.rest():
        say(rest)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
    yield DONE


async def _body(response: httpx.Response, timeout_s: float) -> bytes:
    host = response.url.host
    raw = bytearray()
    try:
        with anyio.fail_after(timeout_s):
            async for chunk in response.aiter_raw():
                raw += chunk
                if len(raw) > MOST_BODY_BYTES:
                    raise BadOutput(f"{host} sent an answer without end")
    except (httpx.TimeoutException, TimeoutError) as error:
        raise BackendUnavailable(f"{host} did not end its answer in time (backend.request_timeout_s)") from error
    except httpx.TransportError as error:
        raise ServerTrouble(f"the connection to {host} was lost: {type(error).__name__}") from error
    return bytes(raw)


def _late(address: Address, timeout_s: float) -> BackendError:
    return BackendUnavailable(f"{address.origin} gave no token for {timeout_s:g} s (backend.request_timeout_s)")
