"""A chat model that talks to a stand-in server, for the tests of model servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from perstream.config import BackendConfig
from perstream.lab.stand_in_acts import Act
from perstream.lab.stand_in_server import StandIn
from perstream.models.chat.messages import Message, Sampling
from perstream.models.remote.chat import RemoteChat

QUICK = BackendConfig(name="openai", pictures="never", sound="never", request_timeout_s=30.0)
"""Text alone, so that no test asks for abilities unless it means to."""


@dataclass
class Talk:
    """A server, the model that talks to it, and what was said."""

    server: StandIn
    chat: RemoteChat
    said: list[str] = field(default_factory=list)

    def ask(
        self,
        question: str = "Where is the key?",
        sampling: Sampling | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        parts: Sequence[Any] = (),
    ) -> str:
        """One call; ``said`` holds its pieces."""
        self.said.clear()
        message = Message("user", (*parts, question))
        return self.chat.reply((message,), sampling or Sampling(), self.said.append, cancelled)


@contextmanager
def talking(
    answer: Callable[[dict[str, Any]], Act] | Sequence[Act],
    environ: dict[str, str] | None = None,
    clock: Callable[[], float] | None = None,
    config: dict[str, Any] | None = None,
    **server: Any,
) -> Iterator[Talk]:
    """A server that answers so, and a model on it. ``config`` changes QUICK."""
    with StandIn(answer, **server) as stand_in:
        settings = replace(QUICK, base_url=stand_in.url, **(config or {}))
        clocked = {} if clock is None else {"clock": clock}
        chat = RemoteChat(settings, environ or {}, backoff_s=0.01, **clocked)
        try:
            yield Talk(stand_in, chat)
        finally:
            chat.close()
