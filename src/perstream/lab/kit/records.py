"""What a dataset record must be: each field checked, and everything that is wrong said, not only the first thing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from perstream.errors import ConfigError
from perstream.lab.drivenact import RESPONSE, SILENCE
from perstream.lab.kit.frames import check_video_id

SPLITS = ("train", "val", "test")
TYPES = ("passive", "proactive")
MAX_CHARS = 4000
"""Of one text."""
MAX_MEMORIES = 10_000
"""Of one list."""
_REFERENCE = re.compile(r"\((?:M([12])\.([1-9]\d{0,4})|V)\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MISREAD = re.compile("[\u00c2-\u00f4](?:[\u0080-\u00bf]|[€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ])+")
"""What UTF-8 looks like when it was taken for Windows-1252."""

Problem = tuple[str, str]
"""(field, what is wrong); the field is empty when it is the record as a whole."""


def check_record(item: Any) -> list[Problem]:
    """Everything that is wrong with one record by itself; empty when nothing is."""
    if not isinstance(item, Mapping):
        return [("", f"a record is an object, not {kind_of(item)}")]
    return [*_facts(item), *_memories(item), *_said(item), *_references(item)]


def _facts(item: Mapping[str, Any]) -> Iterator[Problem]:
    """Who, where, when."""
    who = item.get("participant_id")
    if "participant_id" not in item:
        yield "participant_id", "is missing"
    elif not isinstance(who, int) or isinstance(who, bool):
        yield "participant_id", f"must be a whole number, not {kind_of(who)}"
    yield from _text(item, "video_id", check=_video_problem)
    yield from _text(item, "timestamp", check=_timestamp_problem)
    yield from _text(item, "caption")
    yield from _text(item, "split", check=lambda text: _one_of(text, SPLITS))
    yield from _text(item, "type", check=lambda text: _one_of(text, TYPES))


def _memories(item: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("type_1_memories", "type_2_memories"):
        if name not in item:
            yield name, "is missing"
            continue
        values = item[name]
        if not isinstance(values, list):
            yield name, f"must be a list of texts, not {kind_of(values)}"
            continue
        if len(values) > MAX_MEMORIES:
            yield name, f"has {len(values)} memories, more than {MAX_MEMORIES}"
            continue
        for number, value in enumerate(values, start=1):
            if not isinstance(value, str):
                yield f"{name}[{number}]", f"must be a text, not {kind_of(value)}"
            elif not value.strip():
                yield f"{name}[{number}]", "is empty"
            else:
                yield from ((f"{name}[{number}]", problem) for problem in _text_problems(value))
    if item.get("type_1_memories") == [] == item.get("type_2_memories"):
        yield "type_1_memories", "and type_2_memories are both empty: there is nothing to remember"


def _said(item: Mapping[str, Any]) -> Iterator[Problem]:
    """Question and answer."""
    kind = item.get("type")
    if kind == "passive":
        yield from _text(item, "question", blank=False)
        yield from _text(item, "answer", blank=False, check=_passive_problem)
        return
    question = item.get("question")
    if kind == "proactive" and isinstance(question, str) and question.strip():
        yield "question", "belongs to a passive record: nobody asks in a proactive one"
    yield from _text(item, "answer", blank=False, check=_proactive_problem if kind == "proactive" else None)


def _references(item: Mapping[str, Any]) -> Iterator[Problem]:
    if "reference" not in item:
        if item.get("type") == "passive":
            yield "reference", "is missing"
        return
    references = item["reference"]
    if not isinstance(references, list):
        yield "reference", f"must be a list of texts, not {kind_of(references)}"
        return
    for number, reference in enumerate(references, start=1):
        where = f"reference[{number}]"
        if not isinstance(reference, str):
            yield where, f"must be a text, not {kind_of(reference)}"
            continue
        found = _REFERENCE.fullmatch(reference.strip())
        if found is None:
            yield where, f"{_short(reference)} is none of (M1.n), (M2.n) and (V)"
        elif found[1]:
            name = f"type_{found[1]}_memories"
            held = item.get(name)
            if isinstance(held, list) and int(found[2]) > len(held):
                yield where, f"{reference.strip()} is out of range: {name} has {len(held)}"


def _text(
    item: Mapping[str, Any], name: str, *, blank: bool = True, check: Callable[[str], str | None] | None = None
) -> Iterator[Problem]:
    if name not in item:
        yield name, "is missing"
        return
    value = item[name]
    if not isinstance(value, str):
        yield name, f"must be a text, not {kind_of(value)}"
        return
    if not blank and not value.strip():
        yield name, "is empty"
        return
    yield from ((name, problem) for problem in _text_problems(value))
    problem = check(value) if check else None
    if problem:
        yield name, problem


def _text_problems(text: str) -> Iterator[str]:
    if len(text) > MAX_CHARS:
        yield f"has {len(text)} characters, more than {MAX_CHARS}"
    if _CONTROL.search(text):
        yield "holds control characters"
    if any(0xD800 <= ord(char) < 0xE000 for char in text):
        yield "holds half a character (a lone surrogate)"
    if "\ufffd" in text:
        yield "holds U+FFFD: characters were lost when it was written"
    misread = next((m[0] for m in _MISREAD.finditer(text) if _was_utf8(m[0])), None)
    if misread is not None:
        yield f"mixes encodings: {misread!r} is UTF-8 that was read as Windows-1252"


def _was_utf8(text: str) -> bool:
    try:
        data = b"".join(char.encode("latin-1" if char < "\u0100" else "cp1252") for char in text)
        data.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _video_problem(text: str) -> str | None:
    try:
        check_video_id(text)
    except ConfigError:
        return f"{_short(text)} is no path inside of the video folder" if text.strip() else "is empty"
    return None


def _timestamp_problem(text: str) -> str | None:
    try:
        seconds = float(text)
    except ValueError:
        return f"{_short(text)} is no number of seconds" if text.strip() else "is empty"
    if not math.isfinite(seconds) or "_" in text:
        return f"{_short(text)} is no number of seconds"
    return f"{_short(text)} is negative" if seconds < 0 else None


def _passive_problem(text: str) -> str | None:
    if SILENCE in text or RESPONSE in text:
        return f"{SILENCE} and {RESPONSE} belong to proactive records"
    return None


def _proactive_problem(text: str) -> str | None:
    words = text.strip()
    if words == SILENCE:
        return None
    if SILENCE in words or not words.startswith(RESPONSE):
        return f"must be {SILENCE} alone, or {RESPONSE} and the words, not {_short(words)}"
    if not words.removeprefix(RESPONSE).strip():
        return f"{RESPONSE} without words"
    return None


def _one_of(text: str, known: tuple[str, ...]) -> str | None:
    return None if text in known else f"{_short(text)} is none of {', '.join(known)}"


def kind_of(value: Any) -> str:
    """The JSON name of a value's type, for messages."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    for kind, name in ((str, "a text"), (int, "a number"), (float, "a number"), (list, "a list"), (dict, "an object")):
        if isinstance(value, kind):
            return name
    return type(value).__name__


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
