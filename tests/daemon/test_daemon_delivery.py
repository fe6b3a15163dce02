"""Words brought to the owner: by programs of the system and by webhook, never at the assistant's cost."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from perstream.config import DeliveryConfig
from perstream.daemon.bus import EventBus
from perstream.daemon.channels import channels_of
from perstream.daemon.delivery import Delivery, DeliveryFailed
from perstream.daemon.delivery_desktop import DesktopChannel
from perstream.daemon.delivery_voice import VoiceChannel
from perstream.daemon.delivery_webhook import WebhookChannel
from perstream.errors import ConfigError
from perstream.events import ProactiveSaid

WORD = ProactiveSaid(
    datetime(2026, 5, 12, tzinfo=timezone.utc),
    "cam",
    3.0,
    '--help; $(touch x) <b>"\x1b[31m',
    (),
    "why & how",
    "due:1",
    7,
    3,
)


def program(folder: Path, name: str, code: str = 'printf "%s\\n" "$@" > "$OUT"; cat >> "$OUT"') -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OUT", str(tmp_path / "out"))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "out"


def test_a_notification_takes_untrusted_text_as_text(tmp_path: Path, out: Path) -> None:
    program(tmp_path, "notify-send")
    channel = DesktopChannel.find()
    assert channel is not None
    channel.deliver(WORD)
    lines = out.read_text().splitlines()
    assert lines == [
        "--app-name=PerStream",
        "--urgency=critical",
        "--",
        '--help; $(touch x) <b>" [31m',
        "why &amp; how",
    ]
    assert not (tmp_path / "x").exists()


def test_the_voice_reads_from_its_input(tmp_path: Path, out: Path) -> None:
    program(tmp_path, "espeak-ng")
    channel = VoiceChannel.find()
    assert channel is not None
    channel.deliver(WORD)
    assert out.read_text() == '--stdin\n--help; $(touch x) <b>" [31m'


def test_a_program_that_fails_is_told(tmp_path: Path, out: Path) -> None:
    with pytest.raises(DeliveryFailed, match="notify-send failed"):
        DesktopChannel(str(program(tmp_path, "notify-send", "exit 3"))).deliver(WORD)
    with pytest.raises(DeliveryFailed, match="say failed"):
        VoiceChannel(str(tmp_path / "nowhere" / "say")).deliver(WORD)


class _Hook(BaseHTTPRequestHandler):
    statuses: ClassVar[list[int]] = []
    got: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.got.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.statuses.pop(0) if self.statuses else 204)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def hook() -> Iterator[str]:
    _Hook.statuses, _Hook.got = [], []
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/s3cret?k=1"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_webhook_gets_the_event_and_passing_trouble_is_tried_again(
    hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perstream.daemon.delivery_webhook.WAIT_S", 0.01)
    _Hook.statuses = [503, 200]
    WebhookChannel(DeliveryConfig(webhook=hook)).deliver(WORD)
    assert len(_Hook.got) == 2
    event = json.loads(_Hook.got[1])
    assert (event["event"], event["id"], event["text"]) == ("proactive", 7, WORD.text)


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (302, 1), (500, 3)])
def test_what_the_webhook_refuses_is_given_up(
    hook: str, status: int, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perstream.daemon.delivery_webhook.WAIT_S", 0.01)
    _Hook.statuses = [status] * 9
    with pytest.raises(DeliveryFailed, match=str(status)):
        WebhookChannel(DeliveryConfig(webhook=hook)).deliver(WORD)
    assert len(_Hook.got) == attempts


@pytest.mark.parametrize(
    "address",
    ["http://example.org/s3cret", "ftp://127.0.0.1/s3cret", "https://u:s3cret@example.org/", "https://[s3cret", "s3cret", "https://a/s3 cret"],
)  # fmt: skip
def test_an_address_that_words_should_not_go_to_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        channels_of(DeliveryConfig(webhook=address))
    assert "s3cret" not in str(refused.value)


def test_nothing_is_on_by_default() -> None:
    assert channels_of(DeliveryConfig()) == []


class _Stuck:
    name = "stuck"

    def __init__(self) -> None:
        self.go, self.seen = threading.Event(), list[int]()

    def deliver(self, word: ProactiveSaid) -> None:
        self.go.wait(10)
        if word.id == 0:
            raise RuntimeError("https://hook/s3cret")
        self.seen.append(word.id)


def test_a_way_that_hangs_costs_only_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    bus, stuck = EventBus(), _Stuck()
    delivery = Delivery([stuck], bus.listen)
    began = time.monotonic()
    for i in range(40):
        bus.publish(ProactiveSaid(WORD.at, None, None, "text", (), "why", "due:1", i, 2))
    assert time.monotonic() - began < 1.0
    stuck.go.set()
    delivery.close(5.0)
    counts = delivery.counts["stuck"]
    assert counts["failed"] == 1 and counts["sent"] == len(stuck.seen) and sum(counts.values()) == 40
    assert counts["dropped"] >= 40 - 18
    assert "s3cret" not in caplog.text
    delivery.close()
