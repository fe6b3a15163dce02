"""A chat model that says what it is told to: for tests, of this package and of what is built on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from perstream.errors import BadOutput, Interrupted
from perstream.models.chat.messages import Abilities, Message, Sampling

Reply = str | Exception | Callable[[Sequence[Message], Sampling], str]
"""Words, an error to raise, or a function of what was asked."""


@dataclass
class ScriptedChat:
    """ChatModel: gives ``replies`` in turn, the last one for ever, in pieces of ``piece`` characters."""

    replies: Sequence[Reply] = ("",)
    abilities: Abilities = field(default_factory=Abilities)
    name: str = "scripted"
    piece: int = 3
    breaks_after: int | None = None
    """Raise the reply that follows (an error) after so many pieces of this one."""
    asked: list[tuple[tuple[Message, ...], Sampling]] = field(default_factory=list)
    """What was asked, in order."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len(self.asked)

    def reply(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> str:
        """The next reply, as the protocol has it: Interrupted when cancelled, BadOutput when empty."""
        with self._lock:
            turn = min(len(self.asked), len(self.replies) - 1)
            self.asked.append((tuple(messages), sampling))
        script = self.replies[turn]
        if isinstance(script, Exception):
            raise script
        text = script if isinstance(script, str) else script(messages, sampling)
        for count, start in enumerate(range(0, len(text), self.piece)):
            if cancelled():
                raise Interrupted("stopped on request")
            if self.breaks_after is not None and count >= self.breaks_after:
                raise BadOutput("the scripted reply breaks off here")
            say(text[start : start + self.piece])
        if not text.strip():
            raise BadOutput("the model said nothing")
        return text.strip()
