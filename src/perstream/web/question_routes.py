"""Routes that speak with the assistant: ask, remember, events, status."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from perstream.config import ServerConfig
from perstream.jsonlines import Json, memory_to_json, plain, reply_to_json
from perstream.types import Reply
from perstream.web.bodies import Ask, Remember
from perstream.web.house import House
from perstream.web.problems import TooLarge
from perstream.web.replies import JsonReply
from perstream.web.streams import Streams


def question_routes(house: House, config: ServerConfig, streams: Streams) -> APIRouter:
    """/v1/ask, /v1/remember, /v1/events, /v1/status."""
    router = APIRouter(prefix="/v1", tags=["assistant"])
    longest = config.max_question_chars

    def fitting(text: str, what: str) -> str:
        if len(text) > longest:
            raise TooLarge(f"{what} has {len(text):,} characters; at most {longest:,} are taken")
        return text

    @router.post("/ask", response_model=None)
    def ask(body: Ask) -> Response:
        """Answer a question from memory, with the evidence it rests on."""
        question = fitting(body.question, "the question")
        if body.stream:

            def answer(say: Callable[[str], None], gone: Callable[[], bool]) -> Reply:
                return house.ask(question, now=body.now, say=say, cancelled=gone)

            return streams.answer(answer)
        return JsonReply(reply_to_json(house.ask(question, now=body.now)))

    @router.post("/remember", status_code=201)
    def remember(body: Remember) -> Json:
        """Remember a sentence; it is on disk when this answers."""
        record = house.tell(fitting(body.text, "the text"), at=body.at)
        return memory_to_json(record, house.entities_of(record.id))

    @router.get("/events", response_model=None)
    async def events(request: Request) -> Response:
        """Everything that happens from now on, as server-sent events; ``event`` names its kind."""
        return streams.events(request, house.subscribe)

    @router.get("/status")
    def status() -> Json:
        """How the house is doing."""
        return dict(plain(house.status()))

    return router
