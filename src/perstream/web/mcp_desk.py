"""Where calls of the MCP server's tools reach the house: who may, on which thread, how long, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from perstream.errors import NotFound, PerStreamError
from perstream.web.house import House
from perstream.web.scopes import Scope, granted

T = TypeVar("T")
PATIENCE_S = 60.0
"""For everything but an answer."""
THREADS = 16
"""Calls in hand at once; more wait their turn."""


class Desk:
    """One for each server."""

    def __init__(self, house: House, longest: int) -> None:
        """``longest``: characters of a question or told sentence."""
        self.house = house
        self._longest = longest
        self._limiter: anyio.CapacityLimiter | None = None

    async def do(self, ctx: Context[Any, Any], need: Scope, work: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
        """What ``work`` gives; it goes on alone when the caller is cancelled. ToolError with one line for the model."""
        try:
            if scope_of(ctx) < need:
                raise ToolError(f"this token may not do that; it takes one with the scope {need.name.lower()}")
            return await self._run(work, patience_s)
        except PerStreamError as error:
            raise ToolError(str(error)) from error
        except TimeoutError as error:
            raise ToolError(f"there was no answer within {patience_s:.0f} s; try again") from error

    async def read(self, work: Callable[[], T]) -> T:
        """The same for a resource, which every token may read. ResourceError."""
        try:
            return await self._run(work, PATIENCE_S)
        except NotFound as error:
            raise ResourceNotFoundError(str(error)) from error
        except PerStreamError as error:
            raise ResourceError(str(error)) from error
        except TimeoutError as error:
            raise ResourceError(f"there was no answer within {PATIENCE_S:.0f} s; try again") from error

    def fitting(self, text: str, what: str) -> str:
        """The text. ToolError when it is too long."""
        if len(text) > self._longest:
            raise ToolError(f"{what} has {len(text):,} characters; at most {self._longest:,} are taken")
        return text

    async def _run(self, work: Callable[[], T], patience_s: float) -> T:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(THREADS)
        with anyio.fail_after(patience_s):
            return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._limiter)


def scope_of(ctx: Context[Any, Any]) -> Scope:
    """What the caller may do: over HTTP what the doorkeeper found, over standard input everything."""
    request = ctx.request_context.request
    return Scope.ADMIN if request is None else granted(request.scope)
