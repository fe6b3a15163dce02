from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from web_fakes import JPEG, NOON, ScriptedHouse

from perstream.daemon.worker import Closing
from perstream.errors import (
    BackendUnavailable,
    BadOutput,
    ConfigError,
    NotFound,
    PerStreamError,
    SourceError,
    StoreBusy,
    StoreError,
)
from perstream.jsonlines import memory_to_json, reply_to_json


def test_ask_answers_with_evidence(http: httpx.Client, house: ScriptedHouse) -> None:
    answer = http.post("/v1/ask", json={"question": "Which platform?", "now": "2026-05-04T14:00:00+02:00"})
    assert answer.status_code == 200
    assert house.asked == [("Which platform?", NOON)]
    assert answer.json() == reply_to_json(house.ask("Which platform?"))
    assert answer.json()["evidence"][0]["memory_id"] == 3


def test_remember_gives_the_memory(http: httpx.Client, house: ScriptedHouse) -> None:
    answer = http.post("/v1/remember", json={"text": "I am allergic to peanuts"})
    assert answer.status_code == 201
    assert answer.json()["caption"] == "I am allergic to peanuts"
    assert answer.json()["provenance"] == "told"
    assert house.told == [("I am allergic to peanuts", None)]


def test_memories_come_in_pages(http: httpx.Client, house: ScriptedHouse) -> None:
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = http.get("/v1/memories", params=query).json()
        seen += [memory["memory_id"] for memory in page["memories"]]
        if page["next_before_id"] is None:
            break
        query["before_id"] = page["next_before_id"]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_memories_pass_their_filters_on(http: httpx.Client, house: ScriptedHouse) -> None:
    query = {"since": "2026-05-04T12:00:00Z", "source": "day.mp4", "category": "travel", "provenance": "read"}
    assert http.get("/v1/memories", params=query).status_code == 200
    assert house.filters["since"] == NOON
    assert (house.filters["source"], house.filters["category"], house.filters["provenance"]) == (
        "day.mp4",
        "travel",
        "read",
    )


def test_one_memory_its_picture_and_what_is_not_there(http: httpx.Client, house: ScriptedHouse) -> None:
    assert http.get("/v1/memories/3").json() == memory_to_json(house.records[3], ("sign", "PLATFORM 4"))
    picture = http.get("/v1/memories/3/thumbnail")
    assert (picture.content, picture.headers["content-type"]) == (JPEG, "image/jpeg")
    missing = http.get("/v1/memories/99")
    assert missing.status_code == 404 and missing.json()["type"] == "urn:perstream:NotFound"
    http.post("/v1/remember", json={"text": "no picture here"})
    assert http.get("/v1/memories/8/thumbnail").status_code == 404


def test_recall_says_why(http: httpx.Client, house: ScriptedHouse) -> None:
    (hit,) = http.post("/v1/recall", json={"text": "platform", "k": 3}).json()["hits"]
    assert (hit["memory_id"], hit["score_parts"], hit["path"]) == (2, {"dense": 0.7}, ["dense", "entity:Anna"])
    assert house.recalled["k"] == 3
    assert (house.recalled["as_of"], house.recalled["history"]) == (None, False)
    http.post("/v1/recall", json={"text": "sign", "as_of": "2026-05-04T12:00:00Z", "history": True})
    assert (house.recalled["as_of"], house.recalled["history"]) == (NOON, True)
    assert http.post("/v1/recall", json={"text": "sign", "history": "yes"}).status_code == 422


def test_recall_by_picture_needs_a_picture(http: httpx.Client, house: ScriptedHouse, tmp_path: Path) -> None:
    assert http.post("/v1/recall", json={"image": "/no/such.png"}).status_code == 422
    assert http.post("/v1/recall", json={}).status_code == 400
    (tmp_path / "a.png").write_bytes(b"x")
    assert http.post("/v1/recall", json={"image": str(tmp_path / "a.png")}).status_code == 200
    assert house.recalled["image"] == tmp_path / "a.png"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_forget_shows_first_and_then_removes(http: httpx.Client, house: ScriptedHouse, method: str) -> None:
    body = {"selector": {"ids": [2, 3]}, "dry_run": True}
    assert http.request(method, "/v1/forget", json=body).json()["memory_ids"] == [2, 3]
    assert 2 in house.records
    http.request(method, "/v1/forget", json={**body, "dry_run": False})
    assert 2 not in house.records


