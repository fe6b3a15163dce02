"""The public client: every method, other machines, patience, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from web_fakes import JPEG, NOON, ScriptedHouse

import perstream
from perstream.config import ServerConfig
from perstream.errors import BackendUnavailable, ConfigError, Interrupted, NotFound, SourceError
from perstream.events import AlertRaised, MemoryStored, Redacted
from perstream.memory.surroundings import Place
from perstream.web.client import Client
from perstream.web.scopes import Scope
from perstream.web.server import Server
from perstream.web.token import read_token
from perstream.web.tokens import Tokens


def test_it_is_found_by_its_store_or_by_its_address(server: Server, store: Path, house: ScriptedHouse) -> None:
    with (
        perstream.Client.of_store(str(store)) as by_store,
        perstream.Client(url=server.url, token=read_token(store)) as by_url,
        perstream.connect(store) as connected,
        perstream.connect(url=server.url + "/", token=read_token(store)) as far,
    ):
        assert {type(one) for one in (by_store, by_url, connected, far)} == {Client}
        for client in (by_store, by_url, connected, far):
            assert client.status() == house.status()


def test_importing_the_package_stays_light() -> None:
    code = "import perstream, sys; assert 'httpx' not in sys.modules; perstream.Client; assert 'httpx' in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"url": "http://192.168.1.5:8765", "token": "x"},
        {"url": "http://127.0.0.1:8765"},
        {"url": "http://127.0.0.1:8765", "token": "line\nbreak"},
        {"url": "ftp://127.0.0.1", "token": "x"},
        {"url": "https://", "token": "x"},
        {"url": "http://[::1", "token": "x"},
        {"url": "https://user:secret@127.0.0.1", "token": "x"},
        {"url": "http://127.0.0.1:8765", "token": "x", "fingerprint": "00" * 32},
        {"url": "https://127.0.0.1:8766", "token": "x", "fingerprint": "00:11"},
        {"store": "/nowhere", "token": "x"},
    ],
)
def test_what_cannot_be_meant_is_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        perstream.Client(**how)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="no daemon serves"):
        perstream.connect(tmp_path)
    with perstream.Client(url="http://127.0.0.1:9", token="x") as client, pytest.raises(BackendUnavailable):
        client.tell("anything")


def test_a_wrong_token_is_told_plainly(server: Server) -> None:
    with perstream.Client(url=server.url, token="wrong") as client, pytest.raises(ConfigError, match="token"):
        client.status()


def test_a_narrow_token_may_do_little(own_server: Server, tmp_path: Path) -> None:
    secret = Tokens(tmp_path).create("reader", Scope.READ)[1]
    with perstream.Client(url=own_server.url, token=secret) as client:
        assert client.memory(3).id == 3
        with pytest.raises(ConfigError):
            client.tell("anything")


def test_the_rest_of_what_a_house_can(client: Client, house: ScriptedHouse, tmp_path: Path) -> None:
    assert client.correct(3, "It said PLATFORM 5.").text == "It said PLATFORM 5."
    assert client.gaps(since=NOON) == house.gaps(since=NOON)
    assert house.filters["since"] == NOON
    around = client.around("category:travel", since=NOON, limit=5)
    assert around.here == Place("category:travel", "category", "travel") and around.total == 1
    assert (house.filters["node"], house.filters["since"], house.filters["limit"]) == ("category:travel", NOON, 5)
    with pytest.raises(NotFound):
        client.around("memory:99")
    house.watch("day.mp4")
    assert client.view("day.mp4") == JPEG
    house.watch("dark.mp4")
    assert client.view("dark.mp4") is None
    with pytest.raises(NotFound):
        client.view("nothing")
    assert client.adapters().names == ("home",)


def test_a_picture_may_be_bytes(
    client: Client, house: ScriptedHouse, server: Server, store: Path, tmp_path: Path
) -> None:
    assert client.recall("where?", image=JPEG, k=3, since=NOON)[0].memory.id == 2
    assert (house.recalled["image"], house.recalled["k"], house.recalled["since"]) == (JPEG, 3, NOON)
    (tmp_path / "a.jpg").write_bytes(JPEG)
    with perstream.Client(url=server.url, token=read_token(store)) as far:
        far.recall(image=tmp_path / "a.jpg")  # a path of this machine means nothing on another
        assert house.recalled["image"] == JPEG
        house.recalled.clear()
        far.recall(image=str(tmp_path / "a.jpg"))
        assert house.recalled["image"] == JPEG
        with pytest.raises(SourceError, match="cannot read"):
            far.recall(image=tmp_path / "missing.jpg")
        with pytest.raises(ConfigError, match="64 KB"):
            far.recall(image=b"x" * 70_000)


def test_a_question_can_be_withdrawn(client: Client, house: ScriptedHouse) -> None:
    house.hold.clear()
    heard: list[str] = []
    with pytest.raises(Interrupted):
        client.ask("Which platform?", say=heard.append, cancelled=lambda: len(heard) == 2)
    assert heard == ["Platform ", "4."]
    assert house.withdrawn.wait(5)
    house.hold.set()
    assert client.ask("Which platform?", cancelled=lambda: False).answer == "Platform 4."


def test_events_can_be_iterated(client: Client, house: ScriptedHouse) -> None:
    stored = MemoryStored(NOON, "day.mp4", 4.0, 9, "a sign", "travel", (), 1.0, 4.0)
    others = (Redacted(NOON, None, None, "card", 2), AlertRaised(NOON, None, None, "disk_low", "", "free space", True))
    publishing = threading.Timer(0.3, lambda: [house.bus.publish(event) for event in (stored, *others)])
    publishing.start()
    events = client.events()
    assert [next(events) for _ in range(3)] == [stored, *others]
    events.close()


@contextmanager
def answering(*statuses: int, wait: str = "0") -> Iterator[tuple[str, list[str]]]:
    """A server that answers so, one after the other, and says what it was asked."""
    left, asked = list(statuses), list[str]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = left.pop(0) if left else 200
            body = b'{"sources": []}' if status == 200 else b'{"type": "urn:perstream:x", "detail": "too busy"}'
            self.send_response(status)
            self.send_header("Retry-After", wait)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{serving.server_address[1]}", asked
        finally:
            serving.shutdown()
            thread.join()


def test_only_what_reads_is_tried_again() -> None:
    with answering(429, 503) as (url, asked), perstream.Client(url=url, token="x") as client:
        assert client.sources() == []
        assert asked == ["GET"] * 3
    with answering(503, 503, 503, 503) as (url, asked), perstream.Client(url=url, token="x") as client:
        with pytest.raises(BackendUnavailable, match="too busy"):
            client.sources()
        assert asked == ["GET"] * 3
    with answering(503) as (url, asked), perstream.Client(url=url, token="x") as client:
        with pytest.raises(BackendUnavailable, match="too busy"):
            client.tell("anything")
        assert asked == ["POST"]
    with answering(429, wait="3600") as (url, asked), perstream.Client(url=url, token="x") as client:
        with pytest.raises(BackendUnavailable):
            client.sources()
        assert asked == ["GET"]  # an hour is not waited for


def test_another_machine_is_known_by_its_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cryptography", reason="the extra lan is not installed")
    monkeypatch.setattr("perstream.web.server.lan_addresses", lambda: ("192.168.1.5",))
    house = ScriptedHouse()
    with Server(house, ServerConfig(port=0, lan=True, lan_port=0), tmp_path) as server:
        invitation = server.invite()
        assert invitation is not None
        url = f"https://127.0.0.1:{invitation.url.partition('/#')[0].rpartition(':')[2]}"
        token = Tokens(tmp_path).create("laptop", Scope.WRITE)[1]
        with perstream.Client(url=url, token=token, fingerprint=invitation.fingerprint) as client:
            assert client.ask("Which platform?", say=lambda _: None).answer == "Platform 4."
            house.hold.clear()
            with pytest.raises(Interrupted):  # over TLS too
                client.ask("Which platform?", cancelled=lambda: len(house.asked) == 2)
        with pytest.raises(ConfigError, match="another certificate"):
            perstream.Client(url=url, token=token, fingerprint="00" * 32)
        with perstream.Client(url=url, token=token) as client, pytest.raises(BackendUnavailable):
            client.status()  # nobody vouches for it
