"""Routes to what is remembered: list, look at, search, forget, pin, graph."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath

from perstream.errors import ConfigError, NotFound, SourceError
from perstream.jsonlines import Json, hit_to_json, memory_to_json, plain
from perstream.types import Provenance
from perstream.web.bodies import MAX_ID, Correct, Forget, Moment, Pin, Recall
from perstream.web.files import Files
from perstream.web.house import House
from perstream.web.replies import JsonReply, graph_to_json

Id = Annotated[int, InPath(ge=1, le=MAX_ID)]


def memory_routes(house: House, files: Files) -> APIRouter:
    """/v1/memories…, /v1/recall, /v1/forget, /v1/graph."""
    router = APIRouter(prefix="/v1", tags=["memory"])

    @router.get("/memories")
    def memories(
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
        since: Moment | None = None,
        until: Moment | None = None,
        source: Annotated[str | None, Query(max_length=500)] = None,
        category: Annotated[str | None, Query(max_length=100)] = None,
        provenance: Provenance | None = None,
    ) -> Json:
        """Newest first, a page at a time: pass ``next_before_id`` as ``before_id`` for the next."""
        records = house.memories(
            limit=limit,
            before_id=before_id,
            since=since,
            until=until,
            source=source,
            category=category,
            provenance=provenance,
        )
        return {
            "memories": [memory_to_json(record, house.entities_of(record.id)) for record in records],
            "next_before_id": records[-1].id if len(records) == limit else None,
        }

    @router.get("/memories/{memory_id}")
    def memory(memory_id: Id) -> Json:
        """One memory."""
        return memory_to_json(house.memory(memory_id), house.entities_of(memory_id))

    @router.get("/memories/{memory_id}/thumbnail", response_model=None)
    def thumbnail(memory_id: Id) -> Response:
        """Its picture, a JPEG."""
        picture = house.thumbnail(memory_id)
        if picture is None:
            raise NotFound(f"memory {memory_id} has no picture")
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})

    @router.post("/memories/{memory_id}/pin")
    def pin(memory_id: Id, body: Pin) -> Json:
        """Exempt it from reduction, or lift that."""
        house.pin(memory_id, body.pinned)
        return memory_to_json(house.memory(memory_id), house.entities_of(memory_id))

    @router.post("/memories/{memory_id}/correct")
    def correct(memory_id: Id, body: Correct) -> Json:
        """Put the owner's words in the place of its text; what it was about is found anew."""
        record = house.correct(memory_id, body.text)
        return memory_to_json(record, house.entities_of(memory_id))

    @router.get("/gaps")
    def gaps(since: Moment | None = None, until: Moment | None = None) -> Json:
        """Stretches of the timeline without pictures, and why."""
        return {"gaps": [plain(gap) for gap in house.gaps(since, until)]}

    @router.post("/recall")
    def recall(body: Recall, request: Request) -> Json:
        """Search by words, by picture, or both; best first, each hit with why it is there."""
        if not body.text.strip() and body.image is None:
            raise ConfigError("recall wants text to search for, or an image")
        image = files.named(body.image, request.scope) if body.image is not None else None
        if image is not None and not image.is_file():
            raise SourceError("an image is a file, not a folder")
        hits = house.recall(
            body.text,
            image=image,
            since=body.since,
            until=body.until,
            k=body.k,
            now=body.now,
            as_of=body.as_of,
            history=body.history,
        )
        return {"hits": [hit_to_json(hit) for hit in hits]}

    @router.post("/recall/picture")
    async def recall_picture(
        request: Request,
        text: Annotated[str, Query(max_length=4000)] = "",
        k: Annotated[int, Query(ge=1, le=100)] = 20,
        since: Moment | None = None,
        until: Moment | None = None,
        as_of: Moment | None = None,
        history: bool = False,
    ) -> Json:
        """Search by the JPEG that is the body, and by words where there are any."""
        picture = await request.body()
        search = partial(house.recall, text, image=picture, k=k, since=since, until=until, as_of=as_of, history=history)
        hits = await asyncio.to_thread(search)
        return {"hits": [hit_to_json(hit) for hit in hits]}

    @router.post("/forget")
    @router.delete("/forget")
    def forget(body: Forget) -> Json:
        """Remove memories and everything derived from them; with ``dry_run`` only say what would go."""
        selector = body.selector.selector()
        if selector == type(selector)():
            raise ConfigError("forget wants at least one of ids, text, entity, source, since, until")
        return dict(plain(house.forget(selector, body.dry_run)))

    @router.get("/graph/around")
    def around(
        node: Annotated[str, Query(max_length=200)] = "",
        since: Moment | None = None,
        until: Moment | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 30,
        offset: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    ) -> Json:
        """A node (``category:travel``, ``memory:7``, ``entity:3``; none is the root) and a page of its neighbours."""
        return dict(plain(house.around(node, since=since, until=until, limit=limit, offset=offset)))

    @router.get("/graph", response_model=None)
    def graph() -> Response:
        """Categories, memories, entities and their edges."""
        return JsonReply(graph_to_json(house.graph()))

    return router
