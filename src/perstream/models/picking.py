"""Picks the span of a unit that answers: the value, time, place, person, colour or count beside the words asked about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from perstream.models.labels import key_value
from perstream.models.questions import Question
from perstream.models.relevance import Relevance
from perstream.models.spans import COLORS, TIMES, Span, SpanType, find_spans
from perstream.models.text import STOP_WORDS, words
from perstream.models.units import Unit
from perstream.models.verbs import PLACE_PREPOSITIONS

_NUMBER_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a dozen|several|a few"
_KIN = re.compile(
    r"\b(?:my|your|his|her|our) (?:\w+ )?(?:sister|brother|mother|father|mom|mum|dad|wife|husband|partner|son|daughter|friend|boss"
    r"|neighbou?r|aunt|uncle|cousin|colleague|doctor|dentist|grand\w+|girlfriend|boyfriend|manager|teacher|parents?|family|team)s?\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    rf"\b(?:{'|'.join(sorted(PLACE_PREPOSITIONS | {'to', 'from', 'underneath', 'beside', 'next to', 'in front of', 'on top of'}))})\s+"
    r"(?!(?:\d{1,2}[:.]\d\d|\d{1,2} ?[ap]m|time|case|fact|order|the (?:morning|afternoon|evening|first|way|moment)|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b)"
    r"[^,.;:!?]{2,80}",
    re.IGNORECASE,
)


def ranked_lines(unit: Unit, relevance: Relevance) -> list[int]:
    """Indices of the unit's lines: those that hold the question's words first, then their neighbours below, then above."""
    scores = [relevance.line_score(line) for line in unit.lines]
    best = [i for i in sorted(range(len(scores)), key=lambda i: -scores[i]) if scores[i] > 0]
    near: list[int] = []
    for i in best:
        near += [j for j in (i + 1, i - 1) if 0 <= j < len(scores) and scores[j] == 0]
    rest = [i for i in range(len(scores)) if scores[i] == 0]
    return list(dict.fromkeys([*best, *near, *rest]))


def spans_near(unit: Unit, wanted: frozenset[SpanType], question: Question, relevance: Relevance) -> str:
    """The span of a wanted type nearest the words asked about; "" when there is none."""
    asked = {w.lower() for w in words(question.text)}
    for i in ranked_lines(unit, relevance):
        spans = [s for s in find_spans(unit.lines[i], wanted) if s.text.lower() not in asked]
        if spans:
            return _nearest(unit.lines[i], spans, question, relevance).text
    return ""


def _nearest(line: str, spans: Sequence[Span], question: Question, relevance: Relevance) -> Span:
    """After the last word asked about, else the first: labels put the name before the value."""
    ends = [m.end() for m in re.finditer(r"[^\W_]+", line) if any(relevance.holds(t, m.group()) for t in question.terms)]
    after = [s for s in spans if ends and s.start >= min(ends)]
    return after[0] if after else spans[0]


def time_in(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The time stated beside the words asked about: day and clock where both stand there; "" for none."""
    low = question.text.lower()
    lines = ranked_lines(unit, relevance)
    if len(unit.lines) > 1 and any(relevance.line_score(unit.lines[i]) > 0 for i in lines):
        held = [i for i in lines if find_spans(unit.lines[i], TIMES)]
        lines = held[:1] if held and relevance.line_score(unit.lines[held[0]]) > 0 else lines
    asks_day = bool(re.search(r"\b(?:day|date|weekday)\b", low))
    asks_clock = bool(re.search(r"\bwhat time\b", low))
    for i in lines:
        spans = find_spans(unit.lines[i], TIMES)
        clocks = [s for s in spans if s.type is SpanType.CLOCK]
        if asks_day and all(s.type is SpanType.CLOCK for s in spans):
            continue
        if asks_clock and not clocks:
            continue
        if len(clocks) > 1 and re.search(r"\b(?:close|closes|shut|shuts|end|ends|finish|finishes|until|over)\b", low):
            return clocks[-1].text
        if len(clocks) > 1 and re.search(r"\b(?:open|opens|start|starts|begin|begins|from)\b", low):
            return clocks[0].text
        if spans:
            return _together(unit.lines[i], spans)
    if not asks_clock:
        ordinal = re.search(r"\b(?:on|by|before|after) the (?:first|second|third|last|\w+th|\d{1,2}(?:st|nd|rd|th))\b(?: of [\w ]{3,20})?", unit.text)
        if ordinal:
            return ordinal.group()
        year = re.search(r"\b(?:in|since) (?:19|20)\d\d\b", unit.text)
        if year:
            return year.group()
        ago = find_spans(unit.text, frozenset({SpanType.DURATION}))
        if ago and (ago[0].text.endswith("ago") or unit.way in ("told", "heard")):
            return ago[0].text
    elif not asks_day:
        hour = re.search(r"\b(?:at|by|until|before|after) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon)\b", unit.text.lower())
        if hour:
            return hour.group()
    return ""


