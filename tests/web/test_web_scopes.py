"""Which scope each route needs, stated here once more: a new route without a decision fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from perstream.config import ServerConfig
from perstream.errors import ConfigError
from perstream.web.api import create_api
from perstream.web.house import House
from perstream.web.pairing import Pairing
from perstream.web.scopes import KEY, Scope, granted, needed, open_to_all, scope_named
from perstream.web.socket_door import SOCKETS

EXPECTED = {
    "none": """
        GET / · GET /healthz · GET /readyz · GET /clip/{ticket} · POST /v1/pair · MOUNT /page
    """,
    "read": """
        GET /v1/openapi.json · GET /v1/events · GET /v1/status · GET /v1/memories · GET /v1/memories/{memory_id}
        GET /v1/memories/{memory_id}/thumbnail · POST /v1/memories/{memory_id}/clip · GET /v1/gaps
        GET /v1/graph · GET /v1/graph/around · GET /v1/sources · GET /v1/sources/{name} · GET /v1/sources/{name}/view
        GET /v1/sources/{name}/live · GET /v1/sources/{name}/done · GET /v1/adapters · GET /v1/alerts · GET /metrics
        GET /v1/proactive · GET /v1/proactive/dnd · GET /v1/proactive/weights · GET /v1/models · GET /v1/models/{model}
        GET /v1/pause · GET /v1/network · GET /v1/retention · GET /v1/privacy/log · ANY /mcp
    """,
    "ask": "POST /v1/ask · POST /v1/recall · POST /v1/recall/picture · POST /v1/chat/completions",
    "write": """
        POST /v1/remember · POST /v1/import · POST /v1/memories/{memory_id}/pin · POST /v1/memories/{memory_id}/correct
        POST /v1/forget · DELETE /v1/forget · POST /v1/sources · DELETE /v1/sources/{name}
        POST /v1/sources/{name}/pause · POST /v1/sources/{name}/resume · SOCKET /v1/sources/{name}/push
        POST /v1/proactive/snooze · PUT /v1/proactive/dnd · DELETE /v1/proactive/weights
        POST /v1/proactive/{word_id}/feedback · POST /v1/pause · POST /v1/resume · POST /v1/retention
    """,
    "admin": """
        POST /v1/adapters · PUT /v1/adapters/active · DELETE /v1/adapters/{name} · POST /v1/pair/code
    """,
}
"""/mcp: each of its tools asks for its own; see test_web_mcp.py."""


def api() -> Any:
    """With everything switched on; its routes are not called."""
    return create_api(cast(House, None), ServerConfig(), Path(), pairing=cast(Pairing, object()))


def routes_of(router: Any) -> Iterator[str]:
    """``METHOD path`` of every route, those that are in no description too."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner)
            continue
        kind, path = type(route).__name__, route.path.replace(":path}", "}")
        if kind == "Mount":
            yield f"MOUNT {path}"
        elif "WebSocket" in kind:
            yield f"SOCKET {path}"
        else:
            yield from (f"{method} {path}" for method in (route.methods or {"ANY"}) - {"HEAD"})


def expected() -> dict[str, str]:
    return {
        " ".join(call.split()): scope
        for scope, calls in EXPECTED.items()
        for line in calls.splitlines()
        for call in line.split("·")
        if call.strip()
    }


def test_every_route_has_a_scope_that_was_decided_on() -> None:
    assert set(routes_of(api().router)) == set(expected())


@pytest.mark.parametrize(("call", "scope"), expected().items())
def test_each_needs_what_was_decided(call: str, scope: str) -> None:
    method, _, path = call.partition(" ")
    path = path.replace("{", "").replace("}", "")
    if method == "SOCKET":
        assert SOCKETS.match(path)  # the doorkeeper of sockets asks for write; see test_web_tokens.py
        return
    methods = ("GET", "POST", "DELETE") if method == "ANY" else ("GET",) if method == "MOUNT" else (method,)
    for one in methods:
        free = open_to_all(one, path + "/x.js" * (method == "MOUNT"), pairing=True)
        assert ("none" if free else needed(one, path).name.lower()) == scope


def test_the_description_says_so_too() -> None:
    said = {
        f"{method.upper()} {path}": operation["x-scope"]
        for path, operations in api().openapi()["paths"].items()
        for method, operation in operations.items()
    }
    assert len(said) > 30
    assert {call: expected()[call] for call in said} == said


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("HEAD", "/v1/status", Scope.READ),
        ("head", "/v1/status", Scope.WRITE),  # a method nobody has
        ("get", "/v1/status", Scope.WRITE),
        ("PATCH", "/v1/memories/1", Scope.WRITE),
        ("GET", "/v1/adapters/", Scope.ADMIN),
        ("GET", "/v1/pair/code", Scope.ADMIN),
        ("POST", "/v1/ask/", Scope.WRITE),
        ("POST", "/v1/ask\n", Scope.WRITE),
        ("POST", "/v1/memories/1/2/clip", Scope.WRITE),
        ("POST", "/nothing", Scope.WRITE),
    ],
)
def test_what_nobody_thought_of_needs_more_rather_than_less(method: str, path: str, scope: Scope) -> None:
    assert needed(method, path) is scope


def test_pairing_is_open_only_where_it_is_switched_on() -> None:
    assert open_to_all("POST", "/v1/pair", pairing=True)
    for method, path, pairing in (("POST", "/v1/pair", False), ("GET", "/v1/pair", True), ("POST", "/v1/pair/", True)):
        assert not open_to_all(method, path, pairing=pairing)
    assert not open_to_all("GET", "/pages") and not open_to_all("GET", "/healthz/x")


def test_the_least_is_granted_where_nobody_was_asked() -> None:
    assert granted({}) is Scope.READ
    assert granted({KEY: "admin"}) is Scope.READ
    assert granted({KEY: Scope.ADMIN}) is Scope.ADMIN
    assert scope_named("Write") is Scope.WRITE
    for name in ("", "all", "adm in", "__class__"):
        with pytest.raises(ConfigError):
            scope_named(name)
