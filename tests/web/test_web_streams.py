from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_fakes import NOON, ScriptedHouse

from perstream.config import ServerConfig
from perstream.errors import BackendUnavailable
from perstream.events import GateDecided
from perstream.web.server import Server


def parsed(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, object]]]:
    name = ""
    for line in lines:
        if line.startswith(":"):
            yield "comment", {}
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def until(condition) -> None:  # type: ignore[no-untyped-def]
    tick = threading.Event()
    for _ in range(1000):
        if condition():
            return
        tick.wait(0.005)
    raise AssertionError("it did not happen in time")


def test_a_streamed_answer_comes_in_pieces_before_it_is_whole(http: httpx.Client, house: ScriptedHouse) -> None:
    house.hold.clear()
    with http.stream("POST", "/v1/ask", json={"question": "Which platform?", "stream": True}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = parsed(answer.iter_lines())
        assert next(events) == ("token", {"text": "Platform "})
        assert next(events) == ("token", {"text": "4."})
        house.hold.set()  # only now may the house finish
        kind, reply = next(events)
        assert (kind, reply["answer"], reply["abstained"]) == ("reply", "Platform 4.", False)
        assert list(events) == []


def test_an_answer_is_given_up_when_its_client_goes_away(http: httpx.Client, house: ScriptedHouse) -> None:
    house.hold.clear()
    with http.stream("POST", "/v1/ask", json={"question": "Which platform?", "stream": True}) as answer:
        assert next(parsed(answer.iter_lines()))[0] == "token"
        assert not house.withdrawn.is_set()
    assert house.withdrawn.wait(5)


def test_an_error_while_answering_is_an_event(http: httpx.Client, house: ScriptedHouse) -> None:
    house.error = BackendUnavailable("the model server is gone")
    with http.stream("POST", "/v1/ask", json={"question": "what?", "stream": True}) as answer:
        ((kind, problem),) = parsed(answer.iter_lines())
    assert (kind, problem["status"], problem["detail"]) == ("error", 503, "the model server is gone")


def test_events_arrive_as_they_happen(http: httpx.Client, house: ScriptedHouse) -> None:
    with http.stream("GET", "/v1/events") as answer:
        events = parsed(answer.iter_lines())
        assert next(events)[0] == "comment"  # it listens
        house.bus.publish(GateDecided(NOON, "cam", 1.5, "travel", 0.61, True))
        assert next(events) == (
            "gate",
            {
                "event": "gate",
                "at": NOON.isoformat(),
                "source": "cam",
                "pts_s": 1.5,
                "category": "travel",
                "score": 0.61,
                "remembered": True,
            },
        )


def test_a_client_that_goes_away_is_forgotten(http: httpx.Client, house: ScriptedHouse) -> None:
    with http.stream("GET", "/v1/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        assert len(house.bus._subscriptions) == 1
    until(lambda: len(house.bus._subscriptions) == 0)


def test_silence_has_a_heartbeat(house: ScriptedHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(house, ServerConfig(port=0), tmp_path, heartbeat_s=0.02) as server:
        headers = {"Authorization": f"Bearer {server.token_file.read_text().strip()}"}
        with httpx.stream("GET", f"{server.url}/v1/events", headers=headers, trust_env=False) as answer:
            kinds = [line for line, _ in zip(answer.iter_lines(), range(6), strict=False)]
    assert kinds.count(": beat") == 2


def test_when_the_house_closes_its_bus_the_stream_ends(http: httpx.Client, house: ScriptedHouse) -> None:
    with http.stream("GET", "/v1/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        house.bus.close()
        assert [line for line in lines if line] == []
