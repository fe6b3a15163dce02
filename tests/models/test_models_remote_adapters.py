"""LoRA adapters that a server holds, in the way of vLLM."""

from __future__ import annotations

from typing import Any

import pytest
from remote_kit import talking

from perstream.errors import BackendError, BackendUnavailable, ConfigError, NotFound
from perstream.lab.stand_in_acts import Hang, Say, Status
from perstream.protocols import Adapters

BASE = {"id": "base", "owned_by": "vllm", "root": "org/base", "parent": None}
KITCHEN = {"id": "kitchen", "owned_by": "vllm", "root": "/loras/kitchen", "parent": "base"}


def by_name(body: dict[str, Any]) -> Say:
    return Say((f"I am {body['model']}.",))


def test_switching_is_asking_for_another_model() -> None:
    with talking(by_name, cards=(BASE, KITCHEN)) as talk:
        adapters: Adapters = talk.chat.adapters
        assert (adapters.names, adapters.active) == (("kitchen",), None)
        assert talk.ask() == "I am base."
        adapters.use("kitchen")
        assert (talk.ask(), adapters.active) == ("I am kitchen.", "kitchen")
        assert talk.chat.name.startswith("kitchen at ")
        adapters.use(None)
        assert talk.ask() == "I am base."
        assert {row.model for row in talk.chat.sent()} == {"base", "kitchen"}
        with pytest.raises(NotFound, match="no adapter 'base'; it has: kitchen"):
            adapters.use("base")


def test_loading_and_unloading_at_run_time() -> None:
    with talking(by_name, cards=(BASE,), loras=True) as talk:
        adapters = talk.chat.adapters
        adapters.load("garden", "/loras/garden")
        adapters.load("garden", "/loras/garden")  # nothing to do
        assert [h.body for h in talk.server.heard if h.path.endswith("load_lora_adapter")] == [
            {"lora_name": "garden", "lora_path": "/loras/garden"}
        ]
        adapters.use("garden")
        assert talk.ask() == "I am garden."
        with pytest.raises(BackendUnavailable, match="another adapter 'garden' already"):
            adapters.load("garden", "/loras/other")
        adapters.unload("garden")
        assert (adapters.active, adapters.names, talk.ask()) == (None, (), "I am base.")
        with pytest.raises(NotFound, match="it has: none"):
            adapters.unload("garden")


@pytest.mark.parametrize(
    ("server", "path", "words"),
    [
        ({}, "/loras/garden", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"),
        ({"loras": True}, "/loras/missing", "cannot be found at /loras/missing"),
        ({"extra": {"/v1/load_lora_adapter": Status(400, {"message": "rank 64"})}}, "/l", r"not loaded.*rank 64"),
        ({"extra": {"/v1/load_lora_adapter": Status(500, {"message": "rank 64"})}}, "/l", r"not loaded.*rank 64"),
    ],
)
def test_why_an_adapter_is_not_loaded(server: dict[str, Any], path: str, words: str) -> None:
    with talking(by_name, cards=(BASE,), **server) as talk, pytest.raises(BackendUnavailable, match=words):
        talk.chat.adapters.load("garden", path)


def test_adapters_of_the_settings_are_loaded_on_first_use_and_the_first_is_used() -> None:
    wanted = ("kitchen=/loras/kitchen", "garden=/loras/garden")
    with talking(by_name, cards=(BASE, KITCHEN), loras=True, config={"adapters": wanted}) as talk:
        assert talk.ask() == "I am kitchen."
        assert sorted(talk.chat.adapters.names) == ["garden", "kitchen"]
        talk.chat.adapters.use("garden")
        assert talk.ask() == "I am garden."
    for bad in ("kitchen", "=/x", "a="):
        with pytest.raises(ConfigError, match="NAME=PATH"), talking(by_name, config={"adapters": (bad,)}):
            pass


def test_adapters_that_cannot_be_loaded_are_an_error_each_time() -> None:
    with talking(by_name, cards=(BASE,), config={"adapters": ("kitchen=/loras/kitchen",)}) as talk:
        for _ in range(2):
            with pytest.raises(BackendUnavailable, match="loads no adapters at run time"):
                talk.ask()
        assert talk.server.chats == [], "the model as it came is not what was asked for"


def test_other_servers_show_none() -> None:
    with talking(by_name) as talk:
        assert talk.chat.adapters.names == ()


def test_names_are_looked_up_now_and_then_and_never_waited_for() -> None:
    now = [0.0]
    with talking(by_name, cards=(BASE, KITCHEN), clock=lambda: now[0]) as talk:
        for _ in range(3):
            assert talk.chat.adapters.names == ("kitchen",)
        assert len(talk.server.heard) == 1
        talk.server.extra["/v1/models"] = Status(500, {})
        now[0] = 11.0
        assert talk.chat.adapters.names == ("kitchen",), "as last known"
        with pytest.raises(BackendError):
            talk.chat.adapters.use("kitchen")
        talk.server.extra["/v1/models"] = Hang()
        now[0] = 22.0
        assert talk.chat.adapters.names == ("kitchen",)
        assert talk.server.dropped.wait(20), "given up before the server was"


def test_an_adapter_that_went_is_told_with_what_is_there() -> None:
    def answer(body: dict[str, Any]) -> Say | Status:
        gone = body["model"] == "kitchen"
        return Status(404, {"error": {"message": "The model `kitchen` does not exist."}}) if gone else by_name(body)

    with talking(answer, cards=(BASE, KITCHEN)) as talk:
        talk.chat.adapters.use("kitchen")
        talk.server.cards.pop()
        with pytest.raises(BackendUnavailable, match="no model 'kitchen'; it has: base"):
            talk.ask()
