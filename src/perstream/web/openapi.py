"""The description of the API (OpenAPI 3.1): what FastAPI knows, with scopes, problems and kinds of answers.

``docs/openapi.json`` is made of it; the daemon gives it at /v1/openapi.json.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from fastapi import FastAPI

from perstream.web.scopes import PAIR, needed, open_to_all

Spec = dict[str, Any]
JSON, EVENTS, JPEG, TEXT = "application/json", "text/event-stream", "image/jpeg", "text/plain"
BINARY: Spec = {"schema": {"type": "string", "format": "binary"}}
ANSWERS: dict[str, dict[str, tuple[str, ...]]] = {
    "POST /v1/ask": {"200": (JSON, EVENTS)},
    "POST /v1/chat/completions": {"200": (JSON, EVENTS)},
    "GET /v1/events": {"200": (EVENTS,)},
    "GET /v1/memories/{memory_id}/thumbnail": {"200": (JPEG,)},
    "GET /v1/sources/{name}/view": {"200": (JPEG,), "204": ()},
    "GET /v1/sources/{name}/live": {"200": (JPEG,), "204": ()},
    "GET /v1/sources/{name}/done": {"200": (JSON,), "204": ()},
    "GET /metrics": {"200": (TEXT, "application/openmetrics-text")},
    "GET /readyz": {"200": (JSON,), "503": (JSON,)},
}
"""Answers that are more, or something else, than one JSON object."""
OPENAI_SHAPED = ("/v1/chat/completions", "/v1/models")
"""Their errors are those that OpenAI's clients understand."""
COMMON = ("400", "404", "409", "422", "503")
WITH_BODY = ("408", "413")
ERRORS = {
    "400": "What was asked cannot be done so.",
    "401": "No token, or one that is not good.",
    "403": "The token's scope does not cover this, or a code is not good.",
    "404": "There is no such thing.",
    "408": "The body did not arrive.",
    "409": "Another process writes to the store.",
    "413": "The body or a text in it is too large.",
    "422": "The request does not fit, or names what cannot be used.",
    "429": "Too much at once; Retry-After says when to come back.",
    "503": "Too much in hand, or a part is missing; Retry-After says when to come back where that is known.",
    "default": "Any other error.",
}
PROBLEM: Spec = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:perstream:KIND"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One line that says what to do."},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "Places of a body that does not fit."},
    },
}

PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}


def describe(api: FastAPI) -> None:
    """From now on this is its description."""
    plain = api.openapi

    def described() -> Spec:
        if not hasattr(api.state, "described"):
            api.state.described = complete(plain())
        found: Spec = api.state.described
        return found

    api.openapi = described  # type: ignore[method-assign]


def complete(spec: Spec) -> Spec:
    """A copy of FastAPI's own description with everything that it does not know."""
    spec = deepcopy(spec)
    parts = spec.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    parts["responses"] = {
        f"{kind}{status}": {"description": description, "content": content}
        for kind, content in (
            ("Problem", {"application/problem+json": {"schema": PROBLEM_REF}}),
            ("OpenAiError", {JSON: {"schema": {"type": "object"}}}),
        )
        for status, description in ERRORS.items()
    }
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    _each(spec, _operation)
    return spec


def _each(spec: Spec, do: Callable[[str, str, Spec], None]) -> None:
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            do(method.upper(), path, operation)


def _operation(method: str, path: str, operation: Spec) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    for status, kinds in ANSWERS.get(f"{method} {path}", {}).items():
        known = answers.setdefault(status, {"description": "Successful Response"})
        schema = known.get("content", {}).get(JSON, {"schema": {}})
        known["content"] = {kind: schema if kind == JSON else BINARY if kind == JPEG else {} for kind in kinds}
        if not kinds:
            known["description"] = "There is none yet."
            del known["content"]
    free = open_to_all(method, path, pairing=True)
    operation["x-scope"] = "none" if free else needed(method, path).name.lower()
    operation["security"] = [] if free else [{"token": []}]
    if path == "/v1/recall/picture":
        operation["requestBody"] = {"required": True, "content": {JPEG: BINARY}}
    errors: set[str] = set() if free else {"401", "403", "429", *COMMON}
    if "requestBody" in operation:
        errors |= {"422", *WITH_BODY}
    if path == PAIR:
        errors |= {"403", "429"}
    kind = "OpenAiError" if path.startswith(OPENAI_SHAPED) else "Problem"
    for status in sorted({*errors, "default"}):
        answers.setdefault(status, {"$ref": f"#/components/responses/{kind}{status}"})
