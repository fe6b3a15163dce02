"""What may leave the machine as it is set up, and what did."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from perstream.config import BackendConfig, Config, DeliveryConfig, ServerConfig
from perstream.daemon.delivery_webhook import WebhookChannel
from perstream.daemon.network import network_of
from perstream.daemon.privacy_status import Network
from perstream.daemon.status import SourceState, SourceStatus
from perstream.events import ProactiveSaid
from perstream.jsonlines import dump_line, event_to_json, plain
from perstream.protocols import Sent


def network(config: Config, backend: str = "builtin", *sources: SourceStatus, sent: tuple[Sent, ...] = ()) -> Network:
    return network_of(config, backend, sources, sent, {"webhook": {"sent": 2, "failed": 1}}, 700)


def sent(server: str, size: int) -> Sent:
    return Sent(server, "m", "caption", 3, 0, 0, size, 100, 20, 3)


def test_by_default_nothing_leaves() -> None:
    found = network_of(Config(), "builtin", (), (), {}, 0)
    assert (found.ways, found.leaves, found.left_bytes) == ((), False, 0)


def test_a_model_server_elsewhere_gets_captions_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    config = Config(
        backend=BackendConfig(name="openai", base_url="https://api.example.com/v1/private", pictures="never")
    )
    found = network(config, "openai", sent=(sent("https://api.example.com", 5000),))
    assert [(way.name, way.where, way.setting, way.leaves) for way in found.ways] == [
        ("model server", "https://api.example.com", "backend.name", True)
    ] * 2
    assert "pictures of" not in found.ways[0].what and "sound" in found.ways[0].what
    assert found.leaves and found.left_bytes == 5000
    assert "secret" not in dump_line(plain(found)) and "private" not in dump_line(plain(found))


def test_a_model_server_on_this_machine_gets_it_and_nothing_leaves() -> None:
    config = Config(backend=BackendConfig(answers="openai", base_url="http://127.0.0.1:8000/v1"))
    found = network(
        config,
        "builtin (vision builtin, captions builtin, answers openai)",
        sent=(sent("http://127.0.0.1:8000", 5000),),
    )
    assert [(way.setting, way.leaves) for way in found.ways] == [("backend.answers", False)]
    assert not found.leaves and found.left_bytes == 0, "what goes to this machine has not left it"


def test_webhook_local_network_and_cameras_are_told_without_their_secrets() -> None:
    config = Config(
        delivery=DeliveryConfig(webhook="https://home.example:8123/api/webhook/very-secret"),
        server=ServerConfig(lan=True),
    )
    cameras = (
        SourceStatus("porch", "rtsp://192.168.1.20:554/stream?token=very-secret", True, SourceState.RUNNING),
        SourceStatus("phone", "push:phone", True, SourceState.RUNNING),
        SourceStatus("day.mp4", "/videos/day.mp4", False, SourceState.ENDED),
    )
    found = network(config, "builtin", *cameras)
    assert [(way.name, way.leaves) for way in found.ways] == [
        ("webhook", True),
        ("paired devices", True),
        ("camera", False),
        ("browser", False),
    ]
    assert found.ways[0].where == "https://home.example:8123" and found.ways[2].where == "rtsp://192.168.1.20:554"
    assert (found.posted.words, found.posted.failed, found.left_bytes) == (2, 1, 700)
    assert "very-secret" not in dump_line(plain(found))


def test_a_webhook_to_this_machine_leaves_nothing() -> None:
    found = network(Config(delivery=DeliveryConfig(webhook="http://127.0.0.1:8123/hook")))
    assert [way.leaves for way in found.ways] == [False] and found.left_bytes == 0


def test_a_door_to_other_machines_is_told() -> None:
    (way,) = network(Config(server=ServerConfig(host="0.0.0.0", allow_remote=True))).ways
    assert (way.name, way.setting, way.leaves) == ("other machines", "server.host", True)


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_bytes_of_the_webhook_are_counted(hook: HTTPServer) -> None:
    from datetime import datetime, timezone

    channel = WebhookChannel(DeliveryConfig(webhook=f"http://127.0.0.1:{hook.server_port}/x"))
    word = ProactiveSaid(datetime.now(timezone.utc), None, None, "Mind the step.", (), "because", "hazard", 1, 1)
    channel.deliver(word)
    channel.deliver(word)
    assert channel.bytes_sent == 2 * len(dump_line(event_to_json(word)).encode())
