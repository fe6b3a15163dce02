"""Messages as the body of a chat request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perstream.errors import BackendError
from perstream.models.chat.messages import Abilities, Message, Patches, Picture
from perstream.models.remote.media import jpeg, wav

_CHARS_PER_TOKEN = 4
"""Rule of thumb for English; only for budgets, and only where the server does not count."""


@dataclass(frozen=True, slots=True)
class Said:
    """Messages ready to be sent."""

    messages: list[dict[str, Any]]
    tokens: int
    """Guessed."""
    pictures: int
    sounds: int


def said(messages: Sequence[Message], abilities: Abilities) -> Said:
    """Neighbouring texts of a message become one; pictures and sound stand where they stood.

    BackendError for a part that is not among ``abilities``: what is switched off must not leave the machine.
    """
    tokens = pictures = sounds = 0
    out: list[dict[str, Any]] = []
    for message in messages:
        parts: list[dict[str, Any]] = []
        for part in message.parts:
            tokens += 4
            if isinstance(part, str):
                text = harmless(part)
                tokens += guessed_tokens(text)
                if parts and parts[-1]["type"] == "text":
                    parts[-1]["text"] += text
                else:
                    parts.append({"type": "text", "text": text})
            elif isinstance(part, Patches):
                raise BackendError("stored patch vectors cannot be sent to a model server")
            elif isinstance(part, Picture):
                if not abilities.pictures:
                    raise BackendError("pictures are not sent to this model server (backend.pictures)")
                uri, cost = jpeg(part.rgb)
                parts.append({"type": "image_url", "image_url": {"url": uri}})
                tokens, pictures = tokens + cost, pictures + 1
            else:
                if not abilities.sound:
                    raise BackendError("sound is not sent to this model server (backend.sound)")
                data, cost = wav(part.samples)
                parts.append({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})
                tokens, sounds = tokens + cost, sounds + 1
        plain = len(parts) == 1 and parts[0]["type"] == "text"  # the form that every server takes
        out.append({"role": message.role, "content": parts[0]["text"] if plain else parts})
    return Said(out, tokens, pictures, sounds)


def harmless(text: str) -> str:
    """Without halves of characters, which JSON cannot carry, and with a gap in what templates take for control tokens.

    Servers tokenize ``<|im_start|>`` inside a message as if the template had written it.
    """
    return text.encode("utf-8", "replace").decode("utf-8").replace("<|", "< |")


def guessed_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // _CHARS_PER_TOKEN)
