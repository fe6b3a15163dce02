"""Models that think aloud: what stands between <think> and </think> is neither said nor returned."""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"


class Aloud:
    """Lets through what was not thought. Thoughts come first or not at all."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "undecided"

    def of(self, piece: str) -> str:
        """The part of what came so far that may be said now."""
        if self._state == "answer":
            return piece
        self._held += piece
        if self._state == "undecided":
            start = self._held.lstrip()
            if start.startswith(_OPEN):
                self._state = "thought"
            elif start and not _OPEN.startswith(start):
                return self._rest()
        if self._state == "thought":
            end = self._held.find(_CLOSE)
            if end >= 0:
                self._held = self._held[end + len(_CLOSE) :].lstrip()
                return self._rest()
            self._held = self._held[-len(_CLOSE) :]  # a tag may be cut in two
        return ""

    def end(self) -> str:
        """What was held back and turned out to be an answer."""
        return self._rest() if self._state == "undecided" else ""

    def _rest(self) -> str:
        rest, self._held, self._state = self._held, "", "answer"
        return rest
