"""JSON out of a model's reply, and checked: inside prose, fences or thoughts, bounded, never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from perstream.errors import BadOutput
from perstream.models.chat.fence import whole
from perstream.models.chat.prompts import MAX_TRIPLETS
from perstream.models.text import cleaned
from perstream.types import Triplet

MAX_CHARS = 20_000
"""A longer reply is not read."""
MAX_STARTS = 20
"""Brackets at which JSON is looked for."""
MAX_DEPTH = 12
MAX_LABEL = 120
"""Characters of a subject or an object."""
MAX_PREDICATE = 60
_KEYS = frozenset({"subject", "predicate", "object", "functional"})
_THOUGHTS = re.compile(r"^.*</think\s*>", re.IGNORECASE | re.DOTALL)


def find_json(reply: str, fits: Callable[[Any], bool]) -> Any:
    """The first JSON value in a reply that ``fits``. BadOutput, with what is wrong, when there is none."""
    if len(reply) > MAX_CHARS:
        raise BadOutput(f"the reply has more than {MAX_CHARS} characters")
    text = _THOUGHTS.sub("", reply)
    decoder = json.JSONDecoder()
    problem = "there is no JSON in it"
    for count, start in enumerate([m.start() for m in re.finditer(r"[{\[]", text)][:MAX_STARTS]):
        if _depth(text, start) > MAX_DEPTH:
            raise BadOutput(f"the JSON is nested deeper than {MAX_DEPTH}")
        try:
            value = decoder.raw_decode(text, start)[0]
        except ValueError as error:
            problem = f"the JSON is broken: {str(error)[:80]}" if count == 0 else problem
            continue
        if fits(value):
            return value
        problem = "it has not the form that was asked for" if count == 0 else problem
    raise BadOutput(problem)


def triplets_in(reply: str) -> tuple[Triplet, ...]:
    """The facts of a reply that follows ``TRIPLET_SCHEMA``; a bare list of facts is one too.

    BadOutput names the first thing that is wrong: nothing of a wrong reply is taken.
    """
    found = find_json(reply, _holds_facts)
    facts = found["triplets"] if isinstance(found, dict) else found
    if not isinstance(facts, list):
        raise BadOutput('"triplets" must be a list')
    if len(facts) > MAX_TRIPLETS:
        raise BadOutput(f"more than {MAX_TRIPLETS} facts")
    return tuple(_triplet(item, number) for number, item in enumerate(facts, start=1))


def _holds_facts(value: object) -> bool:
    if isinstance(value, dict):
        return set(value) == {"triplets"}
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _triplet(item: object, number: int) -> Triplet:
    if not isinstance(item, dict):
        raise BadOutput(f"fact {number} is no object")
    unknown = set(item) - _KEYS
    if unknown:
        raise BadOutput(f"fact {number} has the unknown key {cleaned(str(sorted(map(str, unknown))[0]), 40)!r}")
    functional = item.get("functional", False)
    if not isinstance(functional, bool):
        raise BadOutput(f'"functional" of fact {number} must be true or false')
    return Triplet(
        _label(item, "subject", number, MAX_LABEL),
        _label(item, "predicate", number, MAX_PREDICATE),
        _label(item, "object", number, MAX_LABEL),
        functional=functional,
    )


def _label(item: dict[str, object], key: str, number: int, most: int) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        raise BadOutput(f'"{key}" of fact {number} must be a text')
    label = cleaned(whole(value), most + 1)
    if not any(char.isalnum() for char in label):
        raise BadOutput(f'"{key}" of fact {number} is blank')
    if len(label) > most or len(value) > 4 * most:
        raise BadOutput(f'"{key}" of fact {number} is longer than {most} characters')
    return label


def _depth(text: str, start: int) -> int:
    """How deep brackets are nested at most until the first one closes; those in strings are not told apart."""
    depth = deepest = 0
    for i in range(start, len(text)):
        if text[i] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif text[i] in "}]":
            depth -= 1
            if depth == 0:
                break
    return deepest
