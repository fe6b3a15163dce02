"""Whether a served model sees and hears: told by the server, else tried once; never guessed from a name."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from remote_kit import talking

from perstream.errors import BackendError
from perstream.lab.stand_in_acts import Act, Say, Status
from perstream.models.chat.messages import Abilities, Picture

AUTO = {"pictures": "auto", "sound": "auto"}
PICTURE = Picture(np.zeros((30, 30, 3), np.uint8))


def parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    content = body["messages"][0]["content"]
    return content if isinstance(content, list) else []


def colour(body: dict[str, Any]) -> str:
    """What a model that sees would say."""
    for part in parts(body):
        if part["type"] == "image_url":
            data = part["image_url"]["url"].partition(",")[2]
            r, g, b = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))[50, 50].tolist()
            return "Yellow." if r > 150 and g > 150 else {r: "It is red.", g: "green", b: "Blue"}[max(r, g, b)]
    return "I see nothing."


def seeing(body: dict[str, Any]) -> Act:
    heard = any(part["type"] == "input_audio" for part in parts(body))
    return Say((colour(body),), usage=(45 if heard else 20, 2))


def text_alone(body: dict[str, Any]) -> Act:
    if parts(body):
        return Status(400, {"error": {"message": "stand-in is not a multimodal model"}})
    return Say(("Hello.",))


@pytest.mark.parametrize(
    ("answer", "abilities"),
    [
        (seeing, Abilities(True, None, True)),
        (text_alone, Abilities(False, None, False)),
        (lambda body: Say(("I cannot see pictures.",), usage=(20, 2)), Abilities(False, None, False)),
        (lambda body: Say(("red, green, blue, yellow",), usage=(20, 2)), Abilities(False, None, False)),
        (lambda body: Say((colour(body),), usage=None), Abilities(True, None, False)),
        (lambda body: Say(("x",), usage=(len(str(body)), 2)), Abilities(False, None, False)),  # base64 read as text
    ],
)
def test_tried_once(answer: Any, abilities: Abilities) -> None:
    with talking(answer, config=AUTO) as talk:
        assert talk.chat.abilities == abilities
        calls = len(talk.server.chats)
        assert calls <= 3
        assert talk.chat.abilities == abilities
        assert len(talk.server.chats) == calls, "remembered"
        (row,) = talk.chat.sent()
        assert row.kind == "probe" and row.calls == calls, "and it is counted"


@pytest.mark.parametrize(
    ("card", "extra", "abilities"),
    [
        ({"architecture": {"input_modalities": ["text", "image"]}}, {}, Abilities(True, None, False)),
        ({"architecture": {"input_modalities": ["text"]}}, {}, Abilities()),
        ({"architecture": {"input_modalities": ["text", "vision", "audio"]}}, {}, Abilities(True, None, True)),
        (
            {"owned_by": "library"},
            {"/api/show": Status(200, {"capabilities": ["completion", "vision"]})},
            Abilities(True, None, False),
        ),
        ({"owned_by": "library"}, {"/api/show": Status(200, {"capabilities": ["completion"]})}, Abilities()),
        (
            {"owned_by": "llamacpp"},
            {"/props": Status(200, {"modalities": {"vision": True, "audio": True}})},
            Abilities(True, None, True),
        ),
        ({"owned_by": "llamacpp"}, {"/props": Status(200, {"modalities": {"vision": False}})}, Abilities()),
    ],
)
def test_told_by_the_server(card: dict[str, Any], extra: dict[str, Act], abilities: Abilities) -> None:
    with talking([], config=AUTO, cards=({"id": "m", **card},), extra=extra) as talk:
        assert talk.chat.abilities == abilities
        assert talk.server.chats == [], "no trying where the server says it"


def test_a_server_that_does_not_say_what_it_could_is_tried() -> None:
    with talking(seeing, config=AUTO, cards=({"id": "m", "owned_by": "llamacpp"},)) as talk:
        assert talk.chat.abilities.pictures


def test_the_settings_go_first() -> None:
    for pictures in ("always", "never"):
        with talking([], config={"pictures": pictures, "sound": "never"}) as talk:
            assert talk.chat.abilities == Abilities(pictures == "always", None, False)
            assert talk.server.heard == []
    with talking(seeing, config={"pictures": "never", "sound": "auto"}) as talk:
        assert talk.chat.abilities == Abilities(False, None, True)
        assert not [part for body in talk.server.chats for part in parts(body) if part["type"] == "image_url"]


def test_a_server_that_is_not_there_gets_text_and_is_asked_again_later() -> None:
    now = [0.0]
    acts: list[Act] = [Status(401, {})]

    def answer(body: dict[str, Any]) -> Act:
        return acts[0] if acts else seeing(body)

    with talking(answer, config=AUTO, clock=lambda: now[0]) as talk:
        assert talk.chat.abilities == Abilities()
        calls = len(talk.server.chats)
        assert talk.chat.abilities == Abilities()
        assert len(talk.server.chats) == calls, "not at every look"
        acts.clear()
        now[0] = 61.0
        assert talk.chat.abilities == Abilities(True, None, True)


def test_pictures_that_are_refused_after_all_are_not_sent_again() -> None:
    told = {"id": "m", "architecture": {"input_modalities": ["text", "image"]}}
    with talking(text_alone, config=AUTO, cards=(told,)) as talk:
        assert talk.chat.abilities.pictures
        with pytest.raises(BackendError, match="not a multimodal model"):
            talk.ask(parts=(PICTURE,))
        assert not talk.chat.abilities.pictures
        assert talk.ask() == "Hello."
