"""Routes to LoRA adapters: list, load, switch, let go, while the daemon runs."""

from __future__ import annotations

from fastapi import APIRouter

from perstream.jsonlines import Json
from perstream.protocols import Adapters
from perstream.web.bodies import LoadAdapter, UseAdapter
from perstream.web.house import House


def adapter_routes(house: House) -> APIRouter:
    """/v1/adapters…; 404 where the brain in use takes none."""
    router = APIRouter(prefix="/v1/adapters", tags=["adapters"])

    def told(adapters: Adapters) -> Json:
        return {"adapters": list(adapters.names), "active": adapters.active}

    @router.get("")
    def listed() -> Json:
        """Those loaded, and the one in use (null is the model as it came)."""
        return told(house.adapters())

    @router.post("", status_code=201)
    def load(body: LoadAdapter) -> Json:
        """Load one; it is not in use yet. ``path`` is a folder on the machine of the model, or what its server takes."""
        adapters = house.adapters()
        adapters.load(body.name, body.path)
        return told(adapters)

    @router.put("/active")
    def use(body: UseAdapter) -> Json:
        """Answer with this one from the next word on; null goes back to the model as it came."""
        adapters = house.adapters()
        adapters.use(body.name)
        return told(adapters)

    @router.delete("/{name}")
    def unload(name: str) -> Json:
        """Let one go."""
        adapters = house.adapters()
        adapters.unload(name)
        return told(adapters)

    return router
