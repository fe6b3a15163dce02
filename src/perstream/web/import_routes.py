"""POST /v1/import: facts that the caller read in a file of another program. The daemon itself opens no file for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from perstream.imports.item import MAX_TEXT, Imported
from perstream.jsonlines import Json, plain
from perstream.web.bodies import Moment, Text
from perstream.web.house import House

MOST = 64
"""Things taken at once: so many are remembered in about a second, and questions go between."""


class Thing(BaseModel):
    """One thing; see :class:`perstream.imports.item.Imported`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    origin: Annotated[Text, Field(max_length=400)]
    key: Annotated[Text, Field(max_length=400)]
    text: Annotated[Text, Field(max_length=MAX_TEXT)]
    at: Moment | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    remind_at: Moment | None = None
    revises: StrictBool = True
    ended: StrictBool = False


class Things(BaseModel):
    """What a file told."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    items: Annotated[tuple[Thing, ...], Field(min_length=1, max_length=MOST)]


def import_routes(house: House) -> APIRouter:
    """/v1/import."""
    router = APIRouter(prefix="/v1", tags=["memory"])

    @router.post("/import")
    def import_(body: Things) -> Json:
        """Remember facts told by a file. One that was imported before is not doubled; where it changed, its memory is."""
        items = [Imported(**thing.model_dump()) for thing in body.items]
        return {"taken": [plain(one) for one in house.import_all(items)]}

    return router
