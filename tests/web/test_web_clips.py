"""Recordings played at the place that a memory comes from."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.web.server import Server


def test_a_ticket_opens_ranges_of_one_file_and_needs_no_token(
    http: httpx.Client, server: Server, house: ScriptedHouse, tmp_path: Path
) -> None:
    house.file = tmp_path / "day.mp4"
    house.file.write_bytes(bytes(range(200)))
    clip = http.post("/v1/memories/3/clip").json()
    assert (clip["path"], clip["start_s"], clip["end_s"]) == (str(house.file), 180.0, 184.0)
    with httpx.Client(base_url=server.url, trust_env=False) as player:
        part = player.get(clip["url"], headers={"Range": "bytes=10-19"})
        assert part.status_code == 206 and part.content == bytes(range(10, 20))
        assert part.headers["content-type"] == "video/mp4"
        for guess in ("/clip/guess", "/clip/", "/clip/../v1/status", "/clip/%2e%2e/v1/status"):
            assert player.get(guess).status_code in (401, 404), guess
        assert player.get(clip["url"], headers={"Host": "evil.example"}).status_code == 403
        house.file.unlink()
        assert player.get(clip["url"]).status_code == 404


def test_a_ticket_grows_old(
    http: httpx.Client, house: ScriptedHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perstream.web.clip_routes.TICKET_S", -1.0)
    house.file = tmp_path / "day.mp4"
    house.file.write_bytes(b"film")
    assert http.get(http.post("/v1/memories/3/clip").json()["url"]).status_code == 404


def test_what_cannot_be_played_is_named(http: httpx.Client, house: ScriptedHouse, tmp_path: Path) -> None:
    assert http.post("/v1/memories/3/clip").json()["path"] is None
    house.file = tmp_path / "secrets.txt"
    house.file.write_text("no film")
    clip = http.post("/v1/memories/3/clip").json()
    assert clip["url"] is None and clip["path"] == str(house.file)
    assert http.post("/v1/memories/99/clip").status_code == 404
