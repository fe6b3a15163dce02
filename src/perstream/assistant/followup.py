"""Questions that only make sense after another one: "and when was that?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

OPENERS = re.compile(r"^(?:(?:and|but|so|ok|okay|well|then|also)\b[\s,]*)+", re.IGNORECASE)
ASKING = frozenset(("what", "when", "where", "who", "whom", "whose", "which", "why", "how"))
POINTING = frozenset(
    ("that", "it", "this", "there", "then", "those", "these", "he", "she", "they", "him", "her", "them")
)
EMPTY = frozenset(
    (
        *("is", "was", "were", "are", "be", "been", "do", "does", "did", "has", "have", "had", "can", "could", "will"),
        *("i", "me", "you", "we", "us", "my", "a", "an", "the", "of", "at", "on", "in", "to", "from", "for", "with"),
        *("time", "day", "date", "hour", "place", "color", "colour", "kind", "name", "long", "many", "much", "often"),
        *("exactly", "precisely", "again", "about", "happen", "happened", "say", "said", "see", "saw", "seen", "heard"),
        *("ago", "else", "so", "please", "again", "now", "one", "ones", "again", "first", "last", "come", "came"),
    )
)
"""Words that name nothing by themselves."""
MOST_WORDS = 8


def leans(question: str) -> bool:
    """Whether it names nothing itself: it asks, or points at what was spoken of, in words that could be about anything."""
    words = re.findall(r"[a-z]+", OPENERS.sub("", question).lower())
    if not words or len(words) > MOST_WORDS:
        return False
    known = ASKING | POINTING | EMPTY
    return all(word in known for word in words) and any(word in ASKING | POINTING for word in words)


def whole(question: str, earlier: Sequence[str]) -> str:
    """The question with the one it leans on, the latest of ``earlier`` (oldest first) that stands by itself.

    A question that stands by itself, or that nothing came before, stays as it is.
    """
    if not leans(question):
        return question
    ground = next((one.strip() for one in reversed(earlier) if one.strip() and not leans(one)), "")
    if not ground:
        return question
    return f"{OPENERS.sub('', question.strip()).rstrip(' ?.!')}: {ground}"
