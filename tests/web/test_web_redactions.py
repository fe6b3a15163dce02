"""The account of what was left out, over HTTP."""

from __future__ import annotations

from web_fakes import ScriptedHouse

from perstream.types import MemoryRecord
from perstream.web.client import Client
from perstream.web.scopes import Scope, needed


def test_the_account_comes_as_it_is(client: Client, house: ScriptedHouse) -> None:
    assert client.redactions() == house.redactions()
    assert client.redactions(1) == house.redactions(1)
    assert needed("GET", "/v1/privacy/log") is Scope.READ


def test_what_was_left_out_of_a_told_fact_is_said(client: Client, house: ScriptedHouse) -> None:
    tell = house.tell

    def leaving_out(text: str, **how: object) -> MemoryRecord:
        record = tell(text)
        object.__setattr__(record, "redacted", {"card": 1})
        return record

    house.tell = leaving_out  # type: ignore[method-assign,assignment]
    try:
        assert client.tell("My card is [card number]").redacted == {"card": 1}
    finally:
        del house.tell
    assert client.tell("I like tea").redacted == {}
