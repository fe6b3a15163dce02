"""The parts of a backend that a chat model makes up, with the builtin ones behind them."""

from __future__ import annotations

from dataclasses import dataclass

from perstream.config import BackendConfig
from perstream.models.builtin import BuiltinGenerator
from perstream.models.chat.captioner import ChatCaptioner
from perstream.models.chat.fallback import Fallbacks
from perstream.models.chat.generator import ChatGenerator
from perstream.models.chat.messages import ChatModel
from perstream.models.chat.triplets import ChatTriplets
from perstream.protocols import TextEmbedder


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What is said through one chat model."""

    captioner: ChatCaptioner
    triplets: ChatTriplets
    generator: ChatGenerator
    fallbacks: Fallbacks
    """Counts how often the builtin parts stood in."""


def chat_parts(chat: ChatModel, embedder: TextEmbedder, config: BackendConfig) -> ChatParts:
    """Captions, triplets, answers and proactive words by ``chat``; where it fails, the builtin ones."""
    fallbacks = Fallbacks(chat.name)
    builtin = BuiltinGenerator(embedder, config.answer_threshold)
    return ChatParts(
        captioner=ChatCaptioner(chat, None, fallbacks),
        triplets=ChatTriplets(chat, None, fallbacks),
        generator=ChatGenerator(chat, embedder, config, builtin, fallbacks),
        fallbacks=fallbacks,
    )
