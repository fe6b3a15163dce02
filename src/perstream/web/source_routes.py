"""Routes to what is being watched: add, list, pause, resume, remove, wait for the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response

from perstream.errors import NotFound, SourceError
from perstream.jsonlines import Json, event_to_json, plain
from perstream.web.bodies import MAX_ID, Watch
from perstream.web.files import Files
from perstream.web.house import House
from perstream.web.replies import JsonReply
from perstream.web.scopes import Scope, granted

URL_SCHEMES = frozenset({"rtsp", "rtsps", "http", "https"})
LONGEST_WAIT_S = 10.0
LIVE_WAIT_S = 0.5


def checked_uri(uri: str, path_of: Callable[[str], Path]) -> str:
    """``uri`` when it is a camera, a stream or what ``path_of`` finds a good path. SourceError.

    Asked over HTTP nothing else reaches the decoder: its library knows many more protocols.
    """
    if any(ord(letter) < 32 for letter in uri):
        raise SourceError("a source must not hold control characters")
    if "://" in uri:
        try:
            parts = urlsplit(uri)
            known = parts.scheme.lower() in URL_SCHEMES and bool(parts.hostname)
        except ValueError:  # brackets that do not close
            known = False
        if not known:
            raise SourceError(
                f"a stream's address begins with one of {', '.join(sorted(URL_SCHEMES))}, and names a host"
            )
        return uri
    if uri.startswith("webcam:"):
        if not uri[len("webcam:") :].isdecimal():
            raise SourceError("a webcam is webcam:0, webcam:1 and so on")
        return uri
    return str(path_of(uri))


def source_routes(house: House, files: Files) -> APIRouter:
    """/v1/sources…; a name may hold slashes."""
    router = APIRouter(prefix="/v1/sources", tags=["sources"])

    def one(name: str) -> Json:
        status = next((source for source in house.sources() if source.name == name), None)
        if status is None:
            raise NotFound(f"no source is called {name}")
        return dict(plain(status))

    @router.get("")
    def sources() -> Json:
        """All sources and how they are doing."""
        return {"sources": [plain(source) for source in house.sources()]}

    @router.post("", status_code=201)
    def watch(body: Watch, request: Request) -> Json:
        """Watch a file, a folder, webcam:N or an rtsp/http stream.

        With a token below admin: files of ``source.folders`` only, and no stream of the daemon's own machine.
        """
        name = house.watch(
            checked_uri(body.uri, lambda path: files.named(path, request.scope)),
            start_time=body.start_time,
            realtime=body.realtime,
            name=body.name,
            masks=tuple(body.masks),
            trusted=granted(request.scope) >= Scope.ADMIN,
        )
        return {"name": name}

    @router.post("/{name:path}/pause")
    def pause(name: str) -> Json:
        """Perceive nothing of it until it is resumed."""
        house.pause(name)
        return one(name)

    @router.post("/{name:path}/resume")
    def resume(name: str) -> Json:
        """Go on."""
        house.resume(name)
        return one(name)

    @router.get("/{name:path}/view", response_model=None)
    def view(name: str) -> Response:
        """Its latest keyframe, a JPEG; 204 before the first."""
        picture = house.view(name)
        return Response(status_code=204) if picture is None else Response(picture, media_type="image/jpeg")

    @router.get("/{name:path}/live", response_model=None)
    def live(name: str, after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0) -> Response:
        """Its newest frame other than ``after``, a small JPEG whose number is in X-Picture; 204 when none comes."""
        seen = house.live(name, after, LIVE_WAIT_S)
        if seen is None:
            return Response(status_code=204)
        return Response(seen[1], media_type="image/jpeg", headers={"X-Picture": str(seen[0])})

    @router.get("/{name:path}/done", response_model=None)
    def done(name: str, timeout: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)] = 0.0) -> Response:
        """Its ``done`` event once everything perceived is remembered; 204 when it still runs."""
        event = house.wait(name, timeout)
        return Response(status_code=204) if event is None else JsonReply(event_to_json(event))

    @router.get("/{name:path}")
    def source(name: str) -> Json:
        """How one is doing."""
        return one(name)

    @router.delete("/{name:path}", status_code=204)
    def remove(name: str) -> None:
        """Stop watching it; its memories stay."""
        house.remove(name)

    return router
