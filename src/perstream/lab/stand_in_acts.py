"""What the stand-in for a model server can do with a request: answer well, badly, late, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Say:
    """A proper answer, streamed when that was asked for."""

    pieces: tuple[str, ...]
    finish: str | None = "stop"
    usage: tuple[int, int] | None = (7, 3)
    """(tokens in, tokens out), sent when the request asks for usage."""
    pause_s: float = 0.0
    """Before each piece."""
    thoughts: tuple[str, ...] = ()
    """Reasoning before the answer."""
    done: bool = True


@dataclass(frozen=True)
class Live:
    """An answer made while it is sent: a model."""

    speak: Callable[[Callable[[str], None]], None]


@dataclass(frozen=True)
class Status:
    """A status with a body."""

    code: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, then the end of the connection."""

    chunks: tuple[bytes, ...]
    kind: str = "text/event-stream"
    pause_s: float = 0.0
    length: int | None = None
    """A Content-Length that may lie."""
    then_hang_s: float = 0.0


@dataclass(frozen=True)
class Hang:
    """No answer at all for so long."""

    seconds: float = 30.0


Act = Say | Live | Status | Raw | Hang


def events_of(act: Say, usage: bool) -> Iterator[dict[str, Any]]:
    """The events of a streamed answer; token counts at its end when ``usage`` is asked for."""
    for thought in act.thoughts:
        yield {"choices": [{"index": 0, "delta": {"reasoning_content": thought}}]}
    for piece in act.pieces:
        yield {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
    if act.finish is not None:
        yield {"choices": [{"index": 0, "delta": {}, "finish_reason": act.finish}]}
    if usage and act.usage is not None:
        yield {"choices": [], "usage": {"prompt_tokens": act.usage[0], "completion_tokens": act.usage[1]}}


def whole_of(act: Say | Live) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    if isinstance(act, Live):
        pieces: list[str] = []
        act.speak(pieces.append)
        act = Say(tuple(pieces))
    message = {"role": "assistant", "content": "".join(act.pieces)}
    used = act.usage or (0, 0)
    usage = {"prompt_tokens": used[0], "completion_tokens": used[1]}
    return {"choices": [{"index": 0, "message": message, "finish_reason": act.finish}], "usage": usage}