def _together(line: str, spans: Sequence[Span]) -> str:
    start, end = spans[0].start, spans[0].end
    for span in spans[1:]:
        if span.start - end > 6:
            break
        end = span.end
    return line[start:end]


def colour_of(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The colour that stands directly with the thing asked about: "blue folder", "the folder is blue"."""
    things = [t for t in question.terms if t.required]
    colour = rf"(?:(?:light|dark)[ -])?(?:{COLORS})"
    for match in re.finditer(rf"\b({colour}(?:(?: and |, | ){colour})*)\s+(\w+)(?:\s+(\w+))?", unit.text, re.IGNORECASE):
        if any(relevance.holds(t, w) for t in things if not t.name for w in (match.group(2), match.group(3) or "")):
            return match.group(1)
    for match in re.finditer(rf"\b(\w+)\s+(?:is|are|was|were|looks)\s+(?:\w+ly\s+|very\s+)?({colour})\b", unit.text, re.IGNORECASE):
        if any(relevance.holds(t, match.group(1)) for t in things):
            return match.group(2)
    return ""


def count_of(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The number that stands before the thing counted ("24 tablets"), or after it ("Guests: 12")."""
    heads = [t for t in question.terms if t.word in question.head.split()] or list(question.terms[:1])
    for match in re.finditer(rf"\b(\d{{1,6}}|{_NUMBER_WORDS})\s*x?\s+((?:\w+[ -]){{0,2}}?)(\w+)", unit.text, re.IGNORECASE):
        if any(relevance.holds(t, w) for t in heads for w in [match.group(3), *match.group(2).split()]):
            return match.group(1)
    for match in re.finditer(r"([^\W\d_]+)\s*[:=]\s*(\d{1,6})\b", unit.text):
        if any(relevance.holds(t, match.group(1)) for t in heads):
            return match.group(2)
    return ""


def value_in(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The value of a "key: value" line whose key is asked about; "" when there is none."""
    for line in unit.lines:
        pair = key_value(line)
        if pair and any(relevance.holds(t, pair[0]) for t in question.terms):
            return pair[1]
    return ""


def place_in(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The place a sentence names ("under the blue pot"); not one that the question itself names."""
    for match in _PLACE.finditer(unit.text):
        place = match.group().strip()
        fresh = [w for w in words(place)[1:] if w.lower() not in STOP_WORDS]
        if fresh and not all(any(relevance.holds(t, w) for t in question.terms) for w in fresh):
            return place
    return ""


def person_in(unit: Unit, question: Question, relevance: Relevance) -> str:
    """A person that the unit names and the question does not."""
    asked = {w.lower() for w in words(question.text)}
    if unit.way == "read":
        for line in unit.lines:
            pair = key_value(line)
            if pair and any(relevance.holds(t, pair[0]) for t in question.terms):
                return pair[1]
        return next((name for name in map(_name_on, _other_lines(unit, relevance)) if name), "")
    kin = [m.group() for m in _KIN.finditer(unit.text) if not words(m.group())[-1].lower() in asked]
    names = [
        w for i, w in enumerate(words(unit.text))
        if w[:1].isupper() and w.lower() not in asked and w.lower() not in STOP_WORDS and w.lower() not in _NOT_PEOPLE
        and (i > 0 or not w.lower() in _OPENERS)
    ]  # fmt: skip
    if kin or names:
        return (kin or names)[0]
    return "you" if re.match(r"(?i)(?:i|we)\b", unit.text) and "who am i" not in question.text.lower() else ""


def kin_of(unit: Unit) -> str:
    """The relation that a sentence states ("my sister"), or ""."""
    match = _KIN.search(unit.text)
    return match.group() if match else ""


def _other_lines(unit: Unit, relevance: Relevance) -> Iterable[str]:
    return (unit.lines[i] for i in ranked_lines(unit, relevance) if i < len(unit.lines))


def _name_on(line: str) -> str:
    match = re.search(r"\b(?:Dr|Prof|Mr|Mrs|Ms)\.? [A-Z][\w'-]+(?: [A-Z][\w'-]+)?", line)
    return match.group() if match else ""


_NOT_PEOPLE = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december i i'm i've bluetooth usb tv gps wifi""".split()
)
_OPENERS = frozenset("the my our his her their this that there please remember yesterday today last just a an remind".split())
