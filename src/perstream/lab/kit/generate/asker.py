"""One question to a model: cached, its reply checked, and asked once more when it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from perstream.errors import BadOutput
from perstream.lab.kit.calls import CachedChat
from perstream.lab.kit.generate.asks import sampling_of
from perstream.models.chat.prompts import Prompt, repair_prompt

T = TypeVar("T")


def asked(
    chat: CachedChat, kind: str, prompt: Prompt, read: Callable[[str], T], temperature: float, variant: int = 0
) -> T:
    """What ``read`` makes of the reply. BadOutput when also the second one cannot be used: both are forgotten then."""
    sampling = sampling_of(kind, temperature)
    reply = ""
    try:
        reply = chat.reply(prompt.messages, sampling, variant=variant)
        return read(reply)
    except BadOutput as problem:
        again = repair_prompt(prompt, reply, str(problem))
    try:
        return read(chat.reply(again.messages, sampling, variant=variant))
    except BadOutput as error:
        # Kept, they would be wrong for ever.
        chat.forget(prompt.messages, sampling, variant)
        chat.forget(again.messages, sampling, variant)
        raise BadOutput(f"{kind}: {error}, also when asked again") from error
