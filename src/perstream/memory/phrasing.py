"""What a question asks for, apart from what it is about: whom, when, and the words that count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from perstream.memory.lexical import STOP_WORDS, Stemmer, words_of
from perstream.when import When, spans

MAX_CHARS = 2000
"""A question's first so many characters count."""

_PREAMBLE = re.compile(
    r"^\W*(?:(?:so|well|hey|hi|hello|okay|ok|please|and|um|uh)\b[\s,]*)*"
    r"(?:(?:(?:do|did|can|could|would|will)\s+(?:you|we)\s+(?:please\s+|still\s+|by any chance\s+|happen to\s+)?"
    r"(?:remember|recall|know|tell\s+me|remind\s+me(?:\s+of)?|show\s+me|say|find(?:\s+out)?)"
    r"|(?:please\s+)?(?:tell|remind|show)\s+me(?:\s+of)?|i(?:'d|\s+would)\s+like\s+to\s+know|i\s+(?:wonder|was\s+wondering|forgot|forget|can't\s+remember|don't\s+remember|cannot\s+remember)"
    r"|(?:have\s+)?any\s+idea|what\s+do\s+you\s+(?:remember|know)\s+about)"
    r"(?:\s+(?:if|whether|that|about|again))?\b[\s,:]*)?(?:please\b[\s,]*)?",
    re.I,
)
_OWNER = re.compile(r"\b(?:i|me|my|mine|myself|i'm|i've|i'd)\b", re.I)
_WHEN = re.compile(r"^\W*(?:since\s+)?when\b|\b(?:what|which)\s+(?:date|day|week|month|year|time)\b", re.I)
_COUNT = re.compile(r"\bhow\s+(?:many|much|long|often|old)\b", re.I)
_SENSES = frozenset("see saw seen notice noticed hear heard look looked watch watched".split())
"""What the owner did to come by any memory at all: says nothing about which one."""
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


@dataclass(frozen=True, slots=True)
class Question:
    """A question taken apart."""

    text: str
    """Without preamble."""
    names: frozenset[str]
    """Known speakers it names, lower-case."""
    owner: bool
    """It is about the owner: first person and no speaker named."""
    terms: tuple[str, ...]
    """Stems that say something, each once, names and the words of its time expressions left out."""
    times: tuple[When, ...]
    asks_when: bool = False
    asks_count: bool = False


def without_preamble(text: str) -> str:
    """ "Do you remember where my keys are?" asks "where my keys are?"."""
    text = text[:MAX_CHARS].strip()
    rest = text[_PREAMBLE.match(text).end() :] if _PREAMBLE.match(text) else text  # type: ignore[union-attr]
    return rest if len(rest) >= 3 else text


def parse_question(text: str, speakers: Mapping[str, int], now: datetime, stemmer: Stemmer) -> Question:
    """Take a question apart. ``speakers`` are the names known, lower-case."""
    text = without_preamble(text)
    words = words_of(text)
    names = frozenset(name for name in speakers if name and _named(name, words))
    times = spans(text, now)
    spoken = {word for when in times for word in words_of(when.words)}
    owner = not names and bool(_OWNER.search(text))
    left_out = {part for name in names for part in name.split()} | (_SENSES if owner else frozenset())
    stems = [
        stemmer.stem(word)
        for word in words
        if word not in STOP_WORDS and word not in left_out and not (word in spoken and not word.isdigit())
    ]
    return Question(
        text,
        names,
        owner,
        tuple(dict.fromkeys(stems)),
        times,
        asks_when=bool(_WHEN.search(text)),
        asks_count=bool(_COUNT.search(text)),
    )


def _named(name: str, words: list[str]) -> bool:
    parts = words_of(name)
    return bool(parts) and all(part in words for part in parts)


def embedding_text(text: str, speaker: str | None = None, context: str = "") -> str:
    """What is embedded for a memory: the question it answers, who said it, and its words."""
    said = f"{speaker}: {text}" if speaker else text
    return f"{context} {said}" if context else said


def last_question(text: str) -> str:
    """The last question in a turn of a conversation, or nothing."""
    found = [part.strip() for part in _SENTENCE.findall(text[:MAX_CHARS]) if part.strip().endswith("?")]
    return found[-1] if found else ""


def question_to_embed(text: str, speakers: Iterable[str]) -> str:
    """The question as the one it is about would put it: "When did Anna's train leave?" asks "When did my train leave?".

    People tell of themselves in the first person, so this is nearer to what they said; whom the question is
    about is a signal of its own. Preambles are left out.
    """
    text = bare = without_preamble(text)
    lower = text.lower()
    known = sorted((name for name in speakers if name and name in lower), key=len, reverse=True)
    if known:
        names = "|".join(re.escape(name) for name in known)
        bare = re.sub(rf"\b(?:{names})(?:\s*(?:,|and|&)\s*(?:{names}))+(?!\w)", "we", bare, flags=re.I)
        bare = re.sub(rf"\b(?:{names})['’]s?(?!\w)", "my", bare, flags=re.I)
        bare = re.sub(rf"\b(?:{names})(?!\w)", "I", bare, flags=re.I)
    return bare
