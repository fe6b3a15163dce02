"""An answer as it arrives, event by event, checked: nothing of it is taken on trust."""

from __future__ import annotations

from typing import Any

import msgspec

from perstream.errors import BackendError, BackendUnavailable, BadOutput
from perstream.models.remote.address import Address
from perstream.models.remote.faults import ServerTrouble, of_stream
from perstream.models.remote.thinking import Aloud

_MOST_TOKENS = 10_000_000
_CHARS_PER_TOKEN = 32
"""No tokenizer makes longer tokens on average: a server that sends more overran its limit."""


class _Text(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    delta: _Text = msgspec.field(default_factory=_Text)
    message: _Text | None = None
    """Instead of a delta, in answers that are not streamed."""
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


class Reading:
    """One answer in the making."""

    def __init__(self, address: Address, max_new_tokens: int) -> None:
        self._address = address
        self._limit = _CHARS_PER_TOKEN * max_new_tokens + 256
        self._aloud = Aloud()
        self._pieces: list[str] = []
        self._chars = 0
        self.out = 0
        """Tokens that came, guessed: servers send about one per event."""
        self.counted: tuple[int, int] | None = None
        """(tokens in, tokens out) as the server counted them."""
        self.finish = ""
        self.began = False
        """Something of it was said."""

    @property
    def ended(self) -> bool:
        """The server said so, or why."""
        return bool(self.finish)

    @property
    def full(self) -> bool:
        """More came than was asked for."""
        return self._chars >= self._limit

    def take(self, data: bytes) -> tuple[str, bool]:
        """What an event adds, and whether it brought anything at all (a thought, for example, is nothing to say).

        BadOutput for what is no event of a chat answer; the server's own error when the event is one.
        """
        event = self._decoded(data)
        if event.error is not None:
            raise self._mid(of_stream(self._address, event.error))
        if event.usage is not None:
            self.counted = (_bounded(event.usage.prompt_tokens), _bounded(event.usage.completion_tokens))
        if not event.choices:
            return "", False
        choice = event.choices[0]
        text = choice.message or choice.delta
        self.finish = choice.finish_reason or self.finish
        piece = text.content or text.refusal or ""
        alive = bool(piece or text.reasoning or text.reasoning_content)
        self.out += alive
        return self._said(self._aloud.of(piece)), alive

    def done(self) -> None:
        """The server said that this was all."""
        self.finish = self.finish or "stop"

    def rest(self) -> str:
        """What was held back until the end."""
        return self._said(self._aloud.end())

    def text(self) -> str:
        """The whole answer. BadOutput when there is none, ServerTrouble or BackendUnavailable when it broke off."""
        at = self._address.origin
        text = "".join(self._pieces).strip()
        if self.finish == "content_filter":
            raise BadOutput(f"the content filter of {at} held the answer back")
        if not self.finish and not self.full:
            raise self._mid(ServerTrouble(f"{at} broke off in the middle of an answer"))
        if text:
            return text
        if self.finish == "length" and self.out:
            raise BadOutput(
                f"the model at {at} used up all its tokens for thinking: switch thinking off at the server "
                "or raise backend.max_new_tokens"
            )
        raise BadOutput(f"{at} answered with nothing")

    def lost(self, error: Exception) -> BackendError:
        """The connection went while reading."""
        return self._mid(ServerTrouble(f"the connection to {self._address.origin} was lost: {type(error).__name__}"))

    def _mid(self, fault: BackendError) -> BackendError:
        """A fault after something was said is final: a second try would say it twice."""
        return BackendUnavailable(str(fault)) if self.began and isinstance(fault, ServerTrouble) else fault

    def _said(self, piece: str) -> str:
        if piece and not self.began:
            piece = piece.lstrip()
        piece = piece[: max(0, self._limit - self._chars)]
        if piece:
            self.began = True
            self._pieces.append(piece)
            self._chars += len(piece)
        return piece

    def _decoded(self, data: bytes) -> _Event:
        try:
            return msgspec.json.decode(data, type=_Event)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadOutput(f"{self._address.origin} sent something that is no chat answer") from error


def _bounded(count: int | None) -> int:
    return min(max(count or 0, 0), _MOST_TOKENS)
