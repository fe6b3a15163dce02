"""What the tests of the tiny Qwen2.5-Omni share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from perstream.lab.tiny_cups import SETTING
from perstream.models.chat.messages import Message, Part, Sampling
from perstream.models.omni.inject import check, media_inputs, positions
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.model import OmniChat
from perstream.models.omni.prefix import PrefixCache
from perstream.models.omni.prompt import build_prompt
from perstream.models.omni.reading import read
from perstream.types import SampleArray

NEVER: Callable[[], bool] = lambda: False  # noqa: E731


def turns(*parts: Part, setting: Part = SETTING) -> list[Message]:
    return [Message("system", (setting,)), Message("user", parts)]


def ask(chat: OmniChat, *parts: Part, tokens: int = 12, temperature: float = 0.0, constant: int = 0) -> str:
    """The answer; what is streamed must be the same."""
    said: list[str] = []
    sampling = Sampling(max_new_tokens=tokens, temperature=temperature, constant=constant)
    answer = chat.reply(turns(*parts), sampling, said.append, NEVER)
    assert "".join(said) == answer
    return answer


def scores(loaded: Loaded, messages: list[Message], prefixes: PrefixCache | None = None, constant: int = 0) -> Any:
    """Scores [tokens] of the next token, by the path that answers take."""
    import torch

    prompt = build_prompt(loaded, messages, constant)
    check(loaded, prompt)
    with loaded.lock, torch.inference_mode():
        start = read(loaded, prompt, positions(loaded, prompt), PrefixCache() if prefixes is None else prefixes, NEVER)
        done = 0 if start.cache is None else start.cache.get_seq_length()
        out = loaded.model(
            input_ids=start.ids[:, done:],
            position_ids=start.positions[..., done:],
            past_key_values=start.cache,
            **start.inputs,
        )
        return out.logits[0, -1]


def whole(loaded: Loaded, messages: list[Message]) -> Any:
    """Scores of every token of the prompt in one pass [n, tokens]."""
    import torch

    prompt = build_prompt(loaded, messages, 0)
    with loaded.lock, torch.inference_mode():
        inputs = media_inputs(loaded, prompt, 0, len(prompt.ids))
        ids = torch.tensor([prompt.ids])
        return loaded.model(input_ids=ids, position_ids=positions(loaded, prompt), **inputs).logits[0]


def tone(hertz: float, seconds: float = 0.5) -> SampleArray:
    t = np.arange(int(16000 * seconds)) / 16000
    return (8000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


@contextmanager
def head(loaded: Loaded, change: Callable[[Any], Any]) -> Iterator[None]:
    """The scores over the vocabulary with something done to them."""
    hook = loaded.model.lm_head.register_forward_hook(lambda module, args, output: change(output))
    try:
        yield
    finally:
        hook.remove()
