"""The examples of docs/HOME_ASSISTANT.md: read, their requests sent, their templates given real answers."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
import yaml
from web_fakes import NOON, ScriptedHouse

from perstream.daemon.status import SourceState
from perstream.events import AlertRaised, Event, ProactiveSaid
from perstream.jsonlines import event_to_json, evidence_of
from perstream.web.scopes import Scope, needed

PAGE = (Path(__file__).parents[2] / "docs" / "HOME_ASSISTANT.md").read_text(encoding="utf-8")
SAID = {"question": 'Where is "it"?\n', "text": "Anna's\\train", "source": "kitchen", "on": True}
SAID |= {"uri": "rtsp://127.0.0.1:8554/kitchen", "name": "kitchen"}


class Secret(str):
    """What !secret names."""


class Reader(yaml.SafeLoader):
    """YAML with Home Assistant's tag."""


Reader.add_constructor("!secret", lambda loader, node: Secret(loader.construct_scalar(node)))


def blocks(file: str) -> list[Any]:
    found = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == PAGE.count("```yaml")
    return [yaml.load(text, Reader) for name, text in found if name == file]


COMMANDS: dict[str, dict[str, Any]] = {
    name: command for block in blocks("configuration.yaml") for name, command in block.get("rest_command", {}).items()
}
SENSORS = [one for block in blocks("configuration.yaml") for one in block.get("rest", ())]
AUTOMATIONS = [one for block in blocks("automations.yaml") for one in block]


def filled(template: str) -> str:
    """As Home Assistant would, as far as these examples go."""

    def value(found: re.Match[str]) -> str:
        name, how = found[1], found[2]
        return json.dumps(SAID[name]) if how == "tojson" else quote(str(SAID[name]))

    done = re.sub(r"\{\{ (\w+) \| (tojson|urlencode) \}\}", value, template)
    assert "{{" not in done, f"what would fill {done}?"
    return done


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_taken(name: str, http: httpx.Client, house: ScriptedHouse) -> None:
    house.watched["kitchen"] = SourceState.RUNNING
    command = COMMANDS[name]
    assert command["headers"] == {"authorization": "perstream_token"}
    assert isinstance(command["headers"]["authorization"], Secret)
    address = urlsplit(filled(command["url"]))
    assert (address.scheme, address.netloc) == ("http", "127.0.0.1:8765")
    body = filled(command["payload"]) if "payload" in command else None
    headers = {"content-type": command["content_type"]} if "content_type" in command else {}
    answer = http.request(command["method"].upper(), address.path, content=body, headers=headers)
    assert answer.is_success, answer.text
    assert needed(command["method"].upper(), address.path) <= Scope.WRITE, "more than the token may"
    if body is not None:
        assert set(json.loads(body).values()) <= set(SAID.values())


def test_questions_reach_the_house_as_they_were_said(http: httpx.Client, house: ScriptedHouse) -> None:
    command = COMMANDS["perstream_ask"]
    reply = http.post(
        "/v1/ask", content=filled(command["payload"]), headers={"content-type": "application/json"}
    ).json()
    assert house.asked[-1][0] == SAID["question"] and reply["answer"] == "Platform 4."
    texts = " ".join(str(one) for one in AUTOMATIONS)
    for part in re.findall(r"reply\.content\.(\w+)", texts):
        assert part in reply


def test_each_sensor_finds_its_value(http: httpx.Client, house: ScriptedHouse) -> None:
    seen = 0
    for block in SENSORS:
        answer = http.get(urlsplit(block["resource"]).path)
        assert answer.is_success
        for sensor in (*block.get("sensor", ()), *block.get("binary_sensor", ())):
            found = re.fullmatch(r"\{\{ value_json((?:\.\w+)+)(?: \| length)? \}\}", sensor["value_template"])
            assert found is not None, sensor["value_template"]
            value: Any = answer.json()
            for key in found[1].strip(".").split("."):
                value = value[key]
            assert value is not None
            seen += 1
    assert seen >= 5


@pytest.mark.parametrize(
    "event",
    [
        ProactiveSaid(NOON, "kitchen", 1.0, "t", (), "w", "hazard:x", 3, 3),
        AlertRaised(NOON, "kitchen", None, "source_gone", "kitchen", "t", True),
    ],
)
def test_the_examples_of_what_is_posted_are_what_is_posted(event: Event, house: ScriptedHouse) -> None:
    examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    (shown,) = [one for one in examples if one["event"] == event.event]
    assert set(shown) == set(event_to_json(event))
    for evidence in shown.get("evidence", ()):
        assert set(evidence) == {one.name for one in fields(evidence_of(house.records[3], 0.9))}
    known = {key for one in examples for key in one}
    assert set(re.findall(r"trigger\.json\.(\w+)", str(AUTOMATIONS))) <= known


def test_automations_are_whole_and_call_what_there_is() -> None:
    assert len({one["alias"] for one in AUTOMATIONS}) == len(AUTOMATIONS) >= 4
    for one in AUTOMATIONS:
        assert one["triggers"] and one["actions"] and one["mode"] in ("single", "queued")
    text = str(AUTOMATIONS)
    assert set(re.findall(r"rest_command\.(\w+)", text)) <= set(COMMANDS)
    secrets = {name for block in blocks("secrets.yaml") for name in block}
    used = set(re.findall(r"!secret (\w+)", PAGE))
    assert used == secrets
