from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perstream.config import ServerConfig
from perstream.errors import StoreError
from perstream.web import guard
from perstream.web.keys import Keys
from perstream.web.limits import Limits
from perstream.web.server import Server
from perstream.web.token import ensure_token, read_token

PROBLEM = "application/problem+json"


def test_health_needs_no_token_and_tells_little(server: Server) -> None:
    answer = httpx.get(f"{server.url}/healthz", trust_env=False)
    assert answer.status_code == 200
    assert set(answer.json()) == {"ok", "version", "store_id"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer \xff\xfe"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/v1/status", "/v1/openapi.json", "/v1/nothing", "/pages", "/page/../v1/status", "/healthz/../v1/status"]
)
def test_everything_else_needs_the_token(server: Server, headers: dict[str, str], path: str) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = httpx.get(server.url + path, headers=raw, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "\xe9"])
def test_a_host_header_of_another_machine_is_refused(http: httpx.Client, host: str) -> None:
    answer = http.get("/v1/status", headers={"Host": host.encode("latin-1")})
    assert answer.status_code in (400, 403)
    assert "memories" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1", "[::1]:5"])
def test_this_machine_by_any_of_its_names_is_served(http: httpx.Client, host: str) -> None:
    assert http.get("/v1/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_other_web_pages_are_refused(http: httpx.Client, origin: str) -> None:
    answer = http.get("/v1/status", headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_no_answer_allows_other_origins(http: httpx.Client) -> None:
    answer = http.get("/v1/status", headers={"Origin": "http://localhost:3000"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_a_body_over_the_limit_is_refused_with_a_problem(http: httpx.Client) -> None:
    answer = http.post("/v1/ask", json={"question": "x" * 10_000_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == PROBLEM
    assert "64 KB" in answer.json()["detail"]
    assert http.get("/v1/status").status_code == 200


def test_a_body_without_a_length_is_counted_too(http: httpx.Client) -> None:
    answer = http.post("/v1/ask", content=(b"x" * 10_000 for _ in range(20)))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_what_is_no_http_does_not_harm(server: Server, http: httpx.Client, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(raw)
        assert b" 500 " not in connection.recv(1000)
    assert http.get("/v1/status").status_code == 200


def test_a_body_that_never_comes_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setattr(guard, "BODY_S", 0.05)
    head = f"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {read_token(store)}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert b" 408 " in connection.recv(1000)


def test_the_token_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    token = ensure_token(tmp_path)
    assert len(token) >= 40
    assert ensure_token(tmp_path) == token == read_token(tmp_path)
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    (tmp_path / "token").chmod(0o644)
    ensure_token(tmp_path)
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"", b"short", b"\xff" * 40, b"two words " * 5])
def test_a_damaged_token_file_is_told(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "token").write_bytes(damage)
    with pytest.raises(StoreError, match="token"):
        ensure_token(tmp_path)


def test_no_token_and_no_question_in_the_log(http: httpx.Client, store: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    http.post("/v1/ask", json={"question": "where is the spare key"})
    http.get("/v1/memories", params={"source": "private name"})
    daemon = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not [line for line in daemon if "spare key" in line or "private" in line or read_token(store) in line]


def test_the_settings_have_no_open_host() -> None:
    assert ServerConfig().host == "127.0.0.1" and not ServerConfig().allow_remote


TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "/",
        "/v1/status",
        "/v1/ask",
        "/healthz",
        "/page/x",
        "/page/../v1/status",
        "/clip/x",
        "/v1/pair",
        "/mcp",
        "//v1",
        "",
    ]
)
BYTES = st.binary(max_size=40) | st.sampled_from(
    [b"localhost", b"evil.example", b"Bearer", b"[", b"bearer \xff", b"null"]
)
NAMES = st.binary(max_size=12) | st.sampled_from([b"host", b"origin", b"authorization", b"content-length"])


@given(
    path=TEXTS,
    method=st.sampled_from(["GET", "POST", "DELETE", "get", "HEAD", "OPTIONS", "TRACE", "\u0130"]),
    headers=st.lists(st.tuples(NAMES, BYTES), max_size=6),
    kind=st.sampled_from(["http", "websocket"]),
    network=st.booleans(),
)
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_whatever_comes_without_a_token_gets_past_at_no_other_place(
    path: str, method: str, headers: list[tuple[bytes, bytes]], kind: str, network: bool
) -> None:
    reached, sent = [], []

    async def app(scope: object, receive: object, send: object) -> None:
        reached.append(path)

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"} if kind == "websocket" and not sent else {"type": "http.request"}

    async def send(message: object) -> None:
        sent.append(message)

    keys = Keys(Path("/nowhere"))
    door = guard.Guard(app, keys, 1000, Limits(ServerConfig()), network=network)
    request = {"type": kind, "path": path, "method": method, "headers": headers, "client": None}
    asyncio.run(door(request, receive, send))
    free = path in ("/", "/healthz", "/readyz") or path.startswith(("/page/", "/clip/"))
    assert not reached or (kind == "http" and (free or (network, method, path) == (True, "POST", "/v1/pair")))
    assert reached or sent