def test_forgetting_nothing_in_particular_is_refused(http: httpx.Client, house: ScriptedHouse) -> None:
    assert http.post("/v1/forget", json={"selector": {}}).status_code == 400
    assert http.post("/v1/forget", json={}).status_code == 422
    assert len(house.records) == 7


def test_the_graph_has_nodes_and_edges(http: httpx.Client) -> None:
    graph = http.get("/v1/graph").json()
    assert {"node": "memory:3", "kind": "memory", "label": "a sign", "observed_at": NOON.isoformat()} in graph["nodes"]
    assert graph["edges"] == [{"from": "category:travel", "to": "memory:3", "kind": "holds"}]


def test_pin_and_status(http: httpx.Client) -> None:
    assert http.post("/v1/memories/3/pin", json={"pinned": True}).status_code == 200
    assert http.post("/v1/memories/99/pin", json={}).status_code == 404
    status = http.get("/v1/status").json()
    assert (status["backend"], status["memory"]["memories"], status["silences"]) == ("builtin", 7, {"cooldown": 2})


def test_sources_are_added_paused_resumed_and_removed(http: httpx.Client, house: ScriptedHouse, tmp_path: Path) -> None:
    film = tmp_path / "day.mp4"
    film.write_bytes(b"x")
    body = {"uri": str(film), "start_time": "2026-05-04T12:00:00Z", "realtime": True}
    assert http.post("/v1/sources", json=body).json() == {"name": "day.mp4"}
    assert house.watch_calls == [(str(film), NOON, True, None)]
    assert http.get("/v1/sources/day.mp4/done").status_code == 204
    assert http.post("/v1/sources/day.mp4/pause").json()["state"] == "paused"
    assert http.get("/v1/sources").json()["sources"][0]["state"] == "paused"
    done = http.get("/v1/sources/day.mp4/done").json()
    assert (done["event"], done["frames"], done["dropped"]) == ("done", 100, {"paused": 2})
    assert http.post("/v1/sources/day.mp4/resume").json()["state"] == "running"
    assert http.delete("/v1/sources/day.mp4").status_code == 204
    for method, path in (("POST", "/pause"), ("POST", "/resume"), ("DELETE", ""), ("GET", ""), ("GET", "/done")):
        assert http.request(method, f"/v1/sources/day.mp4{path}").status_code == 404


def test_a_source_name_may_hold_slashes(http: httpx.Client, house: ScriptedHouse) -> None:
    assert (
        http.post("/v1/sources", json={"uri": "rtsp://cam.local/live/1", "name": "cam/live/pause"}).status_code == 201
    )
    assert http.post("/v1/sources/cam%2Flive%2Fpause/pause").json()["state"] == "paused"
    assert http.get("/v1/sources/cam%2Flive%2Fpause").json()["name"] == "cam/live/pause"


@pytest.mark.parametrize(
    "uri",
    [
        "/no/such/file.mp4",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "concat:/etc/passwd|/etc/hosts",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "ftp://host/film.mp4",
        "http://",
        "rtsp:///path",
        "http://[::1",
        "webcam:",
        "webcam:-1",
        "webcam:0;rm",
        "data:video/mp4;base64,AAAA",
        "~nobody-of-this-name/film.mp4",
        "a\nb",
        "x" * 4000,
    ],
)
def test_only_what_can_be_watched_reaches_the_decoder(http: httpx.Client, house: ScriptedHouse, uri: str) -> None:
    answer = http.post("/v1/sources", json={"uri": uri})
    assert answer.status_code == 422
    assert house.watch_calls == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("there is none"), 404),
        (StoreBusy("process 12 writes"), 409),
        (ConfigError("no"), 400),
        (SourceError("no camera"), 422),
        (BackendUnavailable("no model"), 503),
        (BadOutput("nonsense"), 502),
        (StoreError("the disk is full"), 503),
        (Closing("shutting down"), 503),
        (PerStreamError("something"), 500),
    ],
)
def test_errors_of_the_house_are_problems(
    http: httpx.Client, house: ScriptedHouse, error: Exception, status: int
) -> None:
    house.error = error
    answer = http.post("/v1/ask", json={"question": "what?"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:perstream:{type(error).__name__}",
        "title": type(error).__name__,
        "status": status,
        "detail": str(error),
    }


def test_an_error_nobody_foresaw_tells_nothing_of_itself(http: httpx.Client, house: ScriptedHouse) -> None:
    house.error = RuntimeError("secret detail in /home/anna")
    answer = http.post("/v1/ask", json={"question": "what?"})
    assert answer.status_code == 500
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert http.get("/v1/status").status_code == 200


HOSTILE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"12",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"question": "\xff\xfe"}',
    b'{"question": null}',
    b'{"question": 5}',
    b'{"question": ["a"]}',
    b'{"question": {"a": 1}}',
    b'{"question": ""}',
    b'{"question": "  \\n "}',
    b'{"question": "a\\u0000b"}',
    b'{"question": "\\ud800"}',
    b'{"question": "a", "extra": 1}',
    b'{"question": "a", "stream": "yes"}',
    b'{"question": "a", "now": 5}',
    b'{"question": "a", "now": true}',
    b'{"question": "a", "now": "yesterday"}',
    b'{"question": "a", "now": "2026-05-04T12:00:00"}',
    b'{"question": "a", "now": "0001-01-01T00:00:00+14:00"}',
    b'{"question": "a", "now": "9999-12-31T23:59:59-14:00"}',
    b'{"question": NaN}',
    b'{"question": "a", "now": NaN}',
    b'{"question": 1e999}',
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b"[" * 60_000,
]


