"""The event stream, byte by byte: however it is cut and whatever is in it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perstream.errors import BackendError
from perstream.models.remote.address import Address
from perstream.models.remote.events import DONE, data_of
from perstream.models.remote.reading import Reading

ADDRESS = Address("http://127.0.0.1:1/v1", "http://127.0.0.1:1", True, "m")
WORDS = ("Únder ", "the ", "mat\n", "🔑.")
STREAM = b"".join(
    [
        b": hello\r\n\r\n",
        *(b"data: " + json.dumps({"choices": [{"delta": {"content": word}}]}).encode() + b"\r\n\r\n" for word in WORDS),
        b'event: x\nid: 7\nretry: 3\ndata: {"choices": [{"delta": {},\ndata:"finish_reason": "stop"}]}\n\n',
        b"data: [DONE]\n\n",
        b"garbage after the end\n",
    ]
)


def read(chunks: list[bytes]) -> list[bytes]:
    async def source() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def gathered() -> list[bytes]:
        return [data async for data in data_of(source(), "here")]

    return asyncio.run(gathered())


def answer(events: list[bytes]) -> str:
    reading = Reading(ADDRESS, 100)
    for data in events:
        if data == DONE:
            reading.done()
        else:
            reading.take(data)
    return reading.text()


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_any_cut_gives_the_same_answer(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in itertools.pairwise(ends)]
    assert answer(read(chunks)) == "Únder the mat\n🔑."


@settings(max_examples=60)
@given(
    head=st.sampled_from([b"", b"data: ", b'data: {"choices": ', b"\n\ndata:"]),
    chunks=st.lists(st.binary(max_size=60), max_size=6),
)
def test_any_bytes_are_an_answer_or_an_error_of_ours(head: bytes, chunks: list[bytes]) -> None:
    try:
        answer(read([head, *chunks]))
    except BackendError as error:
        assert "\n" not in str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["content", "delta", "x"]), inner),
    max_leaves=6,
)


@settings(max_examples=60)
@given(choices=json_values, usage=json_values, error=json_values)
def test_any_json_is_an_answer_or_an_error_of_ours(choices: object, usage: object, error: object) -> None:
    with pytest.raises(BackendError):
        answer([json.dumps({"choices": choices, "usage": usage, "error": error}).encode()])


def test_a_line_cut_by_the_end_is_none() -> None:
    assert read([b"data: a\n\ndata: b"]) == [b"a"]
    assert read([b"data: a\n"]) == [b"a"], "the last empty line may be missing"
    assert read([]) == []
