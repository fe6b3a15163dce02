"""What a model replied, checked: BadOutput says the first thing that is wrong, in words that it can be given back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perstream.errors import BadOutput
from perstream.lab.drivenact import RESPONSE, SILENCE
from perstream.lab.kit.generate.asks import MAX_MEMORY_CHARS, Lists
from perstream.models.chat.fence import whole
from perstream.models.chat.json_answers import find_json
from perstream.models.text import cleaned

MAX_USUAL, MAX_EVENTS = 6, 4
"""Of one moment."""
MAX_WORDS_CHARS = 500
MAX_WHY_CHARS = 1000
MAX_REFERENCES = 12
VIEW = "V"


@dataclass(frozen=True, slots=True)
class Question:
    """A passive record's own part."""

    question: str
    answer: str
    reference: tuple[str, ...]
    """``(M1.3)``, as records have it."""
    justification: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judged run of a proactive record."""

    speak: bool
    urgency: float
    words: str
    """Empty for silence."""
    reference: tuple[str, ...]
    justification: str


def memories_in(reply: str) -> Lists:
    """New memories of a moment: at least one of each kind."""
    found = _object(reply, "type_1", "type_2")
    usual, events = (_sentences(found[name], name, most) for name, most in (("type_1", MAX_USUAL), ("type_2", MAX_EVENTS)))  # fmt: skip
    return Lists(usual, events)


def question_in(lists: Lists) -> Callable[[str], Question]:
    """Reads a question about these memories."""

    def read(reply: str) -> Question:
        found = _object(reply, "question", "answer", "reference")
        question, answer = (_text(found[name], name, MAX_WORDS_CHARS) for name in ("question", "answer"))
        reference = _references(found["reference"], lists)
        if reference in ((), (f"({VIEW})",)):
            raise BadOutput('"reference" names no memory: the question must need one')
        return Question(question, answer, reference, _why(found))

    return read


def verdict_in(lists: Lists) -> Callable[[str], Verdict]:
    """Reads a verdict about these memories."""

    def read(reply: str) -> Verdict:
        found = _object(reply, "speak", "urgency", "words", "reference")
        speak, urgency = found["speak"], found["urgency"]
        if not isinstance(speak, bool):
            raise BadOutput('"speak" must be true or false')
        if isinstance(urgency, bool) or not isinstance(urgency, (int, float)) or not math.isfinite(urgency):
            raise BadOutput('"urgency" must be a number')
        if not 0 <= urgency <= 1:
            raise BadOutput('"urgency" must lie between 0 and 1')
        if not speak:
            return Verdict(False, float(urgency), "", (), _why(found))
        words = _text(found["words"], "words", MAX_WORDS_CHARS)
        reference = _references(found["reference"], lists)
        if reference in ((), (f"({VIEW})",)):
            raise BadOutput('"reference" names no memory: a word is due only when one calls for it')
        return Verdict(True, float(urgency), words, reference, _why(found))

    return read


def _object(reply: str, *names: str) -> dict[str, Any]:
    found = find_json(reply, lambda value: isinstance(value, dict) and set(names) <= set(value))
    assert isinstance(found, dict)
    return found


def _text(value: object, name: str, most: int) -> str:
    if not isinstance(value, str):
        raise BadOutput(f'"{name}" must be a text')
    text = cleaned(whole(value[: 4 * most + 1]), most + 1)
    if not any(char.isalnum() for char in text):
        raise BadOutput(f'"{name}" is blank')
    if len(text) > most or len(value) > 4 * most:
        raise BadOutput(f'"{name}" is longer than {most} characters')
    if SILENCE in text or RESPONSE in text:
        raise BadOutput(f'"{name}" must hold no tags')
    return text


def _sentences(values: object, name: str, most: int) -> tuple[str, ...]:
    if not isinstance(values, list) or not 1 <= len(values) <= most:
        raise BadOutput(f'"{name}" must be a list of 1 to {most} texts')
    return tuple(dict.fromkeys(_text(value, name, MAX_MEMORY_CHARS) for value in values))


def _references(values: object, lists: Lists) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) > MAX_REFERENCES:
        raise BadOutput(f'"reference" must be a list of at most {MAX_REFERENCES} texts')
    names = []
    for value in values:
        name = str(value).strip().strip("()[]").strip() if isinstance(value, str) else ""
        if name != VIEW and not lists.has(name):
            raise BadOutput(f'"reference" names {cleaned(str(value), 40)!r}, which is no memory of the list')
        names.append(f"({name})")
    return tuple(dict.fromkeys(names))


def _why(found: dict[str, Any]) -> str:
    """Nothing depends on it: what is no text is left out."""
    why = found.get("justification")
    return cleaned(whole(why[:MAX_WHY_CHARS]), MAX_WHY_CHARS) if isinstance(why, str) else ""
