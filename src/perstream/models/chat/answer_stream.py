"""An answer on its way out: nothing of it is said before it is known to rest on something.

The prompt asks for the citation before each sentence, so an answer that follows it flows from its first word. One that
cites nothing is held until a sentence of it is found in the memories; what turns out to be no answer is never said.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from perstream.models.chat.citations import MarkFilter
from perstream.models.chat.support import Support

_OPENINGS = (
    "i have no", "i don't have", "i do not have", "i haven't", "i have not", "there is no ", "there's no ", "there are no ",
    "no memor", "no record", "no information", "i don't remember", "i do not remember", "i don't know", "i do not know",
    "i don't recall", "i do not recall", "i cannot", "i can't", "i can not", "i am not able", "i'm not able", "i am unable",
    "i'm unable", "i'm sorry", "i am sorry", "sorry", "unfortunately", "none of the", "neither the", "nothing in",
    "the memor", "your memor", "the record", "unknown", "not mentioned", "not known", "based on the", "according to the",
    "as an ai", "n/a",
)  # fmt: skip
"""How a reply begins that may say that there is nothing to say; some of them go on to an answer."""
_DENIES = re.compile(
    r"(?i)^(?:(?:i'?m sorry|i am sorry|sorry|unfortunately|based on the memories|according to the memories)\b[, .]*(?:but )?)?"
    r"(?:i (?:have no|don'?t have|do not have|haven'?t|have not|don'?t (?:remember|know|recall)|do not (?:remember|know|recall)"
    r"|can(?:no|')?t|can not|am not able|am unable)|i'm (?:not able|unable)|there(?: is|'s| are) no(?:thing)?\b.*(?:memor|record|information|mention)"
    r"|no (?:memor|record|information)|none of the (?:memor|record)|neither the|nothing in"
    r"|(?:the|your) (?:memor\w+|records?)(?: and the view)? (?:(?:do|does|did) not|(?:do|does|did)n't|(?:hold|say|contain|mention)s? (?:no\b|nothing))"
    r"|(?:it is |it's |that is |that's )?(?:unknown|not (?:mentioned|known|stated))|as an ai|n/a)"
)
_SORRY = re.compile(r"(?i)^(?:i'?m sorry|i am sorry|sorry|unfortunately)[,.]?\s*$")
_SENTENCE = re.compile(r"[.!?](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Grounded:
    """What came of a reply."""

    text: str | None
    """What was said; None when nothing was, because there is no answer."""
    numbers: tuple[int, ...]
    """What it rests on; ``NOW`` for the view."""
    cited: bool
    """Whether the model named it itself."""


class AnswerStream:
    """Feeds ``say`` with the words of an answer, without marks, once they are known to rest on something."""

    def __init__(self, say: Callable[[str], None], valid: frozenset[int], support: Support) -> None:
        """``valid`` are the numbers that were given; others are ignored."""
        self._say = say
        self._valid = valid
        self._support = support
        self._marks = MarkFilter()
        self._held = ""
        self._said: list[str] = []
        self._flows = False
        self._looked_at = 0
        self._early: tuple[int, ...] = ()
        self.fed = False
        """Whether any piece has come."""

    @property
    def spoken(self) -> bool:
        """Whether a word of it has gone out."""
        return bool(self._said)

    def feed(self, piece: str) -> None:
        """The next piece of the reply."""
        self.fed = True
        self._take(self._marks.feed(piece))

    def finish(self) -> Grounded:
        """The reply is over: what it came to."""
        self._take(self._marks.finish())
        cited = self._cited()
        if not self._flows:
            held = self._held.strip()
            silent = not held or self._marks.silent or denies(held, bool(cited))
            numbers = () if silent else cited or self._support.of(held)
            if not numbers:
                return Grounded(None, (), False)
            self._early = numbers
            self._flow()
        text = "".join(self._said)
        return Grounded(text, cited or self._support.of(text) or self._early, bool(cited))

    def _take(self, words: str) -> None:
        if self._flows:
            self._out(words)
            return
        self._held += words
        if not self._marks.silent and self._is_grounded():
            self._flow()

    def _flow(self) -> None:
        self._flows = True
        self._out(self._held)
        self._held = ""

    def _out(self, words: str) -> None:
        words = words if self._said else words.lstrip()
        if words:
            self._said.append(words)
            self._say(words)

    def _is_grounded(self) -> bool:
        if may_deny(self._held):
            return False
        if self._cited():
            return bool(self._held.strip())
        end = max((m.end() for m in _SENTENCE.finditer(self._held)), default=0)
        if end <= self._looked_at:
            return False
        self._looked_at = end
        self._early = self._support.by_words(self._held[:end])
        return bool(self._early)

    def _cited(self) -> tuple[int, ...]:
        return tuple(n for n in self._marks.numbers if n in self._valid)


def may_deny(text: str) -> bool:
    """Whether a reply that begins like this may still turn out to say that there is no answer."""
    low = text.lstrip().lower().replace("’", "'")
    return not low or any(o.startswith(low) or low.startswith(o) for o in _OPENINGS)


def denies(text: str, cited: bool) -> bool:
    """Whether a whole reply says that there is no answer; one that goes on and cites memories is an answer."""
    plain = text.strip().replace("’", "'")
    if not _DENIES.match(plain) and not _SORRY.match(plain):
        return False
    denial = _DENIES.match(plain)
    rest = plain[denial.end() :] if denial else ""
    first = _SENTENCE.search(rest)
    goes_on = first is not None and len(rest[first.end() :].strip()) > 20
    return not (cited and (goes_on or " but " in rest.lower()))
