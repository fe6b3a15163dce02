"""The page: files as they lie in the package. They hold no data, so they need no token."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, no inline script: text read from the world can do nothing but stand there."""
HEADERS = {"Content-Security-Policy": POLICY, "X-Frame-Options": "DENY", "Permissions-Policy": "geolocation=()"}


def page_routes() -> APIRouter:
    """``/``; :func:`mount_files` adds what it needs."""
    router = APIRouter(include_in_schema=False)

    @router.get("/", response_model=None)
    def index() -> Response:
        """The page."""
        return FileResponse(FOLDER / "index.html", headers={**HEADERS, "Cache-Control": "no-cache"})

    return router


def mount_files(api: FastAPI) -> None:
    """``/page/…``: style, scripts, pictures."""
    api.mount("/page", StaticFiles(directory=FOLDER))
