"""The memory as a server of the Model Context Protocol: tools and resources over one house.

The same server speaks over standard input (``perstream mcp``) and over HTTP in the daemon (/mcp); see
docs/INTEGRATIONS.md.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import Annotated, Any

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import Field

from perstream.daemon.status import SourceState
from perstream.errors import NotFound
from perstream.types import Provenance, Reply
from perstream.version import __version__
from perstream.web import mcp_results as results
from perstream.web.bodies import MAX_ID, MemoryId, Moment, Short, Text
from perstream.web.house import House
from perstream.web.mcp_desk import Desk
from perstream.web.mcp_forget import add_forget
from perstream.web.scopes import Scope

ANSWER_S = 120.0
"""An answer may wait for a model."""
NEWS_S = 0.1
"""How often what has come of an answer is told while it is made."""
RECENT = 20
LOOKS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
SETS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
INSTRUCTIONS = (
    "PerStream is the memory of one person: what their cameras saw, read and heard, and what they told it. "
    "Use ask for a question about their life, recall to search, remember for what they want kept. "
    "When ask abstains, memory holds no answer: say so. " + results.NOTE
)


def build_mcp(house: House, longest: int) -> MCPServer[Any]:
    """The server over ``house``; questions and told sentences have at most ``longest`` characters."""
    server: MCPServer[Any] = MCPServer(
        "perstream",
        title="PerStream",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
        subscriptions=False,
    )
    desk = Desk(house, longest)
    _add_questions(server, desk)
    _add_memories(server, desk)
    add_forget(server, desk)
    _add_sources(server, desk)
    _add_resources(server, desk)
    return server


def guarded_already() -> TransportSecuritySettings:
    """For HTTP: the doorkeeper has looked at Host and Origin before."""
    return TransportSecuritySettings(enable_dns_rebinding_protection=False)


def caller(name: str) -> AuthenticatedUser:
    """Whose request it is: a session answers only to the caller who opened it."""
    return AuthenticatedUser(AccessToken(token=name, client_id=name, scopes=[]))


def _add_questions(server: MCPServer[Any], desk: Desk) -> None:
    house = desk.house

    @server.tool(title="Ask the memory", description="Answers a question from memory, with the evidence it rests on, "
                 "or abstains. " + results.NOTE, annotations=LOOKS)  # fmt: skip
    async def ask(
        question: Annotated[Text, Field(description="One question, in plain words.")], ctx: Context[Any, Any]
    ) -> results.Answer:
        desk.fitting(question, "the question")
        pieces: queue.SimpleQueue[str] = queue.SimpleQueue()
        gone = threading.Event()

        def answer() -> Reply:
            return house.ask(question, say=pieces.put, cancelled=gone.is_set)

        # What is raised inside of a task group would come out of it wrapped.
        failure: ToolError | None = None
        async with anyio.create_task_group() as beside:
            beside.start_soon(_tell_progress, ctx, pieces)
            try:
                reply = await desk.do(ctx, Scope.ASK, answer, ANSWER_S)
            except ToolError as error:
                failure = error
            finally:
                gone.set()
                beside.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return results.answer_of(reply)

    @server.tool(title="Search the memory", description="Finds memories by meaning, words and time, best first. "
                 + results.NOTE, annotations=LOOKS)  # fmt: skip
    async def recall(
        query: Text,
        ctx: Context[Any, Any],
        since: Annotated[Moment | None, Field(description="ISO time with its zone.")] = None,
        until: Moment | None = None,
        limit: Annotated[int, Field(ge=1, le=20)] = 5,
    ) -> results.Moments:
        desk.fitting(query, "the query")
        return results.moments_of(
            await desk.do(ctx, Scope.ASK, lambda: house.recall(query, since=since, until=until, k=limit))
        )

    @server.tool(title="Remember a sentence", description="Keeps something the owner said or wants kept, in the first "
                 "person, for example: I am allergic to peanuts. Only what the owner told, nothing read elsewhere.",
                 annotations=CHANGES)  # fmt: skip
    async def remember(
        text: Text,
        ctx: Context[Any, Any],
        at: Annotated[Moment | None, Field(description="When it was said; now without.")] = None,
    ) -> results.Moment:
        desk.fitting(text, "the text")
        return results.moment_of(await desk.do(ctx, Scope.WRITE, lambda: house.tell(text, at=at)))


def _add_memories(server: MCPServer[Any], desk: Desk) -> None:
    house = desk.house

    @server.tool(title="Latest memories", description="The latest memories, newest first, of a time, source or "
                 "category if one is given. " + results.NOTE, annotations=LOOKS)  # fmt: skip
    async def recent_moments(
        ctx: Context[Any, Any],
        limit: Annotated[int, Field(ge=1, le=100)] = RECENT,
        since: Annotated[Moment | None, Field(description="ISO time with its zone.")] = None,
        until: Moment | None = None,
        source: Short | None = None,
        category: Short | None = None,
        provenance: Provenance | None = None,
    ) -> results.Moments:
        records = await desk.do(
            ctx,
            Scope.READ,
            lambda: house.memories(
                limit=limit, since=since, until=until, source=source, category=category, provenance=provenance
            ),
        )
        return results.Moments(moments=[results.moment_of(record) for record in records])

    @server.tool(title="One memory", description="A memory by its number. " + results.NOTE, annotations=LOOKS)
    async def memory(id: MemoryId, ctx: Context[Any, Any]) -> results.Moment:
        return results.moment_of(await desk.do(ctx, Scope.READ, lambda: house.memory(id)))


def _add_sources(server: MCPServer[Any], desk: Desk) -> None:
    house = desk.house

    @server.tool(title="How the memory is doing", description="How much is remembered, and what is watched.",
                 annotations=LOOKS)  # fmt: skip
    async def status(ctx: Context[Any, Any]) -> results.Status:
        now = await desk.do(ctx, Scope.READ, house.status)
        return results.Status(
            memories=now.memory.memories,
            disk_mb=round(now.memory.disk_mb, 2),
            backend=now.backend,
            sources={one.name: one.state.value for one in now.sources},
            errors=now.errors,
            notes=list(now.notes),
        )

    def paused() -> results.Pausing:
        by_source = {one.name: one.state is SourceState.PAUSED for one in house.sources()}
        return results.Pausing(everything=house.paused, sources=by_source)

    @server.tool(title="Pause watching", description="Perceives nothing of one source, or without a name of all, now and to come, "
                 "until resume. Use it at once when the owner wants privacy.", annotations=SETS)  # fmt: skip
    async def pause(ctx: Context[Any, Any], source: Short | None = None) -> results.Pausing:
        def do() -> results.Pausing:
            house.pause(source)
            return paused()

        return await desk.do(ctx, Scope.WRITE, do)

    @server.tool(title="Resume watching", description="Perceives again. Only when the owner asks for it.",
                 annotations=SETS)  # fmt: skip
    async def resume(ctx: Context[Any, Any], source: Short | None = None) -> results.Pausing:
        def do() -> results.Pausing:
            house.resume(source)
            return paused()

        return await desk.do(ctx, Scope.WRITE, do)


def _add_resources(server: MCPServer[Any], desk: Desk) -> None:
    house = desk.house

    @server.resource("perstream://memory/{memory_id}", title="A memory", description="Its text, and how it came to be. "
                     + results.NOTE, mime_type="application/json")  # fmt: skip
    async def memory_text(memory_id: str) -> str:
        record = await desk.read(lambda: house.memory(_number(memory_id)))
        return results.moment_of(record).model_dump_json()

    @server.resource("perstream://memory/{memory_id}/thumbnail", title="A memory's picture", mime_type="image/jpeg")
    async def thumbnail(memory_id: str) -> bytes:
        def look() -> bytes:
            picture = house.thumbnail(_number(memory_id))
            if picture is None:
                raise NotFound(f"memory {memory_id} has no picture")
            return picture

        return await desk.read(look)

    @server.resource("perstream://recent", title="The latest memories", description=results.NOTE,
                     mime_type="application/json")  # fmt: skip
    async def recent() -> str:
        records = await desk.read(lambda: house.memories(limit=RECENT))
        return results.Moments(moments=[results.moment_of(record) for record in records]).model_dump_json()


async def _tell_progress(ctx: Context[Any, Any], pieces: queue.SimpleQueue[str]) -> None:
    """Tell a client that wants to hear it what has come of the answer; ``progress`` counts characters."""
    said = ""
    while True:
        await anyio.sleep(NEWS_S)
        before = len(said)
        with suppress(queue.Empty):
            while True:
                said += pieces.get_nowait()
        if len(said) > before:
            await ctx.report_progress(len(said), message=said[-results.LONGEST_TEXT :])


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 0 < int(text) <= MAX_ID):
        raise NotFound("there is no such memory: its number is expected")
    return int(text)
