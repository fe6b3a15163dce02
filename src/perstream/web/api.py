"""The HTTP API of the daemon: create_api(house) -> FastAPI, guarded.

Everything lies under /v1 and needs the token, as /metrics does; /healthz and /readyz say without it that the daemon
lives and whether it can answer. The
JSON shapes are those of :mod:`perstream.jsonlines`; errors are problems (see problems.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Route

from perstream.config import ServerConfig
from perstream.jsonlines import Json
from perstream.version import __version__
from perstream.web import problems
from perstream.web.adapter_routes import adapter_routes
from perstream.web.address import store_id
from perstream.web.alert_routes import alert_routes
from perstream.web.chat_errors import OpenAiErrors
from perstream.web.chat_routes import chat_routes
from perstream.web.clip_routes import clip_routes
from perstream.web.files import Files
from perstream.web.guard import Asgi, Guard
from perstream.web.house import House
from perstream.web.import_routes import import_routes
from perstream.web.keys import Keys
from perstream.web.limits import Limits
from perstream.web.mcp_door import McpDoor
from perstream.web.memory_routes import memory_routes
from perstream.web.metrics_routes import metrics_routes
from perstream.web.openapi import describe
from perstream.web.page_routes import mount_files, page_routes
from perstream.web.pair_routes import pair_routes
from perstream.web.pairing import Pairing
from perstream.web.private_routes import private_routes
from perstream.web.proactive_routes import proactive_routes
from perstream.web.push_routes import push_routes
from perstream.web.question_routes import question_routes
from perstream.web.redaction_routes import redaction_routes
from perstream.web.replies import JsonReply
from perstream.web.source_routes import source_routes
from perstream.web.streams import Streams


def create_api(
    house: House,
    config: ServerConfig,
    store: Path,
    streams: Streams | None = None,
    pairing: Pairing | None = None,
    folders: Sequence[str] = (),
) -> FastAPI:
    """The API without its guard; :func:`guarded` puts that in front. With ``pairing`` devices can be paired.

    ``folders``: where files may lie that others than the owner name.
    """
    api = FastAPI(
        title="PerStream",
        version=__version__,
        description="The memory of one person, on their own machine.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        default_response_class=JsonReply,
    )
    problems.install(api)
    files = Files(store, tuple(folders))
    streams = streams or Streams()
    api.include_router(question_routes(house, config, streams))
    api.include_router(memory_routes(house, files))
    api.include_router(chat_routes(house, config))
    api.include_router(import_routes(house))
    api.include_router(clip_routes(house))
    api.include_router(push_routes(house))
    api.include_router(source_routes(house, files))
    api.include_router(adapter_routes(house))
    api.include_router(alert_routes(house))
    api.include_router(proactive_routes(house))
    api.include_router(metrics_routes(house))
    api.include_router(private_routes(house))
    api.include_router(redaction_routes(house))
    if pairing is not None:
        api.include_router(pair_routes(pairing))
    door = McpDoor(house, config)
    streams.also(door.close)
    api.router.routes.append(Route("/mcp", door))
    api.include_router(page_routes())
    mount_files(api)
    this_store = store_id(store)

    @api.get("/healthz", tags=["daemon"])
    async def healthz() -> Json:
        """Alive, which version, and (as a digest) of which store."""
        return {"ok": True, "version": __version__, "store_id": this_store}

    describe(api)
    return api


def guarded(api: FastAPI, config: ServerConfig, keys: Keys, limits: Limits, lan_names: Sequence[str] = ()) -> Asgi:
    """The API behind its doorkeeper; with ``lan_names`` the one of the LAN's door, where devices are paired."""
    here = () if config.host in ("0.0.0.0", "::") else (config.host,)
    names = (*(lan_names or here), *config.names)
    guard = Guard(api, keys, config.max_body_kb * 1024, limits, names, network=bool(lan_names))
    return OpenAiErrors(guard)
