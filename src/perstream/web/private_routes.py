"""Routes of privacy: pause everything, what leaves this machine, what is given up with age."""

from __future__ import annotations

from fastapi import APIRouter

from perstream.jsonlines import Json, plain
from perstream.web.bodies import Retain
from perstream.web.house import House


def private_routes(house: House) -> APIRouter:
    """/v1/pause, /v1/resume, /v1/network, /v1/retention."""
    router = APIRouter(prefix="/v1", tags=["privacy"])

    @router.get("/pause")
    def is_paused() -> Json:
        """Whether everything is paused, sources to come included."""
        return {"paused": house.paused}

    @router.post("/pause")
    def pause() -> Json:
        """Perceive nothing, of any source now or to come, until it is resumed; a restart does not end it."""
        house.pause()
        return {"paused": house.paused}

    @router.post("/resume")
    def resume() -> Json:
        """Go on with all sources."""
        house.resume()
        return {"paused": house.paused}

    @router.get("/network")
    def network() -> Json:
        """What may leave this machine as it is set up, and what did since the start, by kind."""
        return dict(plain(house.network()))

    @router.get("/retention")
    def ages() -> Json:
        """What the retention rules would remove now."""
        return dict(plain(house.retention(True)))

    @router.post("/retention")
    def retain(body: Retain) -> Json:
        """Remove it now: whoever asks vouches for the daemon's clock."""
        return dict(plain(house.retention(body.dry_run)))

    return router
