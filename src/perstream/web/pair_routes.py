"""Routes of pairing; the guard lets strangers in at the first one and only a token of scope admin at the second."""

from __future__ import annotations

from fastapi import APIRouter

from perstream.jsonlines import Json, plain
from perstream.web.bodies import Pair
from perstream.web.pairing import Pairing


def pair_routes(pairing: Pairing) -> APIRouter:
    """/v1/pair; there only while the daemon serves the LAN."""
    router = APIRouter(prefix="/v1/pair", tags=["pairing"])

    @router.post("", status_code=201)
    def pair(body: Pair) -> Json:
        """A token of this device alone, for a code. 403 when the code is not good, 429 after too many of those."""
        device, token = pairing.redeem(body.code, body.name)
        return {"name": device.name, "token": token}

    @router.post("/code", status_code=201)
    def invite() -> Json:
        """A new code, in the address that a device opens."""
        invitation: Json = plain(pairing.invite())
        return invitation

    return router
