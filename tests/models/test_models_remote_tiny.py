"""The whole way over HTTP with a real model at its end: the tiny Qwen2.5-Omni behind the stand-in server."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest
from remote_kit import talking

from perstream.errors import BackendUnavailable, BadOutput, Interrupted
from perstream.models.chat.messages import Abilities, Message, Picture, Sampling, Sound

pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from perstream.lab.stand_in_acts import Live
from perstream.lab.stand_in_model import served
from perstream.lab.tiny_cups import QUESTION, RGB, SETTING, answer, draw_cup
from perstream.models.omni.model import OmniChat

LOOKING = {"pictures": "always", "sound": "always"}


def test_it_says_over_http_what_it_says_here(loaded_omni: Any) -> None:
    model = OmniChat(loaded_omni)
    messages = (Message("system", (SETTING,)), Message("user", ("The cup is red. ", QUESTION)))
    here: list[str] = []
    text = model.reply(messages, Sampling(12), here.append, lambda: False)
    with talking(served(model)) as talk:
        there: list[str] = []
        assert talk.chat.reply(messages, Sampling(12), there.append, lambda: False) == text
        assert "".join(there).strip() == text and len(there) > 1
        (row,) = talk.chat.sent()
        assert row.estimated == 1 and row.tokens_out >= len(there)


def test_it_sees_the_colour_through_a_jpeg(loaded_trained: Any) -> None:
    rng = np.random.default_rng(5)
    with talking(served(OmniChat(loaded_trained)), config=LOOKING) as talk:
        said = []
        for colour in RGB:
            cup = Picture(draw_cup(colour, rng))
            messages = (Message("system", (SETTING,)), Message("user", (cup, QUESTION)))
            said.append(talk.chat.reply(messages, Sampling(12), lambda _: None, lambda: False))
        assert said == [answer(colour) for colour in RGB]


def test_sound_and_pictures_arrive(loaded_omni: Any) -> None:
    model = OmniChat(loaded_omni)
    rng = np.random.default_rng(0)
    sound = Sound(rng.integers(-9000, 9000, 16_000).astype(np.int16))
    with talking(served(model), config=LOOKING) as talk:
        message = (Message("user", (sound, "What do you hear?")),)
        direct = model.reply(message, Sampling(8), lambda _: None, lambda: False)
        assert talk.chat.reply(message, Sampling(8), lambda _: None, lambda: False) == direct


def test_a_cancel_stops_the_model_on_the_server(loaded_omni: Any) -> None:
    model = OmniChat(loaded_omni)
    ended = threading.Event()

    def slow(body: dict[str, Any]) -> Live:
        made = served(model)(body)
        assert isinstance(made, Live)

        def speak(say: Any) -> None:
            try:
                made.speak(say)
            finally:
                ended.set()

        return Live(speak)

    with talking(slow) as talk:
        said: list[str] = []
        message = (Message("user", (QUESTION,)),)
        with pytest.raises(Interrupted):
            talk.chat.reply(message, Sampling(2000, 1.0), said.append, lambda: bool(said))
        assert ended.wait(20), "the model noticed that nobody listens"


def test_a_model_that_knows_nothing_is_not_believed_to_see(loaded_omni: Any) -> None:
    with talking(served(OmniChat(loaded_omni)), config={"pictures": "auto"}) as talk:
        assert talk.chat.abilities == Abilities()


def test_a_prompt_beyond_its_context_is_told(loaded_omni: Any) -> None:
    with talking(served(OmniChat(loaded_omni))) as talk, pytest.raises((BackendUnavailable, BadOutput)):
        talk.ask("cup " * 20_000)


def test_what_the_server_hears_is_plain_json(loaded_omni: Any) -> None:
    with talking(served(OmniChat(loaded_omni)), config=LOOKING) as talk:
        talk.ask(parts=(Picture(draw_cup("red", np.random.default_rng(0))),), sampling=Sampling(4))
        assert json.dumps(talk.server.chats[0])
