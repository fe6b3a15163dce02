"""Alerts over the API, and to a client."""

from __future__ import annotations

from datetime import datetime, timezone

import httpx
from web_fakes import ScriptedHouse

from perstream.daemon.upkeep_state import Alert
from perstream.events import AlertRaised
from perstream.jsonlines import event_to_json
from perstream.web.client import Client
from perstream.web.scopes import Scope, needed
from perstream.web.wire import event_from_json

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
FULL = Alert("disk_low", "/store", "only 3 MB are free where /store is: free some, or memories are lost", NOON, True)


def test_alerts_are_listed_for_whoever_may_look(http: httpx.Client, house: ScriptedHouse) -> None:
    assert http.get("/v1/alerts").json() == {"alerts": []}
    house.raised = [FULL]
    (alert,) = http.get("/v1/alerts").json()["alerts"]
    assert alert == {
        "rule": "disk_low", "subject": "/store", "text": FULL.text, "since": NOON.isoformat(), "urgent": True,
    }  # fmt: skip
    assert needed("GET", "/v1/alerts") is Scope.READ


def test_a_client_has_them_as_the_house_has(client: Client, house: ScriptedHouse) -> None:
    house.raised = [FULL]
    assert client.alerts() == [FULL]


def test_the_event_comes_back_as_it_went() -> None:
    raised = AlertRaised(NOON, None, None, "disk_low", "/store", "free some", True)
    back = event_from_json(event_to_json(raised))
    assert back == raised
