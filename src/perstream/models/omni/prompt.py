"""Messages as one row of tokens, with the places where pictures and sounds go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perstream.errors import BackendError
from perstream.models.chat.messages import Message, Patches, Picture, Sound
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.pixels import prepare
from perstream.models.omni.places import Medium, Place, Stored, expand
from perstream.models.omni.sound import prepare_sound
from perstream.models.omni.vision import square

MAX_PIXELS = 768 * 28 * 28
"""A picture in a prompt takes at most 768 tokens."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What the model is given."""

    ids: tuple[int, ...]
    places: tuple[Place, ...]
    """In order."""
    constant: tuple[int, ...]
    """Ends, in tokens, of beginnings that are likely to come again: the first message, and all constant ones."""

    def within(self, start: int, end: int) -> tuple[Place, ...]:
        """The places in a stretch of tokens."""
        return tuple(place for place in self.places if start <= place.start < end)

    def digest(self, end: int) -> bytes:
        """Of everything before token ``end``."""
        whole = hashlib.sha256(np.array(self.ids[:end], np.int64).tobytes())
        for place in self.within(0, end):
            whole.update(f"{place.content.dtype} {place.content.shape}".encode())
            whole.update(np.ascontiguousarray(place.content).data)
        return whole.digest()


def build_prompt(loaded: Loaded, messages: Sequence[Message], constant: int) -> Prompt:
    """Lay out a conversation by the model's chat template. Needs no lock.

    Text comes from the world as well: control tokens in it are broken up, so that a sign or a subtitle can neither
    end its turn nor open a place for a picture. BackendError for parts that the model does not take.
    """
    media = [_prepare(loaded, part) for message in messages for part in message.parts if not isinstance(part, str)]
    conversation = [_turn(loaded, message) for message in messages]
    whole = _lay_out(loaded, conversation, True)
    heads = [
        _lay_out(loaded, conversation[:count], False) for count in sorted({min(1, constant), constant} - {0})
        if count < len(messages)
    ]  # fmt: skip
    ids: list[int] = []
    places: list[Place] = []
    ends: list[int] = []
    waiting = iter(media)
    done = ""
    for text in (*heads, whole):
        if not text.startswith(done) or not whole.startswith(text):
            continue  # a template that looks at later turns: this beginning is not constant
        more, found = expand(loaded, text[len(done) :], waiting)
        places += [Place(place.start + len(ids), place.medium, place.content) for place in found]
        ids += more
        ends.append(len(ids))
        done = text
    if len(places) != len(media):
        raise BackendError(f"the chat template of {loaded.name} drops pictures or sounds")
    return Prompt(tuple(ids), tuple(places), tuple(ends[:-1]))


def harmless(loaded: Loaded, text: str) -> str:
    """The text with a gap in whatever the tokenizer would take for a control token."""
    control = {token.content for token in loaded.processor.tokenizer.added_tokens_decoder.values() if token.special}
    if not control:
        return text
    pattern = "|".join(re.escape(token) for token in sorted(control, key=len, reverse=True))
    return re.sub(pattern, lambda found: f"{found[0][0]} {found[0][1:]}", text)


def _prepare(loaded: Loaded, part: Picture | Patches | Sound) -> tuple[Medium, Any]:
    if isinstance(part, Picture):
        return prepare(loaded, part.rgb, MAX_PIXELS), part.rgb
    if isinstance(part, Patches):
        return Stored(part.vectors, square(part.vectors, loaded.hidden_size)), part.vectors
    if loaded.family != "omni":
        raise BackendError(f"{loaded.name} takes no sound")
    return prepare_sound(loaded, part.samples), part.samples


def _turn(loaded: Loaded, message: Message) -> dict[str, Any]:
    """One message as chat templates take it."""
    parts = []
    for part in message.parts:
        if isinstance(part, str):
            parts.append({"type": "text", "text": harmless(loaded, part)})
        else:
            parts.append({"type": "audio" if isinstance(part, Sound) else "image"})
    if all(part["type"] == "text" for part in parts):
        return {"role": message.role, "content": "".join(part["text"] for part in parts)}
    return {"role": message.role, "content": parts}


def _lay_out(loaded: Loaded, conversation: list[dict[str, Any]], answer_next: bool) -> str:
    from jinja2 import TemplateError

    try:
        text = loaded.processor.apply_chat_template(conversation, add_generation_prompt=answer_next, tokenize=False)
    except TemplateError as error:
        raise BackendError(f"the chat template of {loaded.name} refuses this conversation: {error}") from error
    return str(text)
