"""LoRA adapters over HTTP and through the client."""

from __future__ import annotations

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.errors import BackendUnavailable, NotFound
from perstream.web.client import Client


def test_adapters_are_listed_loaded_switched_and_let_go(client: Client, house: ScriptedHouse) -> None:
    adapters = client.adapters()
    assert (adapters.names, adapters.active) == (("home",), None)
    adapters.load("work", "/adapters/work")
    adapters.use("work")
    assert (adapters.names, adapters.active) == (("home", "work"), "work")
    assert house.listed.loaded["work"] == "/adapters/work"
    adapters.use(None)
    adapters.unload("work")
    assert (adapters.names, adapters.active) == (("home",), None)


def test_what_goes_wrong_keeps_its_name(client: Client, house: ScriptedHouse) -> None:
    adapters = client.adapters()
    with pytest.raises(NotFound, match="no adapter nobody"):
        adapters.use("nobody")
    with pytest.raises(NotFound):
        adapters.unload("a/b")
    with pytest.raises(BackendUnavailable, match="is no adapter"):
        adapters.load("work", "/missing")
    house.error = NotFound("the backend builtin takes no adapters")
    with pytest.raises(NotFound, match="takes no adapters"):
        _ = adapters.names


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 65}, {"name": 3}, {"name": "a", "more": 1}])
def test_bad_bodies_are_refused(http: httpx.Client, body: dict[str, object]) -> None:
    assert http.put("/v1/adapters/active", json=body).status_code == 422
    assert http.post("/v1/adapters", json=body).status_code == 422
