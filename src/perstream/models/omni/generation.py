"""One answer from a model: token by token, stopped on request, and bounded in length, time and repetition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from perstream.errors import BadOutput, Interrupted
from perstream.models.chat.messages import Sampling
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.reading import Start
from perstream.models.omni.textstream import TextStream, circling

LONGEST_S = 120.0
"""An answer that takes longer ends where it is."""
LOOK_EVERY = 16
"""Tokens between two looks for repetition."""
TOP_K = 50
"""Sampling draws from the likeliest so many tokens."""
ENDS = ("<|im_end|>", "<|endoftext|>", "<end_of_utterance>", "<|eot_id|>")
"""How chat models of the families in use end a turn."""


class Speech:
    """What ``generate`` calls while it runs: as its streamer, as a stopping criterion and as a logits processor."""

    def __init__(
        self, loaded: Loaded, say: Callable[[str], None], cancelled: Callable[[], bool], clock: Callable[[], float]
    ) -> None:
        self._loaded = loaded
        self._cancelled = cancelled
        self._clock = clock
        self._until = clock() + LONGEST_S
        self._prompt_passed = False
        self.interrupted = False
        tokenizer = loaded.processor.tokenizer
        self.stream = TextStream(
            lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)), say
        )

    def put(self, tokens: Any) -> None:
        """Streamer: the prompt first, then each new token."""
        if not self._prompt_passed:
            self._prompt_passed = True
            return
        for token in tokens.reshape(-1).tolist():
            self.stream.add(int(token))

    def end(self) -> None:
        """Streamer: no more."""
        self.stream.end()

    def stop(self, input_ids: Any, _scores: Any, **_: Any) -> Any:
        """Stopping criterion, asked after each token: [1] bool."""
        import torch

        ids = self.stream.ids
        self.interrupted = self._cancelled()
        halt = self.interrupted or self._clock() > self._until
        halt = halt or (len(ids) % LOOK_EVERY == 0 and circling(ids))
        return torch.full((input_ids.shape[0],), halt, dtype=torch.bool, device=input_ids.device)

    def sound_numbers(self, _input_ids: Any, scores: Any) -> Any:
        """Logits processor: BadOutput before a draw from what are no numbers."""
        best = scores.max()
        if not bool(best.isfinite()):  # the maximum of a row with a NaN is NaN
            raise BadOutput(
                f"{self._loaded.name} gave scores that are no numbers: try backend.dtype bf16 or fp32, or another adapter"
            )
        return scores


def speak(
    loaded: Loaded,
    start: Start,
    sampling: Sampling,
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
    *,
    processors: tuple[Any, ...] = (),
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Generate one answer and return it, stripped. The caller holds the lock and is in inference mode.

    Interrupted when ``cancelled`` says so (after one more token), BadOutput for an empty answer or scores that are no
    numbers. An answer that repeats itself or takes too long ends where it is.
    """
    import torch

    speech = Speech(loaded, say, cancelled, clock)
    loaded.model.generate(
        input_ids=start.ids,
        position_ids=start.positions,
        attention_mask=torch.ones_like(start.ids),
        past_key_values=start.cache,
        generation_config=_settings(loaded, sampling),
        streamer=speech,
        stopping_criteria=[speech.stop],
        logits_processor=[speech.sound_numbers, *processors],
        **start.inputs,
    )
    if speech.interrupted:
        raise Interrupted("the model was stopped on request")
    if not speech.stream.text:
        raise BadOutput(f"{loaded.name} answered with nothing")
    return speech.stream.text


def _settings(loaded: Loaded, sampling: Sampling) -> Any:
    from transformers import GenerationConfig

    drawn = sampling.temperature > 0
    own = loaded.model.generation_config
    kind: Any = GenerationConfig
    return kind(
        max_new_tokens=sampling.max_new_tokens,
        do_sample=drawn,
        temperature=sampling.temperature if drawn else 1.0,
        top_k=TOP_K,
        top_p=1.0,
        num_beams=1,
        repetition_penalty=1.0,
        use_cache=True,
        eos_token_id=stops(loaded),
        pad_token_id=own.pad_token_id if own.pad_token_id is not None else loaded.processor.tokenizer.pad_token_id,
    )


def stops(loaded: Loaded) -> list[int]:
    """Tokens that end an answer: those of the checkpoint, which may name none, and the tokenizer's ends of a turn."""
    tokenizer = loaded.processor.tokenizer
    named = loaded.model.generation_config.eos_token_id
    found = {*(named if isinstance(named, (list, tuple)) else [named]), tokenizer.eos_token_id}
    control = {token.content: number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    found.update(control[name] for name in ENDS if name in control)
    return sorted(number for number in found if number is not None)
