"""One rule per kind of question: from the best unit of evidence to a short answer, or None.

A rule answers only when the unit holds what the question asks for: a time for "when", a person for
"who", a price for "how much". Everything said is a span of the evidence, and the evidence is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from perstream.models.blocks import one_line
from perstream.models.builtin_caption import quote
from perstream.models.clauses import about_asked, name_said, names_none, object_after, place_gone_to
from perstream.models.hours import weekdays_of
from perstream.models.labels import place_numbers
from perstream.models.phrases import (
    as_sentence,
    cite,
    into_text,
    second_person,
    spoken_time,
    time_text,
    told_back,
    where_from,
)
from perstream.models.picking import (
    colour_of,
    kin_of,
    other_words,
    person_in,
    place_in,
    place_on_label,
)
from perstream.models.question_kinds import QuestionKind
from perstream.models.questions import Question, goes_to
from perstream.models.relevance import MET, Relevance, Scored
from perstream.models.safety import explains
from perstream.models.saiddays import said_time
from perstream.models.spans import SpanType
from perstream.models.timing import time_in
from perstream.models.titles import asks_title
from perstream.models.units import Unit
from perstream.models.values import count_of, spans_near, value_in, whole_value


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at."""

    question: Question
    relevance: Relevance
    now: datetime


SURELY = 0.7
"""From here on a word is met by itself or its like: what only sounds alike makes no "yes"."""
Rule = Callable[[Scored, Context], "str | None"]


def phrase(scored: Scored, context: Context) -> str | None:
    """The answer that this unit gives, or None when it does not hold what is asked for."""
    unit, question = scored.unit, context.question
    if not explains(unit, question.text):
        return None
    if unit.way == "told" and not about_asked(unit.text, question, context.relevance):
        return None
    return _RULES[context.question.kind](scored, context)


def stated(unit: Unit, context: Context) -> str:
    """A told sentence is its own answer; of what was heard the words are quoted."""
    if unit.way == "told":
        return as_sentence(f"{told_back(unit.text)} ({cite(unit, context.now)})")
    return as_sentence(cite(unit, context.now))


def _backed(answer: str, unit: Unit, context: Context) -> str:
    if answer.strip('"') == unit.text:
        return as_sentence(f"{answer} ({where_from(unit, context.now)})")
    return as_sentence(f"{answer}: {cite(unit, context.now)}")


def _what(scored: Scored, context: Context) -> str | None:
    unit, question = scored.unit, context.question
    towards = goes_to(question.text)
    if towards:
        place = place_gone_to(unit, question)
        if place or any(t.word == towards[0] and scored.met[t.stem] < MET for t in question.terms):
            return None if not place else stated(unit, context) if unit.way == "told" else _backed(place, unit, context)
    if names_none(unit, question):
        return None
    if unit.way in ("told", "heard", "seen", "faces"):
        span = ""
        if unit.way == "heard":
            span = name_said(unit, question, context.relevance) or object_after(unit, question, context.relevance)
        return _backed(span, unit, context) if span else stated(unit, context)
    if unit.way == "code":
        return _backed(unit.text, unit, context)
    value = value_in(unit, context.question, context.relevance)
    value = value or other_words(unit, context.question, context.relevance)
    if not value and asks_title(question.text) and all(context.relevance.line_score(line) for line in unit.lines):
        return None  # it names the author alone
    return _backed(value, unit, context) if value else as_sentence(cite(unit, context.now))


def _text(scored: Scored, context: Context) -> str | None:
    unit = scored.unit
    if unit.way not in ("read", "code"):
        return stated(unit, context)
    return as_sentence(f"it said {quote(one_line(unit.lines))} ({where_from(unit, context.now)})")


def _typed(scored: Scored, context: Context) -> str | None:
    unit, question = scored.unit, context.question
    if question.wanted == frozenset({SpanType.COLOR}):
        span = colour_of(unit, question, context.relevance).capitalize()
    else:
        coded = question.wanted & {SpanType.CODE, SpanType.NUMBER}
        span = whole_value(unit, question, context.relevance) if coded else ""
        span = span or spans_near(unit, question.wanted, question, context.relevance)
        if not span and unit.way in ("read", "code") and question.wanted & {SpanType.CODE, SpanType.NUMBER}:
            span = value_in(unit, question, context.relevance)
    if not span:
        return None
    return stated(unit, context) if unit.way in ("told", "seen") else _backed(span, unit, context)


