"""Puts a chat model behind the stand-in server: the way over HTTP with a model at its end, on one machine.

``python -m perstream.lab.stand_in_model FOLDER`` serves a model of this process's own kind from a folder.
"""

from __future__ import annotations

import base64
import io
import sys
import wave
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from perstream.config import BackendConfig
from perstream.errors import BackendError
from perstream.lab.stand_in_acts import Act, Live, Status
from perstream.lab.stand_in_server import StandIn
from perstream.models.chat.messages import ChatModel, Message, Part, Picture, Sampling, Sound


def served(model: ChatModel) -> Callable[[dict[str, Any]], Act]:
    """Answers for a StandIn, made by ``model``; what it refuses is a 400 as from a real server."""

    def answer(body: dict[str, Any]) -> Act:
        try:
            messages = tuple(_message(row) for row in body["messages"])
        except (KeyError, ValueError, OSError) as error:
            return Status(400, {"error": {"message": f"cannot read the messages: {error}"}})
        kinds = {type(part) for message in messages for part in message.parts}
        if (Picture in kinds and not model.abilities.pictures) or (Sound in kinds and not model.abilities.sound):
            return Status(400, {"error": {"message": "this is not a multimodal model"}})
        sampling = Sampling(body.get("max_tokens", 200), body.get("temperature", 0.0), _schema(body))

        def speak(say: Callable[[str], None]) -> None:
            model.reply(messages, sampling, say, lambda: False)

        return Live(speak)

    return answer


def _message(row: Mapping[str, Any]) -> Message:
    content = row["content"]
    parts = (content,) if isinstance(content, str) else tuple(_part(part) for part in content)
    return Message(row["role"], parts)


def _part(part: Mapping[str, Any]) -> Part:
    if part["type"] == "text":
        return str(part["text"])
    if part["type"] == "image_url":
        raw = base64.b64decode(part["image_url"]["url"].partition(",")[2])
        return Picture(np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")))
    with wave.open(io.BytesIO(base64.b64decode(part["input_audio"]["data"]))) as heard:
        return Sound(np.frombuffer(heard.readframes(heard.getnframes()), "<i2").astype(np.int16))


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    held: Mapping[str, Any] = body.get("response_format", {}).get("json_schema", {})
    return held.get("schema")


def _main(folder: str) -> None:
    from perstream.models.omni.loading import load_model
    from perstream.models.omni.model import OmniChat

    model = OmniChat(load_model(BackendConfig(model_path=folder)))
    with StandIn(served(model), cards=({"id": model.name, "owned_by": "lab"},), port=8000) as server:
        print(f"OPENAI_BASE_URL={server.url}   (Ctrl-C ends it)")
        try:
            server.over.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    try:
        _main(sys.argv[1])
    except (IndexError, BackendError) as error:
        sys.exit(f"usage: python -m perstream.lab.stand_in_model FOLDER ({error})")
