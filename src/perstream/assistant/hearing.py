"""What people say, turn by turn: each utterance is a moment of its own.

A caption that mixes a sign with a conversation is found by neither. So the words of a percept part from
its picture here, and transcript lines that break off in mid-sentence are joined.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from perstream.types import Observation, ObservationKind, Percept

PAUSE_S = 1.5
"""Two lines of one speaker no further apart than this can be one sentence."""
PATIENCE_S = 3.0
"""A sentence that does not go on after this long is over."""
MAX_CHARS = 500
_ENDED = re.compile(r"[.!?…][\"'”’)]*$")
_ASKS = re.compile(r"\?[\"'”’)]*$")


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One thing said."""

    percept: Percept
    """The view while it was said, with the words as its one observation."""
    context: str
    """The question just before it, when somebody else asked one; else empty."""


class Hearing:
    """Collects the transcript lines of one source into utterances. O(1) per percept."""

    def __init__(self) -> None:
        self._pending: Percept | None = None
        self._before: Observation | None = None

    def take(self, percept: Percept) -> tuple[Percept | None, tuple[Utterance, ...]]:
        """The percept without its words (None when nothing else is new), and what is now said whole."""
        words = [o for o in percept.observations if o.kind is ObservationKind.TRANSCRIPT]
        said: list[Utterance] = []
        for word in words:
            said += self._hear(percept, word)
        if not words and self._pending and percept.keyframe.pts_s - _only(self._pending).end_s > PATIENCE_S:
            said += self.finish()
        if not words:
            return percept, tuple(said)
        rest = tuple(o for o in percept.observations if o.kind is not ObservationKind.TRANSCRIPT)
        seen = None if percept.repeated and not rest else replace(percept, observations=rest)
        return seen, tuple(said)

    def finish(self) -> tuple[Utterance, ...]:
        """What is still waiting for its end."""
        if self._pending is None:
            return ()
        percept, self._pending = self._pending, None
        said = _only(percept)
        before, self._before = self._before, said
        asked = before is not None and before.speaker != said.speaker and _ASKS.search(before.text)
        return (Utterance(percept, before.text if before is not None and asked else ""),)

    def _hear(self, percept: Percept, word: Observation) -> Sequence[Utterance]:
        said: Sequence[Utterance] = ()
        if self._pending is not None:
            last = _only(self._pending)
            joined = f"{last.text} {word.text}"
            same = last.speaker == word.speaker and word.start_s - last.end_s <= PAUSE_S
            if same and len(joined) <= MAX_CHARS:
                word = replace(last, text=joined, end_s=max(last.end_s, word.end_s))
                percept = self._pending
            else:
                said = self.finish()
        self._pending = replace(percept, observations=(word,), repeated=True)
        if _ENDED.search(word.text):
            said = (*said, *self.finish())
        return said


def _only(percept: Percept) -> Observation:
    return percept.observations[0]
