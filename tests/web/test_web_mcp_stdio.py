"""``perstream mcp`` as an MCP client starts it: a process that speaks over standard input and output."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from web_fakes import ScriptedHouse

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent

from perstream.config import ServerConfig
from perstream.web.server import Server
from perstream.web.token import read_token


@asynccontextmanager
async def started(
    store: Path, complaints: Path, era: str = "2026-07-28", more: tuple[str, ...] = (), token: str = ""
) -> AsyncIterator[Client]:
    arguments = ["-m", "perstream", "mcp", "--store", str(store), *more]
    command = StdioServerParameters(command=sys.executable, args=arguments, env={"PERSTREAM_TOKEN": token})
    with complaints.open("w+") as errors:
        async with Client(stdio_client(command, errlog=errors), mode=era, read_timeout_seconds=60) as client:
            yield client


def run(steps: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        with anyio.fail_after(90):
            await steps()

    anyio.run(bounded)


def words(result: Any) -> str:
    assert isinstance(result, CallToolResult)
    (part,) = result.content
    assert isinstance(part, TextContent)
    return part.text


def test_it_opens_the_store_itself_where_no_daemon_runs(tmp_path: Path) -> None:
    async def steps() -> None:
        async with started(tmp_path / "store", tmp_path / "errors", "legacy") as client:
            told = await client.call_tool("remember", {"text": "I put my keys on the kitchen shelf."})
            assert not told.is_error, told
            answer = await client.call_tool("ask", {"question": "Where did I put my keys?"})
            assert isinstance(answer, CallToolResult) and answer.structured_content is not None
            assert "kitchen shelf" in answer.structured_content["answer"]
            evidence = answer.structured_content["evidence"][0]
            assert evidence["provenance"] == "told" and not evidence["untrusted"]
            unknown = await client.call_tool("ask", {"question": "Who won the chess game?"})
            assert isinstance(unknown, CallToolResult) and unknown.structured_content is not None
            assert unknown.structured_content["abstained"]

    run(steps)
    assert "Traceback" not in (tmp_path / "errors").read_text()


def test_it_speaks_to_the_daemon_withdraws_questions_and_outlives_a_restart(tmp_path: Path) -> None:
    house = ScriptedHouse()
    store = tmp_path / "store"
    store.mkdir()
    first = Server(house, ServerConfig(port=0), store)
    first.start()

    async def asked() -> None:
        while not house.asked:
            await anyio.sleep(0.01)

    async def steps() -> None:
        async with started(store, tmp_path / "errors") as client:
            reply = await client.call_tool("ask", {"question": "Which platform?"})
            assert isinstance(reply, CallToolResult) and reply.structured_content is not None
            assert reply.structured_content["answer"] == "Platform 4."

            house.reset()
            house.hold.clear()
            async with anyio.create_task_group() as calls:
                calls.start_soon(client.call_tool, "ask", {"question": "a long one"})
                await asked()
                calls.cancel_scope.cancel()
            assert await anyio.to_thread.run_sync(house.withdrawn.wait, 5)

            house.reset()
            house.hold.clear()
            lost: list[Any] = []

            async def ask() -> None:
                lost.append(await client.call_tool("ask", {"question": "another"}))

            async with anyio.create_task_group() as calls:
                calls.start_soon(ask)
                await asked()
                await anyio.to_thread.run_sync(first.stop)
            assert lost[0].is_error and "daemon" in words(lost[0])
            gone = await client.call_tool("status", {})
            assert "no daemon serves" in words(gone)

            house.reset()
            with Server(house, ServerConfig(port=0), store):
                back = await client.call_tool("status", {})
                assert isinstance(back, CallToolResult) and not back.is_error
                house.watch("day.mp4")
                everything = await client.call_tool("pause", {})
                assert isinstance(everything, CallToolResult)
                assert everything.structured_content == {"everything": True, "sources": {"day.mp4": True}}

    try:
        run(steps)
    finally:
        first.stop()
    assert "Traceback" not in (tmp_path / "errors").read_text()


def test_it_speaks_to_a_daemon_elsewhere(server: Server, store: Path, house: ScriptedHouse, tmp_path: Path) -> None:
    async def steps() -> None:
        where = ("--url", server.url)
        async with started(tmp_path / "none", tmp_path / "errors", more=where, token=read_token(store)) as client:
            told = await client.call_tool("remember", {"text": "I am allergic to peanuts"})
            assert isinstance(told, CallToolResult) and not told.is_error

    run(steps)
    assert house.told == [("I am allergic to peanuts", None)]
    assert not (tmp_path / "none").exists()
