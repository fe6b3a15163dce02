"""Words said unasked over HTTP and through the client."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import httpx
import pytest
from web_fakes import NOON, ScriptedHouse

from perstream.errors import NotFound
from perstream.web.client import Client


def test_a_word_is_listed_dismissed_and_stays_away(client: Client, house: ScriptedHouse, http: httpx.Client) -> None:
    number = house.say("reminder:3", NOON)
    listed = http.get("/v1/proactive").json()
    (word,) = listed["words"]
    assert (word["id"], word["said"], word["reason"], word["source"]) == (number, True, None, "cam")
    assert client.rate_word(number, "dismissed").feedback == "dismissed"
    assert house.say("reminder:3", NOON + timedelta(hours=2)) == 0
    state = client.proactive(said=False)
    assert [one.reason for one in state.words] == ["dismissed"]
    assert "rests until" in state.words[0].detail
    assert state.silences == {"dismissed": 1}
    assert client.proactive(said=True).words[0].id == number


def test_weights_are_read_and_taken_back(client: Client, house: ScriptedHouse) -> None:
    client.rate_word(house.say("lost:1", NOON), "useful")
    weights = {one.topic: one.weight for one in client.speech_weights()}
    assert weights == {"lost:1": pytest.approx(0.2), "kind:lost": pytest.approx(0.2)}
    assert client.reset_weights("lost:1") == 1
    assert [one.topic for one in client.speech_weights()] == ["kind:lost"]
    assert client.reset_weights() == 1


def test_snooze_and_do_not_disturb(client: Client, house: ScriptedHouse) -> None:
    until = datetime.now(timezone.utc) + timedelta(hours=1)
    client.snooze("", until)
    assert house.say("a", NOON) == 0
    assert [(one.topic, one.snoozed_until) for one in client.proactive().snoozed] == [("", until)]
    client.snooze("", None)
    assert client.do_not_disturb() is False
    assert client.do_not_disturb(True) is True
    assert client.proactive().do_not_disturb
    assert house.say("b", NOON) == 0
    assert client.do_not_disturb(False) is False
    assert house.say("b", NOON) > 0


def test_feedback_on_nothing_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="no word 99"):
        client.rate_word(99, "useful")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("1/feedback", {"verdict": "lovely"}),
        ("1/feedback", {}),
        ("0/feedback", {"verdict": "useful"}),
        ("snooze", {"topic": "a"}),
        ("snooze", {"topic": "x" * 501, "until": None}),
        ("snooze", {"topic": "a", "until": "tomorrow"}),
        ("snooze", {"topic": "a", "until": 1770000000}),
    ],
)
def test_bad_bodies_are_refused(http: httpx.Client, path: str, body: dict[str, object]) -> None:
    assert http.post(f"/v1/proactive/{path}", json=body).status_code == 422
    assert http.put("/v1/proactive/dnd", json={"on": "yes"}).status_code == 422
