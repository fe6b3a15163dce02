"""The backend ``openai``: an OpenAI-compatible server captions and answers; seeing and finding stay here."""

from __future__ import annotations

import os
from pathlib import Path

from perstream.config import BackendConfig, MomentConfig
from perstream.models.builtin_vision import BuiltinVision
from perstream.models.chat.parts import chat_parts
from perstream.models.minilm import MiniLM
from perstream.models.remote.chat import RemoteChat
from perstream.protocols import Backend


def load(config: BackendConfig, moment: MomentConfig) -> Backend:
    """Wire it up; the server is not spoken to before it is needed. BackendUnavailable when none is named."""
    embedder = MiniLM(Path(config.embedder_path) if config.embedder_path else None)
    chat = RemoteChat(config, os.environ)
    parts = chat_parts(chat, embedder, config)
    return Backend(
        name="openai",
        vision=BuiltinVision(moment.pool_size),
        captioner=parts.captioner,
        triplets=parts.triplets,
        embedder=embedder,
        generator=parts.generator,
        hears=config.sound != "never",
        slow=True,
        adapters=chat.adapters,
        sent=chat.sent,
        spent=chat.spent,
        fell_back=lambda: parts.fallbacks.counts,
        close=chat.close,
    )
