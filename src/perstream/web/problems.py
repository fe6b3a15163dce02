"""Errors as application/problem+json (RFC 9457): a status that fits, one line of detail, no trace.

Members: ``type`` (urn:perstream:<kind>), ``title``, ``status``, ``detail``; for a body that does not
fit also ``errors``, a list of {"where", "what"}.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from perstream.daemon.worker import Closing
from perstream.errors import (
    BackendError,
    BackendUnavailable,
    ConfigError,
    NotFound,
    PerStreamError,
    SourceError,
    StoreBusy,
    StoreError,
)
from perstream.web.pairing import TooManyTries, WrongCode

MAX_ERRORS = 10
"""Places named of a body that does not fit."""
STATUS: tuple[tuple[type[PerStreamError], int], ...] = (
    (Closing, 503),
    (NotFound, 404),
    (StoreBusy, 409),
    (ConfigError, 400),
    (SourceError, 422),
    (BackendUnavailable, 503),
    (BackendError, 502),
    (StoreError, 503),
    (WrongCode, 403),
    (TooManyTries, 429),
)
"""The first class that fits decides."""


class TooLarge(PerStreamError):
    """A text is longer than the daemon takes."""


def status_of(error: PerStreamError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, TooLarge):
        return 413
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem(status: int, kind: str, detail: str, **more: Any) -> bytes:
    """The body of a problem."""
    title = kind if kind[:1].isupper() else kind.replace("-", " ")
    members = {"type": f"urn:perstream:{kind}", "title": title, "status": status, "detail": detail, **more}
    return json.dumps(members, ensure_ascii=True).encode("ascii")


def problem_of(error: PerStreamError) -> tuple[int, bytes]:
    """Status and body for an error of the tree."""
    status = status_of(error)
    return status, problem(status, type(error).__name__, str(error))


def install(api: FastAPI) -> None:
    """Answer every error as a problem."""
    api.add_exception_handler(PerStreamError, _of_tree)
    api.add_exception_handler(RequestValidationError, _of_body)
    api.add_exception_handler(HTTPException, _of_http)
    api.add_exception_handler(Exception, _unexpected)


def _response(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers=headers, media_type="application/problem+json")


def _of_tree(_: Request, error: Exception) -> Response:
    if not isinstance(error, PerStreamError):
        raise error
    return _response(*problem_of(error))


def _of_body(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # What was sent is not repeated: it may be large, and it may be private.
    errors = [
        {"where": ".".join(str(part)[:40] for part in one["loc"])[:200], "what": str(one["msg"])[:200]}
        for one in error.errors()[:MAX_ERRORS]
    ]
    detail = f"{errors[0]['where']}: {errors[0]['what']}" if errors else "the request does not fit"
    return _response(422, problem(422, "invalid-request", detail, errors=errors))


def _of_http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kind = {404: "no-such-path", 405: "method-not-allowed"}.get(error.status_code, "bad-request")
    return _response(error.status_code, problem(error.status_code, kind, str(error.detail)), dict(error.headers or {}))


def _unexpected(_: Request, __: Exception) -> Response:
    return _response(500, problem(500, "internal-error", "this should not happen; the daemon's log says more"))
