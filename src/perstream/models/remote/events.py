"""The event stream of a chat answer, read within bounds: nothing that a server sends can fill the memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from perstream.errors import BackendUnavailable, BadOutput

MOST_LINE_BYTES = 1_000_000
MOST_BYTES = 32_000_000
DONE = b"[DONE]"
_KNOWN = (b"event", b"id", b"retry")


async def data_of(chunks: AsyncIterator[bytes], origin: str) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event, up to and with DONE (WHATWG HTML, 9.2.6).

    BadOutput for an endless line or stream, BackendUnavailable for what is no event stream.
    """
    data: list[bytes] = []
    size = 0
    over = False
    async for line in _lines(chunks, origin):
        if over:  # read to the end: only then can the connection be used again
            continue
        if not line:
            if data:
                yield b"\n".join(data)
            data, size = [], 0
            continue
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            if value == DONE:
                yield DONE
                over = True
                continue
            size += len(value) + 1
            if size > MOST_LINE_BYTES:
                raise BadOutput(f"{origin} sent an event without end")
            data.append(value)
        elif name and name not in _KNOWN:
            raise BackendUnavailable(f"{origin} sent something that is no event stream; is backend.base_url right?")
    if data and not over:  # some servers forget the last empty line
        yield b"\n".join(data)


async def _lines(chunks: AsyncIterator[bytes], origin: str) -> AsyncIterator[bytes]:
    """Whole lines; one that the connection's end cut is none."""
    rest: list[bytes] = []
    size = total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > MOST_BYTES:
            raise BadOutput(f"{origin} sent an answer without end")
        first, *others = chunk.split(b"\n")
        rest.append(first)
        size += len(first)
        if size > MOST_LINE_BYTES:
            raise BadOutput(f"{origin} sent a line without end")
        if others:
            yield b"".join(rest).removesuffix(b"\r")
            for line in others[:-1]:
                yield line.removesuffix(b"\r")
            rest, size = [others[-1]], len(others[-1])
