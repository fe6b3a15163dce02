"""Routes to LoRA adapters: list, load, switch, let go, while the daemon runs."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from perstream.errors import BackendUnavailable
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
        """Load one from a folder of the daemon's machine; it is not in use yet."""
        adapters = house.adapters()
        path = Path(body.path).expanduser()
        if not path.is_absolute():
            raise BackendUnavailable("give the adapter's folder as an absolute path on the daemon's machine")
        adapters.load(body.name, str(path))
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
