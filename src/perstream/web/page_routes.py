"""The page: files as they lie in the package. They hold no data, so they need no token."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from perstream.web.headers import PAGE_PERMISSIONS, PAGE_POLICY

FOLDER = Path(__file__).parent / "page"
HEADERS = {"Content-Security-Policy": PAGE_POLICY, "Permissions-Policy": PAGE_PERMISSIONS, "Cache-Control": "no-cache"}


def page_routes() -> APIRouter:
    """``/``; :func:`mount_files` adds what it needs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_model=None)
    def index() -> Response:
        """The page."""
        return FileResponse(FOLDER / "index.html", headers=HEADERS)

    return router


def mount_files(api: FastAPI) -> None:
    """``/page/…``: style, scripts, pictures."""
    api.mount("/page", StaticFiles(directory=FOLDER))
