"""A prompt read into keys and values, up to its last stretch: what comes again is read once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perstream.errors import Interrupted
from perstream.models.omni.inject import media_inputs
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.prefix import PrefixCache
from perstream.models.omni.prompt import Prompt

STRETCH = 2048
"""Prompts are read in stretches of about so many tokens, and a stop is heeded between two."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where generation begins."""

    ids: Any
    """[1, n]: the whole prompt."""
    positions: Any
    """[3, 1, n], or [1, n] for models with plain positions."""
    cache: Any
    """Keys and values of its first tokens, or None."""
    inputs: dict[str, Any]
    """Pictures and sounds of the tokens that are not in the cache."""


def read(
    loaded: Loaded,
    prompt: Prompt,
    positions: Any,
    prefixes: PrefixCache,
    cancelled: Callable[[], bool],
) -> Start:
    """Everything but the last stretch into keys and values; the last is left to ``generate``, in one pass.

    The caller holds the lock and is in inference mode. Interrupted when ``cancelled`` says so.
    """
    import torch

    reader = _Reader(loaded, prompt, torch.tensor([prompt.ids], device=loaded.device), positions, cancelled)
    keys = {end: prompt.digest(end) for end in prompt.constant}
    for end in reversed(prompt.constant):
        reader.cache = prefixes.take(keys[end], reader.settle)
        if reader.cache is not None:
            reader.done = end
            break
    for end in prompt.constant:
        if end > reader.done and prefixes.wanted(keys[end], end):
            reader.settle()
            begun = time.perf_counter()
            reader.advance([*(cut for cut in cuts(prompt, reader.done) if cut < end), end])
            reader.settle()
            prefixes.keep(keys[end], reader.cache, time.perf_counter() - begun)
    reader.advance(cuts(prompt, reader.done))
    return Start(reader.ids, positions, reader.cache, media_inputs(loaded, prompt, reader.done, len(prompt.ids)))


def cuts(prompt: Prompt, start: int) -> list[int]:
    """Ends of all stretches but the last, each outside of pictures and sounds."""
    found: list[int] = []
    end = start + STRETCH
    while end < len(prompt.ids) - 1:
        for place in prompt.places:
            if place.start < end < place.start + place.medium.tokens:
                end = place.start + place.medium.tokens
        if end < len(prompt.ids) - 1:
            found.append(end)
        end += STRETCH
    return found


@dataclass(slots=True, eq=False)
class _Reader:
    loaded: Loaded
    prompt: Prompt
    ids: Any
    positions: Any
    cancelled: Callable[[], bool]
    cache: Any = None
    done: int = 0

    def advance(self, ends: list[int]) -> None:
        """Read on, without the head: scores over the vocabulary are not needed there."""
        from transformers import DynamicCache

        model = self.loaded.model
        for end in ends:
            if self.cache is None:
                self.cache = DynamicCache(config=model.config)
            model.model(
                input_ids=self.ids[:, self.done : end],
                position_ids=self.positions[..., self.done : end],
                past_key_values=self.cache,
                use_cache=True,
                **media_inputs(self.loaded, self.prompt, self.done, end),
            )
            self.done = end
            if self.cancelled():
                raise Interrupted("the model was stopped on request")

    def settle(self) -> None:
        """Wait until the device is done."""
        import torch

        if self.loaded.device.startswith("cuda"):
            torch.cuda.synchronize(self.loaded.device)
