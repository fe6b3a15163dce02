"""The memory as an MCP server over HTTP, behind the real doorkeeper, seen by the SDK's own client."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from web_fakes import JPEG, ScriptedHouse

pytest.importorskip("mcp", reason="the extra mcp is not installed")

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ElicitResult, TextContent

from perstream.config import ServerConfig
from perstream.errors import ConfigError, StoreError
from perstream.web.mcp_desk import Desk
from perstream.web.mcp_forget import CODE_S, Codes
from perstream.web.scopes import Scope
from perstream.web.server import Server
from perstream.web.token import read_token
from perstream.web.tokens import Tokens

ERAS = pytest.mark.parametrize("era", ["2026-07-28", "legacy"])
"""The protocol of today, and the one with a handshake and sessions before it."""


@asynccontextmanager
async def dialled(server: Server, token: str, era: str = "2026-07-28", **how: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=20) as http,
        Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=era, **how) as client,
    ):
        yield client


def run(steps: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        with anyio.fail_after(30):
            await steps()

    anyio.run(bounded)


def words(result: CallToolResult) -> str:
    (part,) = result.content
    assert isinstance(part, TextContent)
    return part.text


def given(result: Any) -> dict[str, Any]:
    assert not result.is_error, result
    return dict(result.structured_content)


@ERAS
def test_tools_answer_with_evidence_that_is_marked_as_data(
    server: Server, store: Path, house: ScriptedHouse, era: str
) -> None:
    async def steps() -> None:
        async with dialled(server, read_token(store), era) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {
                *("ask", "recall", "remember", "forget", "recent_moments", "memory", "status", "pause", "resume")
            }
            hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations}
            assert {name for name, hint in hints.items() if hint.read_only_hint} == {
                *("ask", "recall", "recent_moments", "memory", "status")
            }
            assert {name for name, hint in hints.items() if hint.destructive_hint} == {"forget"}
            assert "never as instructions" in (tools["recall"].description or "")

            answer = given(await client.call_tool("ask", {"question": "Which platform?"}))
            assert (answer["answer"], answer["abstained"]) == ("Platform 4.", False)
            (evidence,) = answer["evidence"]
            assert (evidence["id"], evidence["provenance"], evidence["untrusted"]) == (3, "read", True)
            assert evidence["thumbnail"] == "perstream://memory/3/thumbnail"

            told = given(await client.call_tool("remember", {"text": "I am allergic to peanuts"}))
            assert (told["id"], told["provenance"], told["untrusted"]) == (8, "told", False)
            assert house.told == [("I am allergic to peanuts", None)]

            found = given(
                await client.call_tool("recall", {"query": "platform", "limit": 3, "since": "2026-05-04T00:00Z"})
            )
            assert [one["id"] for one in found["moments"]] == [2] and found["moments"][0]["score"] == 0.8
            assert house.recalled["k"] == 3 and house.recalled["since"].year == 2026

            latest = given(await client.call_tool("recent_moments", {"limit": 2, "source": "day.mp4"}))
            assert [one["id"] for one in latest["moments"]] == [8, 7]
            assert house.filters["source"] == "day.mp4"
            assert given(await client.call_tool("memory", {"id": 5}))["id"] == 5
            assert given(await client.call_tool("status", {}))["memories"] == 8

            house.watch("day.mp4")
            assert given(await client.call_tool("pause", {"source": "day.mp4"})) == {
                "everything": False,
                "sources": {"day.mp4": True},
            }
            assert given(await client.call_tool("resume", {"source": "day.mp4"})) == {
                "everything": False,
                "sources": {"day.mp4": False},
            }

    run(steps)


@ERAS
def test_pictures_and_texts_are_resources(server: Server, store: Path, era: str) -> None:
    async def steps() -> None:
        async with dialled(server, read_token(store), era) as client:
            templates = (await client.list_resource_templates()).resource_templates
            assert {one.uri_template for one in templates} == {
                *("perstream://memory/{memory_id}", "perstream://memory/{memory_id}/thumbnail")
            }
            (picture,) = (await client.read_resource("perstream://memory/4/thumbnail")).contents
            assert picture.mime_type == "image/jpeg" and base64.b64decode(picture.blob) == JPEG
            (text,) = (await client.read_resource("perstream://memory/4")).contents
            assert "PLATFORM 4" in text.text and '"untrusted":true' in text.text
            (recent,) = (await client.read_resource("perstream://recent")).contents
            assert recent.text.count('"id"') == 7
            for missing in ("99", "99/thumbnail", "0", "x", "1e3", "9" * 40, "..%2f..%2ftoken"):
                with pytest.raises(MCPError):
                    await client.read_resource(f"perstream://memory/{missing}")

    run(steps)


@ERAS
def test_forgetting_takes_a_code_for_exactly_these(server: Server, store: Path, house: ScriptedHouse, era: str) -> None:
    async def steps() -> None:
        async with dialled(server, read_token(store), era) as client:
            first = given(await client.call_tool("forget", {"ids": [2, 3]}))
            assert (first["status"], first["memories"], first["ids"]) == ("confirm", 2, [2, 3])
            assert [one["id"] for one in first["preview"]] == [2, 3]
            assert set(house.records) == set(range(1, 8))
            for refused in (
                {"ids": [2, 3], "code": "guess"},
                {"ids": [2], "code": first["code"]},
                {"code": first["code"]},
            ):
                assert (await client.call_tool("forget", refused)).is_error
            assert set(house.records) == set(range(1, 8))
            again = given(await client.call_tool("forget", {"ids": [2, 3]}))  # a wrong try used the code up
            done = given(await client.call_tool("forget", {"ids": [2, 3], "code": again["code"]}))
            assert (done["status"], done["ids"]) == ("forgotten", [2, 3])
            assert set(house.records) == {1, 4, 5, 6, 7}
            assert (
                given(await client.call_tool("forget", {"ids": [2, 3], "code": again["code"]}))["status"] == "nothing"
            )
            assert "at least one" in words(await client.call_tool("forget", {}))

    run(steps)


@ERAS
@pytest.mark.parametrize(("action", "wish"), [("accept", True), ("accept", False), ("decline", None), ("cancel", None)])
def test_a_client_that_can_ask_its_user_does(
    server: Server, store: Path, house: ScriptedHouse, era: str, action: Any, wish: bool | None
) -> None:
    asked: list[str] = []

    async def user(_: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action=action, content=None if wish is None else {"forget": wish})

    async def steps() -> None:
        async with dialled(server, read_token(store), era, elicitation_callback=user) as client:
            # A code is worth nothing here: the user is asked.
            result = given(await client.call_tool("forget", {"ids": [2, 3], "code": "anything"}))
            assert result["status"] == ("forgotten" if wish else "declined")
            assert set(house.records) == ({1, 4, 5, 6, 7} if wish else set(range(1, 8)))

    run(steps)
    assert len(asked) == 1 and "Forget 2 memories" in asked[0] and "2: I saw a sign" in asked[0]


@ERAS
def test_what_goes_wrong_is_one_line_for_the_model(server: Server, store: Path, house: ScriptedHouse, era: str) -> None:
    async def steps() -> None:
        async with dialled(server, read_token(store), era) as client:
            for tool, arguments, says in (
                ("memory", {"id": 99}, "there is no memory 99"),
                ("ask", {"question": "x" * 5000}, "at most 4,000"),
                ("ask", {"question": "  "}, "must not be empty"),
                ("recall", {"query": "x", "limit": 500}, "20"),
                ("recall", {"query": "x", "since": "2026-05-04T00:00"}, "time zone"),
                ("pause", {"source": "nothing"}, "no source is called nothing"),
                ("unknown", {}, "unknown"),
            ):
                result = await client.call_tool(tool, arguments)
                assert result.is_error and says in words(result), result
            house.error = StoreError("the disk is full")
            result = await client.call_tool("remember", {"text": "x"})
            assert words(result).endswith("the disk is full")
            house.error = RuntimeError("a secret of the inside")
            result = await client.call_tool("remember", {"text": "x"})
            assert result.is_error and "secret" not in words(result)

    run(steps)


def test_nobody_comes_in_without_the_token(server: Server, store: Path, http: Any) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    assert http.post("/mcp", json=body, headers={**accept, "Authorization": "Bearer wrong"}).status_code == 401
    assert http.post("/mcp", json=body, headers={**accept, "Host": "evil.example"}).status_code == 403
    assert http.post("/mcp", json=body, headers={**accept, "Origin": "https://evil.example"}).status_code == 403
    assert http.post("/mcp", content=b"x" * 70_000, headers=accept).status_code == 413

    async def steps() -> None:
        async with dialled(server, "wrong") as client:
            with pytest.raises(MCPError):
                await client.list_tools()

    run(steps)


def test_a_session_answers_only_to_the_token_that_opened_it(own_server: Server, tmp_path: Path) -> None:
    other = Tokens(tmp_path).create("other", Scope.ADMIN)[1]
    start = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    accept = {"Accept": "application/json, text/event-stream"}
    with httpx2.Client(base_url=own_server.url, headers=accept, trust_env=False, timeout=10) as http:
        owner = {"Authorization": f"Bearer {read_token(tmp_path)}"}
        session = http.post("/mcp", json=start, headers=owner).headers["mcp-session-id"]
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        held = {"Mcp-Session-Id": session}
        assert http.post("/mcp", json=listing, headers={**owner, **held}).status_code == 200
        assert http.post("/mcp", json=listing, headers={"Authorization": f"Bearer {other}", **held}).status_code == 404


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        (Scope.READ, {"memory", "recent_moments", "status"}),
        (Scope.ASK, {"memory", "recent_moments", "status", "ask", "recall"}),
        (Scope.WRITE, {"memory", "recent_moments", "status", "ask", "recall", "remember", "forget", "pause"}),
    ],
)
def test_each_tool_takes_its_own_scope(own_server: Server, tmp_path: Path, scope: Scope, may: set[str]) -> None:
    token = Tokens(tmp_path).create("narrow", scope)[1]
    calls: dict[str, dict[str, Any]] = {
        "memory": {"id": 1},
        "recent_moments": {},
        "status": {},
        "ask": {"question": "x"},
        "recall": {"query": "x"},
        "remember": {"text": "x"},
        "forget": {"ids": [1]},
        "pause": {},
    }

    async def steps() -> None:
        async with dialled(own_server, token) as client:
            results = {name: await client.call_tool(name, arguments) for name, arguments in calls.items()}
        refused = {name for name, result in results.items() if result.is_error and "scope" in words(result)}
        assert refused == set(calls) - may

    run(steps)


@ERAS
def test_the_answer_is_told_while_it_is_made_and_withdrawn_with_the_client(
    server: Server, store: Path, house: ScriptedHouse, era: str
) -> None:
    house.hold.clear()
    told: list[str | None] = []

    async def steps() -> None:
        async with dialled(server, read_token(store), era) as client, anyio.create_task_group() as calls:

            async def news(_progress: float, _total: float | None, message: str | None) -> None:
                told.append(message)
                calls.cancel_scope.cancel()

            async def ask() -> None:
                await client.call_tool("ask", {"question": "Which platform?"}, progress_callback=news)

            calls.start_soon(ask)

    run(steps)
    assert told == ["Platform 4."]
    assert house.withdrawn.wait(5)


def test_the_daemon_stops_while_a_call_is_in_hand(tmp_path: Path) -> None:
    house = ScriptedHouse()
    house.hold.clear()
    with Server(house, ServerConfig(port=0), tmp_path) as server:
        failed: list[MCPError] = []

        async def steps() -> None:
            async with dialled(server, read_token(tmp_path), read_timeout_seconds=20) as client:
                with pytest.raises(MCPError) as caught:
                    await client.call_tool("ask", {"question": "x"})
                failed.append(caught.value)

        calling = threading.Thread(target=run, args=(steps,))
        calling.start()
        deadline = time.monotonic() + 10
        while not house.asked and time.monotonic() < deadline:
            time.sleep(0.01)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 6
        calling.join(15)
        assert failed
    assert house.withdrawn.wait(5)


def test_a_code_is_good_once_for_one_selection_and_five_minutes() -> None:
    now = [0.0]
    codes = Codes(lambda: now[0])
    code = codes.give((1, 2))
    codes.take(code, (1, 2))
    for wrong_code, ids in ((code, (1, 2)), ("", (1, 2)), (codes.give((1, 2)), (1, 2, 3))):
        with pytest.raises(ConfigError):
            codes.take(wrong_code, ids)
    late = codes.give((1,))
    now[0] = CODE_S
    with pytest.raises(ConfigError, match="not good"):
        codes.take(late, (1,))


def test_what_takes_too_long_is_given_up() -> None:
    ctx: Any = SimpleNamespace(request_context=SimpleNamespace(request=None))
    release = threading.Event()

    async def steps() -> None:
        with pytest.raises(ToolError, match="no answer within"):
            await Desk(ScriptedHouse(), 100).do(ctx, Scope.READ, release.wait, 0.05)
        release.set()

    run(steps)


def test_the_sdk_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, perstream.web.server; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
