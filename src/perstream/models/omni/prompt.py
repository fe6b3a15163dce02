"""Messages as one row of tokens, with the places where pictures and sounds go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perstream.errors import BackendError
from perstream.models.chat.messages import Message, Patches, Picture, Sound
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.pixels import Pixels, prepare
from perstream.models.omni.sound import Mel, prepare_sound
from perstream.models.omni.vision import square
from perstream.types import HalfArray

MAX_PIXELS = 768 * 28 * 28
"""A picture in a prompt takes at most 768 tokens."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A grid of stored patch vectors."""

    vectors: HalfArray
    side: int

    @property
    def grid(self) -> tuple[int, int, int]:
        """In tower patches, of which two by two make one vector."""
        return 1, 2 * self.side, 2 * self.side

    @property
    def tokens(self) -> int:
        """Places it takes."""
        return self.side**2


Medium = Pixels | Stored | Mel


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where something that is not text goes."""

    start: int
    """First of its tokens."""
    medium: Medium
    digest: bytes
    """Same content, same digest."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """What the model is given."""

    ids: tuple[int, ...]
    places: tuple[Place, ...]
    """In order."""
    constant: int
    """So many leading tokens are likely to come again; 0 is none."""

    def within(self, start: int, end: int) -> tuple[Place, ...]:
        """The places in a stretch of tokens."""
        return tuple(place for place in self.places if start <= place.start < end)

    def digest(self, end: int) -> bytes:
        """Of everything before token ``end``."""
        whole = hashlib.blake2b(np.array(self.ids[:end], np.int64).tobytes(), digest_size=16)
        for place in self.within(0, end):
            whole.update(place.digest)
        return whole.digest()


def build_prompt(loaded: Loaded, messages: Sequence[Message], constant: int) -> Prompt:
    """Lay out a conversation by the model's chat template. CPU work: needs no lock.

    Text comes from the world as well: control tokens in it are broken up, so that a sign or a subtitle can neither
    end its turn nor open a place for a picture. BackendError for parts that the model does not take.
    """
    marks = (_token(loaded, "image"), _token(loaded, "audio"))
    media = [_prepare(loaded, part) for message in messages for part in message.parts if not isinstance(part, str)]
    conversation = [_turn(loaded, message) for message in messages]
    whole = _lay_out(loaded, conversation, True)
    head = _lay_out(loaded, conversation[:constant], False) if 0 < constant < len(messages) else ""
    if not whole.startswith(head):
        head = ""  # a template that looks at later turns: nothing is constant
    ids: list[int] = []
    places: list[Place] = []
    waiting = iter(media)
    ends = []
    for text in (head, whole[len(head) :]):
        for piece in _pieces(text, marks):
            if piece not in marks:
                ids += loaded.processor.tokenizer(piece, add_special_tokens=False)["input_ids"]
                continue
            medium, digest = next(waiting, (None, b""))
            if medium is None or (piece == marks[1]) != isinstance(medium, Mel):
                raise BackendError(f"the chat template of {loaded.name} does not keep pictures and sounds in order")
            places.append(Place(len(ids), medium, digest))
            ids += [_token_id(loaded, "audio" if isinstance(medium, Mel) else "image")] * medium.tokens
        ends.append(len(ids))
    if len(places) != len(media):
        raise BackendError(f"the chat template of {loaded.name} drops pictures or sounds")
    return Prompt(tuple(ids), tuple(places), ends[0])


def harmless(loaded: Loaded, text: str) -> str:
    """The text with a gap in whatever the tokenizer would take for a control token."""
    control = {token.content for token in loaded.processor.tokenizer.added_tokens_decoder.values() if token.special}
    if not control:
        return text
    pattern = "|".join(re.escape(token) for token in sorted(control, key=len, reverse=True))
    return re.sub(pattern, lambda found: f"{found[0][0]} {found[0][1:]}", text)


def _prepare(loaded: Loaded, part: Picture | Patches | Sound) -> tuple[Medium, bytes]:
    if isinstance(part, Picture):
        return prepare(loaded, part.rgb, MAX_PIXELS), _digest(part.rgb)
    if isinstance(part, Patches):
        return Stored(part.vectors, square(part.vectors, loaded.hidden_size)), _digest(part.vectors)
    if loaded.family != "omni":
        raise BackendError(f"{loaded.name} takes no sound")
    return prepare_sound(loaded, part.samples), _digest(part.samples)


def _digest(array: Any) -> bytes:
    head = f"{array.dtype} {array.shape}".encode()
    return hashlib.blake2b(np.ascontiguousarray(array).data, key=head[:64], digest_size=16).digest()


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


def _pieces(text: str, marks: tuple[str, ...]) -> Iterator[str]:
    """Text and marks in turn."""
    pattern = "|".join(re.escape(mark) for mark in marks if mark)
    return (piece for piece in re.split(f"({pattern})", text) if piece)


def _token(loaded: Loaded, kind: str) -> str:
    return str(getattr(loaded.processor, f"{kind}_token", None) or "")


def _token_id(loaded: Loaded, kind: str) -> int:
    return int(getattr(loaded.model.config, f"{kind}_token_id"))
