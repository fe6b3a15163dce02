"""Headers of every kind of answer."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.config import ServerConfig
from perstream.web.server import Server
from perstream.web.token import read_token

KINDS = {
    "page": ("GET", "/", 200),
    "script": ("GET", "/page/js/api.js", 200),
    "missing file": ("GET", "/page/nothing", 404),
    "json": ("GET", "/v1/status", 200),
    "picture": ("GET", "/v1/memories/3/thumbnail", 200),
    "empty": ("PUT", "/v1/proactive/dnd", 422),
    "error": ("GET", "/v1/memories/99", 404),
    "no method": ("DELETE", "/v1/status", 405),
    "refused": ("GET", "/v1/status", 401),
    "wrong host": ("GET", "/", 403),
    "ticket": ("GET", "/clip/nothing", 404),
    "metrics": ("GET", "/metrics", 200),
    "open": ("GET", "/healthz", 200),
    "stream": ("GET", "/v1/events", 200),
    "broken": ("POST", "/v1/remember", 500),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, ScriptedHouse, Path]]:
    house, store = ScriptedHouse(), tmp_path_factory.mktemp("store")
    with Server(house, ServerConfig(port=0), store) as server:
        yield server, house, store


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_says_what_a_browser_may_make_of_it(served: tuple[Server, ScriptedHouse, Path], kind: str) -> None:
    server, house, store = served
    method, path, status = KINDS[kind]
    headers = {} if kind == "refused" else {"Authorization": f"Bearer {read_token(store)}"}
    if kind == "wrong host":
        headers["Host"] = "evil.example"
    if kind == "broken":
        house.error = RuntimeError("unexpected")
    body = {"text": "x"} if kind == "broken" else None
    with httpx.stream(method, server.url + path, headers=headers, json=body, trust_env=False, timeout=10) as answer:
        given = answer.headers
    assert answer.status_code == status
    assert given["x-content-type-options"] == "nosniff"
    assert given["referrer-policy"] == "no-referrer"
    assert given["cross-origin-opener-policy"] == given["cross-origin-resource-policy"] == "same-origin"
    assert given["x-frame-options"] == "DENY"
    assert "default-src 'none'" in given["content-security-policy"]
    assert "frame-ancestors 'none'" in given["content-security-policy"]
    assert "unsafe" not in given["content-security-policy"]
    assert "geolocation=()" in given["permissions-policy"]
    assert ("camera=(self)" in given["permissions-policy"]) is (kind == "page")
    assert ("script-src 'self'" in given["content-security-policy"]) is (kind == "page")
    if kind == "picture":
        assert given["cache-control"] == "private, max-age=3600"
    else:
        assert given["cache-control"] == ("no-cache" if kind == "page" else "no-store")
    assert "strict-transport-security" not in given  # http on this machine
    assert not [name for name in given if name.startswith("access-control") or name in ("server", "x-powered-by")]
    assert len(given.multi_items()) == len(set(given))  # none twice


def test_the_networks_door_wants_tls_from_now_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cryptography", reason="the extra lan is not installed")
    monkeypatch.setattr("perstream.web.server.lan_addresses", lambda: ("192.168.1.5",))
    with Server(ScriptedHouse(), ServerConfig(port=0, lan=True, lan_port=0), tmp_path) as server:
        invitation = server.invite()
        assert invitation is not None
        port = invitation.url.partition("/#")[0].rpartition(":")[2]
        trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / "certificate.pem"))
        there = httpx.get(f"https://127.0.0.1:{port}/v1/status", verify=trust, trust_env=False)
        assert there.status_code == 401
        assert there.headers["strict-transport-security"].startswith("max-age=")
        here = httpx.get(f"{server.url}/healthz", trust_env=False)
        assert "strict-transport-security" not in here.headers
