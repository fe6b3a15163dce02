"""Tokens besides the owner's, and a new one for the owner."""

from __future__ import annotations

import json
import stat
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner
from web_fakes import ScriptedHouse
from websocket import create_connection

from perstream.cli.main import app as cli
from perstream.config import ServerConfig
from perstream.errors import ConfigError, NotFound, StoreError
from perstream.web.client import Client
from perstream.web.keys import Keys
from perstream.web.scopes import Scope
from perstream.web.server import Server
from perstream.web.token import ensure_token, read_token, rotate_token
from perstream.web.tokens import LONGEST_DAYS, MOST, Tokens


def ask(server: Server, token: str, method: str = "GET", path: str = "/v1/status", **how: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.request(method, server.url + path, headers=headers, trust_env=False, **how)  # type: ignore[arg-type]


def run(store: Path, *words: str) -> str:
    done = CliRunner().invoke(cli, ["token", *words, "--store", str(store)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_token_does_what_its_scope_covers_and_no_more(own_server: Server, tmp_path: Path) -> None:
    (made,) = (json.loads(run(tmp_path, "create", scope, "--scope", scope, "--json")) for scope in ("ask",))
    assert made["scope"] == "ask" and len(made["token"]) >= 40
    assert ask(own_server, made["token"]).status_code == 200
    assert ask(own_server, made["token"], "POST", "/v1/ask", json={"question": "where"}).status_code == 200
    refused = ask(own_server, made["token"], "POST", "/v1/remember", json={"text": "Anna likes tea"})
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:perstream:scope"
    assert "needs the scope write" in refused.json()["detail"] and "has ask" in refused.json()["detail"]


def test_a_revoked_token_is_refused_at_once(own_server: Server, tmp_path: Path) -> None:
    token = json.loads(run(tmp_path, "create", "cron", "--scope", "read", "--json"))["token"]
    assert ask(own_server, token).status_code == 200
    run(tmp_path, "revoke", "cron")
    assert ask(own_server, token).status_code == 401


def test_only_digests_are_kept_for_the_owners_eyes(tmp_path: Path) -> None:
    secret = run(tmp_path, "create", "cron", "--scope", "read").split()[-1]
    file = tmp_path / "tokens.json"
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = run(tmp_path, "list") + run(tmp_path, "list", "--json")
    assert "cron" in shown and secret not in shown and "sha256" not in shown


def test_a_token_ends_with_its_time(tmp_path: Path) -> None:
    now = [datetime(2026, 5, 4, tzinfo=timezone.utc)]
    tokens = Tokens(tmp_path, lambda: now[0])
    _, secret = tokens.create("week", Scope.READ, days=7)
    now[0] += timedelta(days=7, seconds=-1)
    assert tokens.scope(secret.encode()) is Scope.READ
    now[0] += timedelta(seconds=1)
    assert tokens.scope(secret.encode()) is None
    assert tokens.listed()[0].over(now[0])
    tokens.create("week", Scope.ASK)  # the name of one that is over is free
    assert [one.scope for one in tokens.listed()] == ["ask"]


@pytest.mark.parametrize(
    ("name", "days"), [("", None), (" x", None), ("x" * 41, None), ("a\nb", None), ("x", 0), ("x", LONGEST_DAYS + 1)]
)
def test_what_makes_no_token_is_told(tmp_path: Path, name: str, days: int | None) -> None:
    with pytest.raises(ConfigError):
        Tokens(tmp_path).create(name, Scope.READ, days)
    assert Tokens(tmp_path).listed() == ()


def test_names_are_taken_once_and_there_is_an_end(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path)
    for number in range(MOST):
        tokens.create(f"t{number}", Scope.READ)
    with pytest.raises(ConfigError, match="already"):
        tokens.create("t3", Scope.READ)
    with pytest.raises(StoreError, match="revoke"):
        tokens.create("one more", Scope.READ)
    with pytest.raises(NotFound):
        tokens.revoke("nobody")


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        '[{"name": 1}]',
        '[{"name": "x", "sha256": 5, "scope": "admin", "made_at": ""}]',
        "[" * 5000,
        '[{"name": "x", "sha256": "", "scope": "god", "made_at": ""}]',
        '[{"name": "x", "sha256": "", "scope": "admin", "made_at": "", "expires_at": "soon"}]',
    ],
)
def test_a_damaged_list_lets_nobody_in_but_the_owner(tmp_path: Path, damage: str) -> None:
    owner = ensure_token(tmp_path)
    (tmp_path / "tokens.json").write_text(damage)
    keys = Keys(tmp_path)
    for given in (b"", b"x", hex(0).encode()):
        assert keys.scope(given) is None
    assert keys.scope(owner.encode()) is Scope.ADMIN


def test_a_token_of_a_scope_nobody_knows_is_refused(tmp_path: Path) -> None:
    _, secret = Tokens(tmp_path).create("x", Scope.READ)
    file = tmp_path / "tokens.json"
    file.write_text(file.read_text().replace('"read"', '"god"'))
    assert Keys(tmp_path).scope(secret.encode()) is None


def test_the_owners_token_is_rotated_while_the_daemon_runs(own_server: Server, tmp_path: Path) -> None:
    old = read_token(tmp_path)
    (tmp_path / "open.html").write_text(old)
    socket = create_connection(
        f"ws://127.0.0.1:{own_server.port}/v1/sources/cam/push", timeout=10, suppress_origin=True
    )
    raw = socket.sock
    socket.send(json.dumps({"token": old}))
    assert json.loads(socket.recv()) == {"ready": "cam"}
    with httpx.stream(
        "GET", f"{own_server.url}/v1/events", headers={"Authorization": f"Bearer {old}"}, trust_env=False, timeout=10
    ) as events:
        lines = events.iter_lines()
        next(lines)
        said = run(tmp_path, "rotate")
        assert ask(own_server, old).status_code == 401
        for _ in lines:
            pass  # it ends within a second or two though nothing happens; else this runs into the time-out
    new = read_token(tmp_path)
    assert new != old and new not in said
    assert ask(own_server, new).status_code == 200
    opcode, data = socket.recv_data()  # though it says nothing more
    assert (opcode, int.from_bytes(data[:2], "big")) == (8, 4401)
    raw.close()
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert not (tmp_path / "open.html").exists()


def test_a_client_of_the_store_goes_on_with_the_rotated_token(own_server: Server, tmp_path: Path) -> None:
    with Client(tmp_path) as client:
        assert client.memories(limit=1)
        rotate_token(tmp_path)
        assert client.ask("where", say=lambda _: None).answer
        assert client.tell("Anna likes tea").id
        (tmp_path / "token").unlink()
        with pytest.raises(StoreError, match="token"):
            client.memories(limit=1)


def test_without_its_file_the_owners_token_is_refused(tmp_path: Path) -> None:
    owner, keys = ensure_token(tmp_path).encode(), Keys(tmp_path)
    assert keys.scope(owner) is Scope.ADMIN
    (tmp_path / "token").write_text("short")
    assert keys.scope(owner) is None and keys.scope(b"short") is None and keys.scope(b"") is None
    (tmp_path / "token").unlink()
    assert keys.scope(owner) is None
    assert keys.scope(rotate_token(tmp_path).encode()) is Scope.ADMIN


def test_many_hands_write_one_list(tmp_path: Path) -> None:
    hands = [threading.Thread(target=Tokens(tmp_path).create, args=(f"t{n}", Scope.READ)) for n in range(8)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert {one.name for one in Tokens(tmp_path).listed()} == {f"t{n}" for n in range(8)}


def test_a_socket_needs_a_token_that_may_write(own_server: Server, tmp_path: Path) -> None:
    _, reading = Tokens(tmp_path).create("r", Scope.ASK)
    _, writing = Tokens(tmp_path).create("w", Scope.WRITE)
    for token, ready in ((reading, False), (writing, True)):
        url = f"ws://127.0.0.1:{own_server.port}/v1/sources/cam/push"
        socket = create_connection(url, timeout=10, suppress_origin=True)
        raw = socket.sock
        socket.send(json.dumps({"token": token}))
        if ready:
            assert json.loads(socket.recv()) == {"ready": "cam"}
        else:
            opcode, data = socket.recv_data()
            assert (opcode, int.from_bytes(data[:2], "big")) == (8, 4401)
        raw.close()


def test_the_tokens_of_one_store_open_no_other(tmp_path: Path) -> None:
    anna, ben = tmp_path / "anna", tmp_path / "ben"
    anna.mkdir()
    ben.mkdir()
    with Server(ScriptedHouse(), ServerConfig(port=0), anna) as hers:
        _, bens = Tokens(ben).create("all", Scope.ADMIN)
        assert ask(hers, bens).status_code == 401
        assert ask(hers, ensure_token(ben)).status_code == 401
