"""Tokens to text, piece by piece: never half a character, never a space that would be stripped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

BROKEN = "\ufffd"
"""What decoders put in place of an unfinished UTF-8 sequence."""
LONGEST = 4
"""Tokens that one character can take; bytes that are no character by then are dropped."""


class TextStream:
    """Gather the tokens of one answer. ``"".join`` of what ``say`` got is ``text``, which is stripped."""

    def __init__(self, decode: Callable[[Sequence[int]], str], say: Callable[[str], None]) -> None:
        self._decode = decode
        self._say = say
        self._ids: list[int] = []
        self._from = 0
        """Decoding starts at this token: a little before the new ones, as neighbours shape spaces."""
        self._done = 0
        """Tokens whose text was taken."""
        self._held = ""
        """White space that is said only when a word follows."""
        self.text = ""

    @property
    def ids(self) -> Sequence[int]:
        """All tokens so far."""
        return self._ids

    def add(self, token: int) -> None:
        """One more token."""
        self._ids.append(token)
        fresh = self._fresh()
        unfinished = fresh.endswith(BROKEN) and len(self._ids) - self._done <= LONGEST
        if fresh and not unfinished:
            self._take(fresh)

    def end(self) -> None:
        """No more tokens: what is left of a character that was never finished is dropped."""
        self._take(self._fresh())

    def _fresh(self) -> str:
        before = self._decode(self._ids[self._from : self._done])
        return self._decode(self._ids[self._from :])[len(before) :]

    def _take(self, fresh: str) -> None:
        self._from, self._done = self._done, len(self._ids)
        fresh = self._held + fresh.replace(BROKEN, "")
        if not self.text:
            fresh = fresh.lstrip()
        said = fresh.rstrip()
        self._held = fresh[len(said) :]
        if said:
            self.text += said
            self._say(said)


def circling(ids: Sequence[int], window: int = 96, period: int = 24) -> bool:
    """Whether the last ``window`` tokens are one stretch of at most ``period`` tokens, over and over."""
    if len(ids) < window:
        return False
    tail = list(ids[-window:])
    return any(tail[p:] == tail[:-p] for p in range(1, period + 1))
