"""The memory as a model of OpenAI's API: POST /v1/chat/completions and GET /v1/models.

What speaks to such a server (the openai package, LangChain, Open WebUI, …) can ask the memory: the last
message of the user is the question. System messages are accepted and obeyed by nobody: what may be said
about memories is not theirs to change.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from perstream.assistant.followup import whole
from perstream.config import ServerConfig
from perstream.errors import Interrupted, PerStreamError
from perstream.jsonlines import Json
from perstream.types import Reply
from perstream.web.chat_answers import Completion, error_json, like_the_picture, models_json
from perstream.web.chat_bodies import MODEL, Chat, ChatRefused, Question, question_of, said
from perstream.web.house import House
from perstream.web.problems import status_of
from perstream.web.replies import JsonReply, dump
from perstream.web.streams import heard

T = TypeVar("T")
LOOK_S = 0.2
"""How often it is looked whether the client still waits for the first piece."""
LIKENESSES = 5


def chat_routes(house: House, config: ServerConfig) -> APIRouter:
    """/v1/chat/completions, /v1/models."""
    router = APIRouter(prefix="/v1", tags=["openai"])
    began = int(time.time())

    @router.post("/chat/completions", response_model=None)
    async def chat_completions(body: Chat, request: Request) -> Response:
        """Answer the last message of the user from memory, in OpenAI's shapes; the evidence is in ``perstream``."""
        try:
            question = question_of(body, config.max_question_chars)
        except ChatRefused as error:
            return JsonReply(error_json(error.status, str(error), error.param, error.code), error.status)
        ask = _asking(house, question)
        wanted = bool(body.stream_options and body.stream_options.include_usage)
        completion = Completion(said(body), usage_wanted=wanted)
        if not body.stream:
            return JsonReply(completion.whole(await _while_wanted(_answered(ask), request)))
        stream = _chunks(ask, completion)
        # Until there is a first piece an error is still a status of its own.
        first = await _while_wanted(_next(stream), request)
        return StreamingResponse(
            _rest(first, stream), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    @router.get("/models")
    async def models() -> Json:
        """The one model: this memory."""
        return {"object": "list", "data": [models_json(began)]}

    @router.get("/models/{model}", response_model=None)
    async def model(model: str) -> Response:
        """About that model."""
        if model != MODEL:
            message = f"the model {model[:80]!r} does not exist; the one here is {MODEL!r}"
            return JsonReply(error_json(404, message, "model", "model_not_found"), 404)
        return JsonReply(models_json(began))

    return router


Ask = Callable[[Callable[[str], None], Callable[[], bool]], Reply]


def _asking(house: House, question: Question) -> Ask:
    if question.picture is None:
        text = whole(question.text, question.earlier)
        return lambda say, gone: house.ask(text, say=say, cancelled=gone)

    def look(_say: Callable[[str], None], _gone: Callable[[], bool]) -> Reply:
        started = time.perf_counter()
        hits = house.recall(question.text, image=question.picture, k=LIKENESSES)
        return like_the_picture(question.text, hits, (time.perf_counter() - started) * 1e3)

    return look


async def _while_wanted(work: Coroutine[Any, Any, T], request: Request) -> T:
    """What ``work`` gives. Interrupted, and the work is cancelled, when the client goes away before."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_S)
            if not task.done() and await request.is_disconnected():
                raise Interrupted("the client went away")
        return task.result()
    finally:
        task.cancel()


async def _answered(ask: Ask) -> Reply:
    async with aclosing(heard(ask)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Reply):
                return piece
    raise Interrupted("there was no answer")


async def _chunks(ask: Ask, completion: Completion) -> AsyncGenerator[str, None]:
    """Events of the stream; an error before the first is raised, a later one is an event."""
    spoken = False
    try:
        async with aclosing(heard(ask)) as pieces:
            async for piece in pieces:
                if not spoken:
                    spoken = True
                    yield _event(completion.first())
                    if isinstance(piece, Reply):
                        yield _event(completion.piece(piece.answer))
                for chunk in completion.last(piece) if isinstance(piece, Reply) else [completion.piece(piece)]:
                    yield _event(chunk)
    except PerStreamError as error:
        if not spoken:
            raise
        yield _event(error_json(status_of(error), str(error)))
        return
    yield "data: [DONE]\n\n"


async def _next(stream: AsyncGenerator[str, None]) -> str:
    return await anext(stream)


async def _rest(first: str, stream: AsyncGenerator[str, None]) -> AsyncIterator[str]:
    async with aclosing(stream):
        yield first
        async for event in stream:
            yield event


def _event(content: Json) -> str:
    return f"data: {dump(content)}\n\n"
