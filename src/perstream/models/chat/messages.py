"""What is said to a chat model and how it answers: the seam between prompts and engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from perstream.types import ByteArray, HalfArray, SampleArray


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture to be looked at now."""

    rgb: ByteArray
    """[h, w, 3]."""


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """A picture that was looked at before, as its stored patch vectors."""

    vectors: HalfArray
    """[side * side, dimension] in raster order, of the same vision encoder."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A stretch of sound."""

    samples: SampleArray
    """Mono, 16 kHz, int16 [n]."""


Part = str | Picture | Patches | Sound


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One turn. Its parts are in the order in which the model should take them."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sampling:
    """How to generate."""

    max_new_tokens: int = 200
    temperature: float = 0.0
    """0 is greedy."""
    schema: Mapping[str, Any] | None = None
    """JSON schema that the answer should follow, where the engine can hold a model to one; check it anyway."""
    constant: int = 0
    """So many leading messages are likely to come again: worth a prefix cache."""
    kind: str = "answer"
    """What it is for: ``caption``, ``triplets``, ``answer`` or ``proactive``. Budgets and status count by it."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which parts a chat model takes. What it does not take must not be sent to it."""

    pictures: bool = False
    patch_dimension: int | None = None
    """Length of the patch vectors that it takes, None when it takes none."""
    sound: bool = False


class ChatModel(Protocol):
    """An engine: Qwen2.5-Omni in this process, a server, or a scripted one in tests. Thread-safe."""

    @property
    def name(self) -> str:
        """For status and logs."""

    @property
    def abilities(self) -> Abilities:
        """Which parts it takes."""

    def reply(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        """The model's answer, stripped. ``say`` receives it piece by piece as it is made.

        ``cancelled`` is polled at least once per token. Raises Interrupted when it says so, BadOutput for an
        empty or unusable answer, BackendUnavailable when a server or device is gone, BackendError otherwise.
        """
