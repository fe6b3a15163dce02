"""The daemon as it is run for months: what it logs, what it tells systemd, what it counts."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest

from perstream.daemon import good_settings
from perstream.lab.daemon_process import DaemonProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no notify sockets")

AWAY = 'perstream_source_state{source="rtsp://127.0.0.1:1/camera?…",state="restarting"} 1.0'


def test_a_day_of_the_daemon_in_brief(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        environment = {
            "PERSTREAM_BACKEND_NAME": "scripted",
            "PERSTREAM_LOG_LEVEL": "debug",
            "PERSTREAM_DELIVERY_WEBHOOK": "http://127.0.0.1:1/api/webhook/geheim-hook",
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "600000",
        }
        sources = ["rtsp://me:geheim-login@127.0.0.1:1/camera?token=geheim-query"]
        settings = tmp_path / "mine.toml"
        settings.write_text("[backup]\nkeep = 2\n")
        flags = ["--log-format", "json", "--config", str(settings)]
        with DaemonProcess(tmp_path / "store", [*flags, *sources], environment) as daemon:
            assert systemd.recv(4096) == b"READY=1\nSTATUS=serving"
            assert systemd.recv(4096) == b"WATCHDOG=1"
            token = (tmp_path / "store" / "token").read_text().strip()
            with httpx.Client(base_url=daemon.url, trust_env=False, timeout=20) as http:
                assert http.get("/readyz").json()["ready"]
                (kept,) = good_settings.kept(tmp_path / "store")  # a start with them has worked
                assert kept.content == settings.read_bytes()
                assert http.get("/v1/status", headers={"Authorization": "Bearer geheim-wrong"}).status_code == 401
                assert http.get("/clip/geheim-ticket").status_code in (401, 403, 404, 410)
                http.headers["Authorization"] = f"Bearer {token}"
                assert http.post("/v1/remember", json={"text": "I am allergic to peanuts."}).status_code == 201
                assert http.post("/v1/ask", json={"question": "What am I allergic to?"}).status_code == 200
                assert http.get("/v1/nowhere?ticket=geheim-ticket").status_code == 404
                metrics, deadline = "", time.monotonic() + 20
                while AWAY not in metrics and time.monotonic() < deadline:  # now and then it is being opened again
                    metrics = http.get("/metrics").text
        said = b""
        while said != b"STOPPING=1":
            said = systemd.recv(4096)
            assert said in (b"WATCHDOG=1", b"STOPPING=1")
    log = (tmp_path / "store.stderr").read_text(encoding="utf-8")
    records = [json.loads(line) for line in log.splitlines()]
    assert any(one["logger"].startswith("perstream.") for one in records), "the camera that is away should be told"
    assert any(one["logger"].startswith("uvicorn") for one in records), "the HTTP server logs in the same form"
    for text in (log, metrics):
        assert token not in text and "geheim" not in text
    assert 'perstream_memories_stored_total{origin="told"} 1.0' in metrics
    assert AWAY in metrics
    for line in metrics.splitlines():
        if line.startswith("perstream_question_duration_seconds_count"):
            assert line.endswith(" 1.0")
            break
    else:
        raise AssertionError("no count of questions")