@pytest.mark.parametrize("body", HOSTILE, ids=[repr(body[:40]) for body in HOSTILE])
def test_a_hostile_body_is_refused_and_does_no_harm(http: httpx.Client, house: ScriptedHouse, body: bytes) -> None:
    answer = http.post("/v1/ask", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "detail"}
    assert len(answer.content) < 4000
    assert house.asked == []


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_kind_is_refused(http: httpx.Client, house: ScriptedHouse, kind: str) -> None:
    answer = http.post("/v1/ask", content=b"question=a", headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500 and house.asked == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/memories/0", None),
        ("GET", "/v1/memories/-1", None),
        ("GET", "/v1/memories/9223372036854775808", None),
        ("GET", "/v1/memories/" + "9" * 5000, None),
        ("GET", "/v1/memories/abc", None),
        ("GET", "/v1/memories/1.5", None),
        ("GET", "/v1/memories?limit=0", None),
        ("GET", "/v1/memories?limit=1000000", None),
        ("GET", "/v1/memories?before_id=x", None),
        ("GET", "/v1/memories?since=yesterday", None),
        ("GET", "/v1/memories?since=0001-01-01T00:00:00%2B14:00", None),
        ("GET", "/v1/memories?provenance=dreamt", None),
        ("POST", "/v1/recall", {"text": "a", "k": 0}),
        ("POST", "/v1/recall", {"text": "a", "k": True}),
        ("POST", "/v1/recall", {"text": "a", "k": "3"}),
        ("POST", "/v1/forget", {"selector": {"ids": ["1"]}}),
        ("POST", "/v1/forget", {"selector": {"ids": [10**30]}}),
        ("POST", "/v1/forget", {"selector": {"ids": [1], "all": True}}),
        ("POST", "/v1/forget", {"selector": {"ids": [1]}, "dry_run": "no"}),
        ("POST", "/v1/remember", {"text": "a" * 4001}),
        ("POST", "/v1/ask", {"question": "a" * 4001}),
        ("GET", "/v1/nothing", None),
        ("PUT", "/v1/ask", None),
        ("GET", "/v1/ask", None),
        ("GET", "/v1/sources/x/done?timeout=9999", None),
        ("GET", "/v1/sources/x/done?timeout=nan", None),
    ],
)
def test_what_does_not_fit_is_a_problem_of_the_client(
    http: httpx.Client, house: ScriptedHouse, method: str, path: str, body: Any
) -> None:
    answer = http.request(method, path, json=body)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(house.records) == 7


def test_a_question_that_is_too_long_says_how_long_it_may_be(http: httpx.Client) -> None:
    answer = http.post("/v1/ask", json={"question": "a" * 5000})
    assert answer.status_code == 413
    assert "4,000" in answer.json()["detail"]


def test_broken_names_in_the_store_do_not_break_the_answer(http: httpx.Client, house: ScriptedHouse) -> None:
    house.tell("a file called \udcff.mp4")
    assert http.get("/v1/memories").status_code == 200


def test_the_api_describes_itself(http: httpx.Client) -> None:
    paths = http.get("/v1/openapi.json").json()["paths"]
    assert {"/v1/ask", "/v1/remember", "/v1/memories", "/v1/events", "/v1/sources", "/healthz"} <= set(paths)


def test_times_are_kept_to_utc(http: httpx.Client, house: ScriptedHouse) -> None:
    http.post("/v1/remember", json={"text": "tea", "at": "2026-05-04T14:00:00.5+02:00"})
    assert house.told == [("tea", NOON + timedelta(seconds=0.5))]
