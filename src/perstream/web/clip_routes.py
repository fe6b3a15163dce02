"""The place in a recording that a memory comes from, played in the page.

A video element can send no token, so a ticket that nobody can guess stands in its address: for one file, for a while.
"""

from __future__ import annotations

import mimetypes
import secrets
import threading
import time
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from starlette.responses import FileResponse

from perstream.errors import NotFound
from perstream.jsonlines import Json
from perstream.web.bodies import MAX_ID
from perstream.web.house import House

TICKET_S = 900.0
MOST_TICKETS = 32
CLIPS = "/clip/"
"""Open to who holds a ticket."""


class Tickets:
    """Which file a ticket opens; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[str, tuple[Path, float]] = {}

    def give(self, file: Path) -> str:
        """A new one; the oldest goes when there are too many."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._given[ticket] = (file, time.monotonic() + TICKET_S)
            while len(self._given) > MOST_TICKETS:
                del self._given[next(iter(self._given))]
        return ticket

    def file(self, ticket: str) -> Path:
        """What it opens. NotFound when it is unknown or too old."""
        with self._lock:
            file, until = self._given.get(ticket, (Path(), 0.0))
        if time.monotonic() > until:
            raise NotFound("this ticket is not good any more; open the moment again")
        return file


def clip_routes(house: House) -> APIRouter:
    """/v1/memories/{id}/clip and /clip/{ticket}."""
    router = APIRouter(tags=["memory"])
    tickets = Tickets()

    @router.post("/v1/memories/{memory_id}/clip")
    def clip(memory_id: Annotated[int, InPath(ge=1, le=MAX_ID)]) -> Json:
        """Where it can be played: ``url`` (null when it cannot), and in any case ``path`` and the seconds.

        Only of recordings that this daemon was told to watch; ``path`` is null for anything else.
        """
        record = house.memory(memory_id)
        file = house.recording(memory_id)
        kind = mimetypes.guess_type(file.name)[0] if file is not None else None
        playable = file is not None and kind is not None and kind.startswith("video/")
        return {
            "url": CLIPS + tickets.give(file) if playable and file is not None else None,
            "path": str(file) if file is not None else None,
            "start_s": record.start_s,
            "end_s": record.end_s,
        }

    @router.get(CLIPS + "{ticket}", include_in_schema=False, response_model=None)
    def play(ticket: Annotated[str, InPath(max_length=100)]) -> FileResponse:
        """The recording; ranges of it, as players ask for them."""
        file = tickets.file(ticket)
        if not file.is_file():
            raise NotFound("the recording is not there any more")
        return FileResponse(file, headers={"Content-Security-Policy": "default-src 'none'"})

    return router
