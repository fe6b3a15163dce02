"""The page's files and what they need of the API."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from web_fakes import JPEG, ScriptedHouse

import perstream.web.page_routes as page_routes
from perstream.cli.page import write_key_page
from perstream.web.server import Server

PAGE = Path(page_routes.__file__).parent / "page"


def test_the_page_needs_no_token_and_allows_nothing_from_elsewhere(server: Server) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as stranger:
        index = stranger.get("/")
        assert index.status_code == 200 and index.headers["content-type"].startswith("text/html")
        policy = index.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        for name in re.findall(r'(?:src|href)="(page/[^"]+)"', index.text):
            assert stranger.get(f"/{name}").status_code == 200, name
        assert stranger.get("/page/../guard.py").status_code in (401, 404)
        assert stranger.get("/page/%2e%2e/guard.py").status_code == 404
        assert stranger.get("/", headers={"Host": "evil.example"}).status_code == 403
        assert stranger.get("/v1/status").status_code == 401


def test_no_script_of_the_page_makes_markup_of_text_or_asks_another_machine() -> None:
    scripts = sorted(PAGE.rglob("*.js"))
    assert len(scripts) >= 10
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            script
        )
        links = [url for url in re.findall(r"https?://[^\s\"'`]+", text) if "www.w3.org" not in url]
        assert not links, f"{script} names {links}"
        for name in re.findall(r'from "\./([^"]+)"', text):
            assert (script.parent / name).is_file(), f"{script} imports {name}"
    assert sum(file.stat().st_size for file in PAGE.rglob("*.*")) < 500_000


def test_a_memory_is_corrected(http: httpx.Client, house: ScriptedHouse) -> None:
    answer = http.post("/v1/memories/3/correct", json={"text": "Platform 5."})
    assert answer.json()["caption"] == "Platform 5." and house.records[3].text == "Platform 5."
    assert http.post("/v1/memories/99/correct", json={"text": "x"}).status_code == 404
    assert http.post("/v1/memories/3/correct", json={"text": " "}).status_code == 422


def test_gaps_and_what_is_seen_now(http: httpx.Client, house: ScriptedHouse) -> None:
    (gap,) = http.get("/v1/gaps", params={"since": "2026-05-04T00:00:00Z"}).json()["gaps"]
    assert (gap["source"], gap["reason"]) == ("cam", "paused") and house.filters["since"] is not None
    house.watch("a/day.mp4")
    house.watch("dark.mp4")
    seen = http.get("/v1/sources/day.mp4/view")
    assert seen.content == JPEG and seen.headers["cache-control"] == "no-store"
    assert http.get("/v1/sources/dark.mp4/view").status_code == 204
    assert http.get("/v1/sources/nobody/view").status_code == 404
    live = http.get("/v1/sources/day.mp4/live")
    assert live.content == JPEG and live.headers["x-picture"] == "7" and live.headers["cache-control"] == "no-store"
    assert http.get("/v1/sources/day.mp4/live", params={"after": 7}).status_code == 204
    assert http.get("/v1/sources/nobody/live").status_code == 404


@pytest.mark.skipif(not hasattr(Path, "chmod"), reason="needs file modes")
def test_the_file_that_opens_the_page_is_its_owners_alone(tmp_path: Path) -> None:
    for token in ("first-token-0123456789", "second-token-012345678"):
        page = write_key_page(tmp_path, "http://127.0.0.1:8765", token)
        assert page.stat().st_mode & 0o777 == 0o600
        assert f"http://127.0.0.1:8765/#token={token}" in page.read_text(encoding="utf-8")
