"""The tool that forgets: nothing goes before the owner has seen what would go, and agreed.

A client that can ask its user (elicitation) does so. Another gets a code that is bound to exactly that
selection, works once and for five minutes, and has to call again with it.
"""
# ruff: noqa: ARG001 - a tool's conditions are read by the functions it depends on.
# Annotations are evaluated at once here: the SDK looks for Resolve(...) of functions that are local.

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from perstream.errors import ConfigError
from perstream.types import Receipt, Selector
from perstream.web.bodies import MemoryId, Moment, Short
from perstream.web.mcp_desk import Desk
from perstream.web.mcp_results import NOTE, Forgetting, moment_of
from perstream.web.scopes import Scope

CODE_S = 300.0
MOST_CODES = 100
MOST_IDS = 10_000
PREVIEW = 20
LISTED = 1000
SHOWN = 5
"""Memories named in the question to the owner."""


class Wish(BaseModel):
    """The owner's decision."""

    forget: bool = Field(description="Forget these memories for good")


@dataclass(frozen=True)
class Chosen:
    """What a selection comes to at this moment."""

    receipt: Receipt
    preview: tuple[Any, ...]

    @property
    def question(self) -> str:
        """Put to the owner; it names every memory by a digest, so that an answer fits this selection only."""
        ids = self.receipt.memory_ids
        digest = hashlib.sha256(repr(ids).encode()).hexdigest()[:8]
        lines = [f"{one.id}: {' '.join(one.text.split())[:80]}" for one in self.preview[:SHOWN]]
        more = [f"and {len(ids) - SHOWN} more"] if len(ids) > SHOWN else []
        return "\n".join([f"Forget {len(ids)} memories for good? (selection {digest})", *lines, *more])


class Codes:
    """Codes that confirm a selection."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` in seconds."""
        self._clock = clock
        self._given: dict[str, tuple[tuple[int, ...], float]] = {}

    def give(self, ids: tuple[int, ...]) -> str:
        """A new code for these memories."""
        now = self._clock()
        self._given = {code: held for code, held in self._given.items() if held[1] > now}
        while len(self._given) >= MOST_CODES:
            del self._given[next(iter(self._given))]
        code = secrets.token_hex(8)
        self._given[code] = (ids, now + CODE_S)
        return code

    def take(self, code: str, ids: tuple[int, ...]) -> None:
        """Use it up. ConfigError when it is not for exactly these, or too old."""
        held = self._given.pop(code, None)
        if held is None or held[1] <= self._clock():
            raise ConfigError("this code is not good (any more): call forget without it for a new one")
        if held[0] != ids:
            raise ConfigError("the code was given for other memories: call forget without it and look again")


def add_forget(server: MCPServer[Any], desk: Desk, codes: Codes | None = None) -> None:
    """Register the tool."""
    house, codes = desk.house, codes or Codes()

    async def chosen_now(
        ids: tuple[int, ...],
        text: str | None,
        entity: str | None,
        source: str | None,
        since: datetime | None,
        until: datetime | None,
        ctx: Context[Any, Any],
    ) -> Chosen:
        selector = Selector(tuple(ids), text, entity, source, since, until)
        if selector == Selector():
            raise ToolError("forget wants at least one of ids, text, entity, source, since, until")

        def look() -> Chosen:
            receipt = house.forget(selector, True)
            if len(receipt.memory_ids) > MOST_IDS:
                raise ConfigError(f"that are {len(receipt.memory_ids):,} memories; at most {MOST_IDS:,} at once")
            return Chosen(receipt, tuple(moment_of(house.memory(one)) for one in receipt.memory_ids[:PREVIEW]))

        return await desk.do(ctx, Scope.WRITE, look)

    async def decision(chosen: Annotated[Chosen, Resolve(chosen_now)], ctx: Context[Any, Any]) -> Wish | Elicit[Wish]:
        if not chosen.receipt.memory_ids or not asks(ctx):
            return Wish(forget=False)
        return Elicit(chosen.question, Wish)

    @server.tool(
        title="Forget memories for good",
        description="Removes memories and everything derived from them; every condition that is given must hold. "
        "Without confirmation nothing is removed: the first call says what would go and gives a code; show that to the "
        "owner, and only if they agree call again with the same conditions and the code. " + NOTE,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
        ),
    )
    async def forget(
        chosen: Annotated[Chosen, Resolve(chosen_now)],
        decided: Annotated[ElicitationResult[Wish], Resolve(decision)],
        ctx: Context[Any, Any],
        ids: Annotated[tuple[MemoryId, ...], Field(max_length=MOST_IDS, description="Memories by number.")] = (),
        text: Annotated[Short | None, Field(description="Those whose text contains this.")] = None,
        entity: Annotated[Short | None, Field(description="Those that mention this person, thing or place.")] = None,
        source: Annotated[Short | None, Field(description="Those of this camera or recording.")] = None,
        since: Annotated[Moment | None, Field(description="ISO time with its zone.")] = None,
        until: Moment | None = None,
        code: Annotated[str | None, Field(max_length=64, description="From the first call.")] = None,
    ) -> Forgetting:
        found = chosen.receipt.memory_ids
        if not found:
            return Forgetting(status="nothing", memories=0, ids=[])
        if asks(ctx):
            if not (isinstance(decided, AcceptedElicitation) and decided.data.forget):
                return Forgetting(status="declined", memories=0, ids=[])
        elif code is None:
            return Forgetting(
                status="confirm",
                memories=len(found),
                ids=list(found[:LISTED]),
                preview=list(chosen.preview),
                code=codes.give(found),
            )

        def go() -> Receipt:
            if code is not None and not asks(ctx):
                codes.take(code, found)
            # By number: what came to fit the conditions since then was not agreed to.
            return house.forget(Selector(ids=found), False)

        gone = (await desk.do(ctx, Scope.WRITE, go)).memory_ids
        return Forgetting(status="forgotten", memories=len(gone), ids=list(gone[:LISTED]))


def asks(ctx: Context[Any, Any]) -> bool:
    """Whether the client can put a question with a form to its user, and be answered."""
    declared = ctx.client_capabilities
    elicitation = declared.elicitation if declared is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
