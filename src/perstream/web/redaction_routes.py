"""The route to the account of what was left out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from perstream.jsonlines import Json, plain
from perstream.web.house import House


def redaction_routes(house: House) -> APIRouter:
    """/v1/privacy/log."""
    router = APIRouter(prefix="/v1/privacy", tags=["privacy"])

    @router.get("/log")
    def log(limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> Json:
        """What kind of secret was left out before it was stored, newest first; never what it was."""
        return {"redactions": [plain(one) for one in house.redactions(limit)]}

    return router