def _place_number(scored: Scored, context: Context) -> str | None:
    unit = scored.unit
    numbers = place_numbers(unit.text, context.question.head)
    if not numbers and unit.way in ("told", "heard") and context.question.head in unit.text.lower():
        number = spans_near(unit, frozenset({SpanType.NUMBER}), context.question, context.relevance)
        numbers = [number] if number else []  # "My bus to Vienna is number 37"
    if not numbers:
        return None
    return stated(unit, context) if unit.way in ("told", "seen") else _backed(numbers[0], unit, context)


def _when(scored: Scored, context: Context) -> str | None:
    unit, question = scored.unit, context.question
    time = time_in(unit, question, context.relevance)
    if not time:
        if (
            question.past
            and unit.way == "told"
            and all(scored.met[t.stem] >= 0.7 for t in question.terms if t.required)
        ):
            return f"I only know when you told me: {time_text(unit.at, context.now)} you said {quote(unit.text)}."
        return None
    dated = said_time(time, unit.at, context.now) if unit.way in ("told", "heard") else ""
    if unit.way == "told" and dated:
        return as_sentence(f"{dated}: {told_back(unit.text)} ({cite(unit, context.now)})")
    if unit.way in ("told", "seen"):
        return stated(unit, context)
    if dated:
        return _backed(dated, unit, context)
    subject = re.match(
        r"(?i)(?:when|what time|at what time) (?:is|are|was|were) ((?:my|the|our|your) .{2,60})$", question.text
    )
    if subject:
        verb = "are" if re.match(r"(?i)(?:when|(?:at )?what time) (?:are|were)", question.text) else "is"
        return _backed(f"{second_person(subject.group(1))} {verb} {spoken_time(time)}", unit, context)
    return _backed(spoken_time(time), unit, context)


def _when_seen(scored: Scored, context: Context) -> str | None:
    unit = scored.unit
    said = {
        "told": f"you told me {quote(unit.text)}",
        "heard": f"{unit.speaker or 'someone'} said {quote(unit.text)}",
        "faces": "faces were visible",
        "code": f"you read a code that says {quote(unit.text)}",
        "read": f"you read {quote(one_line(unit.lines))}",
    }.get(unit.way, f"this was seen: {quote(unit.text)}")
    into = into_text(unit)
    return as_sentence(f"{time_text(unit.at, context.now)}{', ' if into else ''}{into}: {said}")


def _where(scored: Scored, context: Context) -> str | None:
    unit, question = scored.unit, context.question
    if unit.way in ("told", "heard", "seen"):
        place = place_in(unit, question, context.relevance)
        if place:
            return stated(unit, context) if unit.way != "heard" else _backed(place, unit, context)
        return None if unit.way != "heard" or not question.perceived else stated(unit, context)
    numbers = [place for place in place_numbers(unit.text, "") if place not in question.text.lower()]
    if numbers and not question.perceived:
        return _backed(numbers[0], unit, context)
    place = place_on_label(unit, question, context.relevance) if unit.way == "read" and not question.perceived else ""
    if place:
        return _backed(place, unit, context)
    beside = f" Read with it: {quote(unit.around)}." if unit.around.strip() else ""
    if question.perceived or question.past:
        return f"I cannot name the place; {cite(unit, context.now)}.{beside}"
    return None


