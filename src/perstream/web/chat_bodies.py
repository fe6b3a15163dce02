"""What /v1/chat/completions takes: the parts of OpenAI's request that a memory can honour."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from perstream.errors import ConfigError
from perstream.web.bodies import MAX_ID

MODEL = "perstream"
PICTURES = ("data:image/jpeg;base64,", "data:image/jpg;base64,", "data:image/png;base64,", "data:image/webp;base64,")


class ChatRefused(ConfigError):
    """A request that a memory cannot honour, as OpenAI's servers refuse one."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


class _Part(BaseModel):
    """Unknown members are left alone, as OpenAI's servers do."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Address(_Part):
    """Where a picture is."""

    url: StrictStr


class ContentPart(_Part):
    """Text or a picture."""

    type: StrictStr
    text: StrictStr | None = None
    image_url: Address | None = None


class Message(_Part):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: StrictStr | Annotated[tuple[ContentPart, ...], Field(max_length=100)] | None = None


class StreamOptions(_Part):
    """About a stream."""

    include_usage: StrictBool = False


class Chat(_Part):
    """A conversation whose last user message is the question."""

    model: StrictStr
    messages: Annotated[tuple[Message, ...], Field(min_length=1, max_length=1000)]
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[StrictInt, Field(ge=1, le=MAX_ID)] | None = None
    tools: tuple[Any, ...] | None = None
    functions: tuple[Any, ...] | None = None
    logprobs: StrictBool | None = None
    top_logprobs: StrictInt | None = None
    response_format: dict[str, Any] | None = None
    modalities: tuple[StrictStr, ...] | None = None
    audio: dict[str, Any] | None = None


class Question(BaseModel):
    """What is asked, and what was said before."""

    text: str
    picture: bytes | None
    earlier: tuple[str, ...]
    """Earlier questions of the user, the oldest first."""


def question_of(chat: Chat, longest: int) -> Question:
    """What the memory is asked. System messages and the assistant's own turns are no questions, and nobody obeys them.

    ChatRefused for what cannot be honoured.
    """
    _check(chat)
    asked = [message for message in chat.messages if message.role == "user"]
    if not asked:
        raise ChatRefused("there is no message of the user", "messages")
    text = _words(asked[-1])
    if len(text) > longest:
        message = f"the question has {len(text):,} characters; at most {longest:,} are taken"
        raise ChatRefused(message, "messages", "string_above_max_length")
    picture = _picture(asked[-1])
    if not text and picture is None:
        raise ChatRefused("the last message of the user is empty", "messages")
    return Question(text=text, picture=picture, earlier=tuple(_words(one)[:longest] for one in asked[:-1]))


def said(chat: Chat) -> str:
    """All words of the conversation, for the count of tokens."""
    return "\n".join(_words(message) for message in chat.messages)


def _check(chat: Chat) -> None:
    if chat.model != MODEL:
        known = f"the model {chat.model[:80]!r} does not exist; the one here is {MODEL!r}"
        raise ChatRefused(known, "model", "model_not_found", 404)
    refusals: tuple[tuple[bool, str, str], ...] = (
        ((chat.n or 1) > 1, "n", "a memory has one answer: n must be 1"),
        (bool(chat.tools), "tools", "a memory calls no tools; its own are at /mcp"),
        (bool(chat.functions), "functions", "a memory calls no functions; its own tools are at /mcp"),
        (bool(chat.logprobs or chat.top_logprobs), "logprobs", "logprobs are not known here"),
        (
            chat.response_format is not None and chat.response_format.get("type", "text") != "text",
            "response_format",
            "answers are text; the evidence is in the member perstream",
        ),
        (bool(chat.audio) or "audio" in (chat.modalities or ()), "modalities", "answers are text"),
        (chat.stream_options is not None and not chat.stream, "stream_options", "stream_options wants stream: true"),
    )
    for refused, param, message in refusals:
        if refused:
            raise ChatRefused(message, param, "unsupported_parameter")


def _words(message: Message) -> str:
    if message.content is None or isinstance(message.content, str):
        return _unicode(message.content or "")
    return _unicode("\n".join(part.text or "" for part in message.content if part.type == "text"))


def _unicode(text: str) -> str:
    """Without NUL and halves of surrogate pairs, which are no text."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()


def _picture(message: Message) -> bytes | None:
    parts = () if message.content is None or isinstance(message.content, str) else message.content
    if strange := [part.type for part in parts if part.type not in ("text", "image_url")]:
        raise ChatRefused(f"a part of the kind {strange[0][:40]!r} is not understood", "messages", "invalid_value")
    urls = [part.image_url.url for part in parts if part.image_url is not None]
    if not urls:
        return None
    if len(urls) > 1:
        raise ChatRefused("one picture at a time can be looked for", "messages", "invalid_value")
    start = next((start for start in PICTURES if urls[0][: len(start)].lower() == start), None)
    if start is None:
        message_ = "nothing is fetched: give the picture as a data: URL with a JPEG, PNG or WebP in base64"
        raise ChatRefused(message_, "messages", "invalid_image_url")
    try:
        picture = base64.b64decode(urls[0][len(start) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ChatRefused("the picture is no base64", "messages", "invalid_base64") from error
    if not picture:
        raise ChatRefused("the picture is empty", "messages", "invalid_image_format")
    return picture
