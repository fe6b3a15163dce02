"""Model calls that are made once: answers kept by the content of what was asked."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from perstream.models.chat.messages import Abilities, ChatModel, Message, Part, Patches, Picture, Sampling, Sound


class CachedChat:
    """A ChatModel before which answers of earlier calls are looked up in a folder. Thread-safe.

    The key is a digest of the model's name, all messages with the bytes of their pictures, the sampling and
    ``variant``. Answers to questions that failed are not kept.
    """

    def __init__(self, chat: ChatModel, folder: Path) -> None:
        self._chat = chat
        self._folder = folder
        self._lock = threading.Lock()
        self.made = 0
        """Calls that went to the model."""
        self.found = 0
        """Calls that were answered from the folder."""

    @property
    def name(self) -> str:
        """The model's."""
        return self._chat.name

    @property
    def abilities(self) -> Abilities:
        """The model's."""
        return self._chat.abilities

    def reply(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        say: Callable[[str], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        variant: int = 0,
    ) -> str:
        """As the model's; ``variant`` tells apart several answers wanted to one question."""
        path = self._path(messages, sampling, variant)
        kept = _read(path)
        if kept is not None:
            self._count(found=1)
            say(kept)
            return kept
        said = self._chat.reply(messages, sampling, say, cancelled)
        self._count(made=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
        half.write_text(json.dumps({"model": self.name, "text": said}, ensure_ascii=False), encoding="utf-8")
        half.replace(path)
        return said

    def forget(self, messages: Sequence[Message], sampling: Sampling, variant: int = 0) -> None:
        """Drop an answer that turned out to be unusable, so that the next run asks anew."""
        self._path(messages, sampling, variant).unlink(missing_ok=True)

    def _count(self, made: int = 0, found: int = 0) -> None:
        with self._lock:
            self.made += made
            self.found += found

    def _path(self, messages: Sequence[Message], sampling: Sampling, variant: int) -> Path:
        digest = hashlib.blake2b(digest_size=20)
        for piece in _pieces(self.name, messages, sampling, variant):
            digest.update(len(piece).to_bytes(8, "big") + piece)
        name = digest.hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.json"


def _pieces(model: str, messages: Sequence[Message], sampling: Sampling, variant: int) -> Iterator[bytes]:
    how = [model, sampling.max_new_tokens, sampling.temperature, sampling.schema, sampling.kind, variant]
    yield json.dumps(how, sort_keys=True).encode()
    for message in messages:
        yield message.role.encode()
        for part in message.parts:
            yield from _content(part)


def _content(part: Part) -> Iterator[bytes]:
    if isinstance(part, str):
        yield b"text"
        yield part.encode("utf-8", "surrogatepass")
        return
    array = {Picture: "rgb", Patches: "vectors", Sound: "samples"}[type(part)]
    values = getattr(part, array)
    yield f"{array} {values.shape} {values.dtype}".encode()
    yield values.tobytes()


def _read(path: Path) -> str | None:
    """The text kept; None when there is none, or one that a crash left unreadable."""
    try:
        text = json.loads(path.read_text(encoding="utf-8"))["text"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return text if isinstance(text, str) else None
