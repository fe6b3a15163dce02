"""Pause everything, what leaves the machine, what is given up with age, and masks: over the API and by the client."""

from __future__ import annotations

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.daemon.status import SourceState
from perstream.errors import NotFound
from perstream.web.client import Client
from perstream.web.scopes import Scope, needed


def test_everything_is_paused_and_goes_on(http: httpx.Client, house: ScriptedHouse) -> None:
    house.watch("a.mp4")
    house.watch("b.mp4")
    assert http.get("/v1/pause").json() == {"paused": False}
    assert http.post("/v1/pause").json() == {"paused": True}
    assert set(house.watched.values()) == {SourceState.PAUSED}
    assert http.get("/v1/pause").json() == {"paused": True}
    assert http.post("/v1/resume").json() == {"paused": False}
    assert set(house.watched.values()) == {SourceState.RUNNING}


def test_the_client_pauses_one_or_all_in_one_call(client: Client, house: ScriptedHouse) -> None:
    house.watch("a.mp4")
    house.watch("odd/name?.mp4", name="odd/name?.mp4")
    client.pause("odd/name?.mp4")
    assert house.watched["odd/name?.mp4"] is SourceState.PAUSED and not client.paused
    client.pause()
    assert client.paused and house.watched["a.mp4"] is SourceState.PAUSED
    client.resume()
    assert not client.paused
    with pytest.raises(NotFound):
        client.pause("nobody")


def test_what_leaves_is_told(http: httpx.Client, client: Client, house: ScriptedHouse) -> None:
    told = http.get("/v1/network").json()
    assert told["leaves"] is True and told["ways"][0]["setting"] == "delivery.webhook"
    assert client.network() == house.network()


def test_retention_is_shown_and_done(http: httpx.Client, client: Client) -> None:
    assert http.get("/v1/retention").json()["rules"] == [{"rule": "*=30d", "keep_s": 2592000.0, "memories": 4}]
    assert http.post("/v1/retention", json={}).json()["dry_run"] is True, "nothing is removed by mistake"
    assert http.post("/v1/retention", json={"dry_run": False}).json()["removed"] == 4
    assert http.post("/v1/retention", json={"dry_run": "no"}).status_code == 422
    assert client.retention().removed == 0 and client.retention(dry_run=False).removed == 4


def test_masks_go_with_a_source(http: httpx.Client, client: Client, house: ScriptedHouse) -> None:
    client.watch("webcam:0", masks=["0 0 0.5 1", "0.9 0.9 0.1 0.1"])
    assert tuple(house.masks) == ("0 0 0.5 1", "0.9 0.9 0.1 0.1")
    for masks in ("0 0 1 1", [3], ["x" * 500], ["0 0 1 1"] * 65):
        assert http.post("/v1/sources", json={"uri": "webcam:0", "masks": masks}).status_code == 422


def test_who_may() -> None:
    assert needed("GET", "/v1/network") is needed("GET", "/v1/retention") is needed("GET", "/v1/pause") is Scope.READ
    assert needed("POST", "/v1/pause") is needed("POST", "/v1/resume") is needed("POST", "/v1/retention") is Scope.WRITE
