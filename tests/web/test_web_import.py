"""POST /v1/import: what the client read in a file."""

from __future__ import annotations

from datetime import datetime, timezone

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.imports.item import Imported, Outcome
from perstream.web.client import Client
from perstream.web.scopes import Scope, needed

AT = datetime(2026, 12, 3, 8, tzinfo=timezone.utc)
THING = {"origin": "calendar:work.ics", "key": "1", "text": "Dentist"}


def test_the_client_hands_things_over(client: Client, house: ScriptedHouse) -> None:
    items = [
        Imported("calendar:work.ics", "1", "Dentist", AT, AT, AT, AT, revises=False, ended=True),
        Imported("mem0", "2", "I like tea"),
    ]
    taken = client.import_all(items)
    assert house.imported == items
    assert [(one.outcome, one.memory_id) for one in taken] == [(Outcome.NEW, 100), (Outcome.NEW, 101)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": [THING] * 65},
        {"items": [{**THING, "text": "x" * 2001}]},
        {"items": [{**THING, "text": " "}]},
        {"items": [{**THING, "text": "\x00"}]},
        {"items": [{**THING, "at": 5}]},
        {"items": [{**THING, "path": "/etc/passwd"}]},
        {"items": [{"key": "1", "text": "x"}]},
    ],
)
def test_what_cannot_be_used_is_refused(http: httpx.Client, house: ScriptedHouse, body: object) -> None:
    assert http.post("/v1/import", json=body).status_code == 422
    assert house.imported == []


def test_it_writes() -> None:
    assert needed("POST", "/v1/import") is Scope.WRITE
