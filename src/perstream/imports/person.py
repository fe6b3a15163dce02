"""What another assistant noted about "the user", in the first person: "User likes tea" is "I like tea"."""

from __future__ import annotations

import re

_BE = {"is": "am", "was": "was", "has": "have", "does": "do", "isn't": "am not", "hasn't": "have not", "wasn't": "was not",
       "doesn't": "do not"}  # fmt: skip
_MODALS = frozenset("can could will would should might may must had did cannot can't won't wouldn't didn't".split())
_ADVERBS = frozenset(
    "also often usually always never sometimes currently recently still really generally now just".split()
)
_OWNER = re.compile(r"^(?:the\s+)?user(?P<own>['’]s)?\s+(?P<rest>\S.*)$", re.IGNORECASE | re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_SAME = frozenset("as is us ss".split())


_VERBS = frozenset(
    "is was has does lives works likes loves prefers wants needs plays plans enjoys uses owns drives studies speaks hates "
    "dislikes goes runs writes reads teaches learns thinks believes values follows cooks eats drinks travels moved grew "
    "started bought visited graduated married hopes avoids supports keeps takes makes develops builds manages leads".split()
)
"""With which a note about the user begins that leaves the user out."""
_OWN = re.compile(
    r"^(?:name|age|birthday|job|profession|occupation|hometown|nickname|wife|husband|partner|favou?rite \w+)\s+(?:is|are|was)\b",
    re.IGNORECASE,
)


def first_person(text: str) -> str:
    """Sentences about "User" or "The user", or about nobody ("Likes tea"), as the owner would say them; others as they are."""
    return " ".join(_turned(sentence) for sentence in _SENTENCE.split(text))


def _turned(sentence: str) -> str:
    found = _OWNER.match(sentence)
    if found is None and _OWN.match(sentence):
        return f"My {sentence[0].lower()}{sentence[1:]}"
    if found is None and sentence.partition(" ")[0].lower() in _VERBS and " " in sentence:
        found = _OWNER.match(f"user {sentence}")
    if found is None:
        return sentence
    rest: str = found["rest"]
    if found["own"]:
        return f"My {rest}"
    words = rest.split(" ")
    place = 0
    while place < len(words) - 1 and words[place].lower() in _ADVERBS:
        place += 1
    verb = _plain(words[place])
    if verb is None:
        return sentence
    return " ".join(["I", *words[:place], verb, *words[place + 1 :]])


def _plain(verb: str) -> str | None:
    """The verb as it goes with "I"; None when the word is none."""
    low = verb.lower()
    if low in _BE:
        return _BE[low]
    if low in _MODALS or low.endswith("ed") or low in ("grew", "bought"):
        return low
    if not low.isalpha() or len(low) < 3:
        return None
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    if low.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return low[:-2]
    if low.endswith("s") and low[-2:] not in _SAME:
        return low[:-1]
    return None
