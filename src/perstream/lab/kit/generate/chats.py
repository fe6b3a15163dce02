"""The model that writes a dataset, by the name of a backend."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from perstream.config import BackendConfig
from perstream.errors import BackendUnavailable, ConfigError
from perstream.lab.kit.generate.templates import TemplateChat
from perstream.models.chat.messages import ChatModel

CHATS = ("openai", "qwen-omni", "builtin")


def open_chat(config: BackendConfig, workers: int = 8) -> tuple[ChatModel, Callable[[], None]]:
    """The chat model of ``config.name``, and what closes it. ``builtin`` is templates, for trying things out.

    ``workers`` calls go to a server at once. The daemon's hourly budget does not hold here: what a run costs is said before it starts. ConfigError for a backend
    without a model, BackendUnavailable for one that cannot run.
    """
    if config.name == "builtin":
        return TemplateChat(), lambda: None
    if config.name == "openai":
        from perstream.models.remote.chat import RemoteChat

        settings = replace(config, calls_per_hour=0, tokens_per_hour=0, adapters=(), sound="never")
        chat = RemoteChat(settings, os.environ, connections=workers)
        if chat.name.startswith("the model at "):
            # Answers are kept by the model's name: it must be the same before and after the first call.
            listed = chat.models()
            if len(listed) != 1:
                chat.close()
                raise BackendUnavailable(f"the server has {len(listed)} models: choose one with MODEL_ID (--model)")
            chat.close()
            chat = RemoteChat(replace(settings, served_model=listed[0]), os.environ, connections=workers)
        return chat, chat.close
    if config.name == "qwen-omni":
        from perstream.models.omni.loading import load_model
        from perstream.models.omni.model import OmniChat

        return OmniChat(load_model(config, note=lambda _: None)), lambda: None
    raise ConfigError(f"no model writes datasets in backend {config.name!r}: choose one of {', '.join(CHATS)}")
