"""The chat model of this process: Qwen2.5-Omni and models of its interface."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from perstream.errors import BackendError, BackendUnavailable, Interrupted
from perstream.models.chat.messages import Abilities, Message, Patches, Picture, Sampling, Sound
from perstream.models.omni.faults import OutOfMemory, free_memory, spoken
from perstream.models.omni.generation import speak
from perstream.models.omni.inject import check, positions, takes_patches
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.prefix import PrefixCache
from perstream.models.omni.prompt import Prompt, build_prompt
from perstream.models.omni.reading import read
from perstream.models.omni.schema import Schemas

POLL_S = 0.02
"""How often a call that waits for the model asks whether it is still wanted."""

log = logging.getLogger(__name__)


class OmniChat:
    """``ChatModel`` over a loaded model. Thread-safe: one call runs at a time, the others wait and can be cancelled.

    Stored patch vectors go in as the model's own image embeddings, pictures and sound through its towers, all in the
    order in which the messages have them. Leading messages that ``Sampling.constant`` names are computed once.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        prefixes: PrefixCache | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """BackendUnavailable for a model that reads pictures in another way than all the others."""
        if "token_type_ids" in inspect.signature(loaded.model.forward).parameters:
            raise BackendUnavailable(
                f"{loaded.name} ({loaded.model.config.model_type}) cannot be used: it reads a picture in both "
                "directions, and stored vectors and prefixes are read forwards"
            )
        self._loaded = loaded
        self._prefixes = PrefixCache() if prefixes is None else prefixes
        self._clock = clock
        self._schemas = Schemas(loaded)
        self._abilities = Abilities(
            pictures=True,
            patch_dimension=loaded.hidden_size if takes_patches(loaded) else None,
            sound=loaded.family == "omni" and getattr(loaded.processor, "feature_extractor", None) is not None,
        )

    @property
    def name(self) -> str:
        """The folder or hub id."""
        return self._loaded.name

    @property
    def abilities(self) -> Abilities:
        """Which parts it takes."""
        return self._abilities

    @property
    def prefixes(self) -> PrefixCache:
        """What is computed already."""
        return self._prefixes

    def forget_prefixes(self) -> None:
        """Drop what was computed ahead: adapters were loaded, switched or let go."""
        with self._loaded.lock:
            self._prefixes.clear()

    def reply(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        """The answer, stripped; ``"".join`` of what ``say`` receives is the same. See ``ChatModel``.

        BackendError for parts that the model does not take and for a prompt longer than its context.
        """
        self._refuse(messages)
        with spoken(self.name, "preparing a prompt"):
            prompt = build_prompt(self._loaded, messages, sampling.constant)
            check(self._loaded, prompt)
            self._require_room(prompt, sampling)
            where = positions(self._loaded, prompt)
        said = False

        def heard(piece: str) -> None:
            nonlocal said
            said = True
            say(piece)

        try:
            return self._answer(prompt, where, sampling, heard, cancelled)
        except OutOfMemory:
            if said:
                raise
        # Tried again outside of ``except``: as long as the error lives, so do the tensors of its frames.
        self.forget_prefixes()
        free_memory()
        log.warning(
            "%s ran out of GPU memory: kept prompt beginnings were dropped, the answer is tried again", self.name
        )
        return self._answer(prompt, where, sampling, heard, cancelled)

    def _answer(
        self,
        prompt: Prompt,
        where: Any,
        sampling: Sampling,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        import torch

        with self._held(cancelled), torch.inference_mode(), spoken(self.name, f"making its {sampling.kind}"):
            start = read(self._loaded, prompt, where, self._prefixes, cancelled)
            held = self._schemas.held_to(sampling.schema)
            return speak(self._loaded, start, sampling, say, cancelled, processors=held, clock=self._clock)

    def _refuse(self, messages: Sequence[Message]) -> None:
        if not messages:
            raise BackendError("there is nothing to answer: no message was given")
        kinds = {type(part) for message in messages for part in message.parts}
        if Patches in kinds and self._abilities.patch_dimension is None:
            raise BackendError(f"{self.name} takes no stored picture vectors")
        if Picture in kinds and not self._abilities.pictures:
            raise BackendError(f"{self.name} takes no pictures")
        if Sound in kinds and not self._abilities.sound:
            raise BackendError(f"{self.name} takes no sound")

    def _require_room(self, prompt: Prompt, sampling: Sampling) -> None:
        most = getattr(self._loaded.model.config.get_text_config(), "max_position_embeddings", None)
        needed = len(prompt.ids) + sampling.max_new_tokens
        if isinstance(most, int) and needed > most:
            raise BackendError(
                f"{len(prompt.ids)} tokens and an answer of {sampling.max_new_tokens} are more than the {most} that "
                f"{self.name} takes: lower memory.top_k, moment.pool_size or backend.max_new_tokens"
            )

    @contextmanager
    def _held(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """The model's lock; Interrupted when the answer is no longer wanted before its turn comes."""
        while not self._loaded.lock.acquire(timeout=POLL_S):
            if cancelled():
                raise Interrupted("stopped while it waited for the model")
        try:
            if cancelled():
                raise Interrupted("stopped before it began")
            yield
        finally:
            self._loaded.lock.release()