def _who(scored: Scored, context: Context) -> str | None:
    unit = scored.unit
    if unit.way == "heard" and unit.speaker:
        if re.search(
            r"\b(?:said|say|says|told|asked|mentioned|talked|spoke|speak\w*|suggested)\b", context.question.text.lower()
        ):
            return _backed(unit.speaker, unit, context) if len(unit.text) < 4 else as_sentence(cite(unit, context.now))
        if any(term.name and term.word == unit.speaker.lower() for term in context.question.terms):
            return None
        return as_sentence(cite(unit, context.now))
    if re.match(r"(?i)who (?:is|was|are|were) [A-Z]\S*(?: [A-Z]\S*)?$", context.question.text) and (
        not kin_of(unit) or kin_of(unit).lower().split("'s ")[0] in context.question.text.lower().split()
    ):
        return None
    if (
        unit.way == "read"
        and len(unit.lines) > 1
        and re.match(r"(?i)who (?:makes?|made|sells?|produces?)\b", context.question.text)
    ):
        return _what(scored, context)  # the label names its maker
    if unit.way in ("told", "heard") and any(scored.met[t.stem] < MET and not t.name for t in context.question.terms):
        return None
    person = person_in(unit, context.question, context.relevance)
    if not person:
        return None
    return stated(unit, context) if unit.way in ("told", "seen", "heard") else _backed(person, unit, context)


def _said(scored: Scored, context: Context) -> str | None:
    unit, speaker = scored.unit, context.question.speaker.lower()
    if unit.way == "heard" and speaker in unit.speaker.lower().split():
        span = object_after(unit, context.question, context.relevance)
        if span:
            return _backed(span, unit, context)
        return as_sentence(cite(unit, context.now))
    if unit.way == "told" and re.search(
        rf"\b{re.escape(speaker)}\b.*\b(?:said|told|asked|mentioned|says|wants)\b", unit.text.lower()
    ):
        return stated(unit, context)
    return None


def _count(scored: Scored, context: Context) -> str | None:
    unit, question = scored.unit, context.question
    if unit.way == "faces":
        faces = unit.text.split()[0]
        return f"At least {faces}: that many faces were visible {time_text(unit.at, context.now)}; there may have been more."
    count = count_of(unit, question, context.relevance)
    if not count:
        return None
    return stated(unit, context) if unit.way in ("told", "seen") else _backed(count, unit, context)


def _yes_no(scored: Scored, context: Context) -> str | None:
    unit, question = scored.unit, context.question
    if any(t.required and scored.met[t.stem] < SURELY for t in question.terms):
        return None
    asked_days = weekdays_of(question.text) if unit.way == "read" else frozenset()
    of_days = [line for line in unit.lines if asked_days & weekdays_of(line)]
    if asked_days and not of_days and any(map(weekdays_of, unit.lines)):
        return None
    shut = any(re.search(r"(?i)\bclosed\b", line) for line in of_days) and "open" in question.text.lower()
    lesser = [t for t in question.terms if not t.required and scored.met[t.stem] < MET]
    disliked = bool(_DISLIKES.search(unit.text)) and any(t.word in _LIKING for t in question.terms)
    lesser = [t for t in lesser if not (disliked and t.word in _LIKING)]
    if lesser and not question.perceived and unit.way not in ("read", "code"):
        return None
    negated = unit.way in ("told", "heard") and _negated(unit.text) != disliked
    word = "No" if shut or negated != _negated(question.text) else "Yes"
    if unit.way == "told":
        return as_sentence(f"{word}: {told_back(unit.text)} ({cite(unit, context.now)})")
    return as_sentence(f"{word}: {cite(unit, context.now)}")


_LIKING = frozenset("like love enjoy fond".split())
_DISLIKES = re.compile(r"(?i)\b(?:hates?|dislikes?|detests?|loathes?)\b")


def _negated(text: str) -> bool:
    return bool(re.search(r"\b(?:not|never|no longer|cannot|without)\b|n['’]t\b", text.lower()))


_RULES: Mapping[QuestionKind, Rule] = {
    QuestionKind.WHEN: _when,
    QuestionKind.WHEN_SEEN: _when_seen,
    QuestionKind.WHERE: _where,
    QuestionKind.SAID: _said,
    QuestionKind.WHO: _who,
    QuestionKind.COUNT: _count,
    QuestionKind.TYPED: _typed,
    QuestionKind.PLACE_NUMBER: _place_number,
    QuestionKind.TEXT: _text,
    QuestionKind.YES_NO: _yes_no,
    QuestionKind.SUMMARY: _what,
    QuestionKind.WHAT: _what,
}
