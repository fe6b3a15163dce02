"""Picks the span of a unit that answers: the value, time, place, person, colour or count beside the words asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perstream.models.labels import key_value
from perstream.models.questions import Question
from perstream.models.relevance import Relevance
from perstream.models.spans import COLORS, DAYS, MONTHS, TIMES, Span, SpanType, find_spans
from perstream.models.text import STOP_WORDS, words
from perstream.models.units import Unit
from perstream.models.verbs import PLACE_PREPOSITIONS

_NUMBER_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a dozen|several|a few"
_KIN = re.compile(
    r"\b(?:my|your|his|her|our) (?:\w+ )?(?:sister|brother|mother|father|mom|mum|dad|wife|husband|partner|son|daughter|friend|boss"
    r"|neighbou?r|aunt|uncle|cousin|colleague|doctor|dentist|grand\w+|girlfriend|boyfriend|manager|teacher|parents?|family|team)s?\b",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    rf"\b(?:{'|'.join(sorted(PLACE_PREPOSITIONS | {'to', 'from', 'underneath', 'next to', 'in front of', 'on top of'}))})\s+",
    re.IGNORECASE,
)
_TIME_WORDS = (
    r"\d{1,2}(?:[:.]\d\d)?(?: ?[ap]m)?\b|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight)\b"
    r"|(?:the )?(?:morning|afternoon|evening|night|weekend|first|moment|summer|winter|spring|autumn)\b"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|time\b|case\b|fact\b|order\b|the way\b|(?:19|20)\d\d\b"
)
_PLACE = re.compile(rf"{_PREPOSITION.pattern}(?!{_TIME_WORDS})[^,.;:!?]{{2,80}}", re.IGNORECASE)
_TAIL = re.compile(rf"\s+(?:(?:at|on|by|until|from) (?:{_TIME_WORDS})|when|while|because|since|every|last|next|yesterday|today|tomorrow)\b.*$", re.IGNORECASE)


_TOTAL = re.compile(r"(?i)\b(?:total|sum|amount due|to pay|balance|summe)\b")


def ranked_lines(unit: Unit, relevance: Relevance, far: bool = True) -> list[int]:
    """Indices of lines: those that hold the question's words first, then the ones below and above, then (``far``) the rest."""
    scores = [relevance.line_score(line) for line in unit.lines]
    best = [i for i in sorted(range(len(scores)), key=lambda i: -scores[i]) if scores[i] > 0]
    near: list[int] = []
    for i in best:
        near += [j for j in (i + 1, i - 1) if 0 <= j < len(scores) and scores[j] == 0]
    rest = [i for i in range(len(scores)) if scores[i] == 0] if far or not best else []
    return list(dict.fromkeys([*best, *near, *rest]))


def spans_near(unit: Unit, wanted: frozenset[SpanType], question: Question, relevance: Relevance) -> str:
    """The span of a wanted type nearest the words asked about; "" when there is none.

    Prices and amounts belong to the line that names the thing or the one next to it; a number or an
    address may stand anywhere on the same label.
    """
    if SpanType.PRICE in wanted:
        wanted |= {SpanType.DECIMAL}
    asked = {w.lower() for w in words(question.text)}
    lines = ranked_lines(unit, relevance, far=SpanType.PRICE not in wanted)
    if SpanType.PRICE in wanted and re.search(r"\b(?:total|bill|pay|altogether|spend|spent|owe)\b", question.text.lower()):
        sums = [i for i, line in enumerate(unit.lines) if _TOTAL.search(line)]
        lines = [j for i in sums for j in (i, i + 1) if j < len(unit.lines)] or lines
    for i in lines:
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
    asks_day = bool(re.search(r"\b(?:day|date|weekday)\b", low))
    asks_clock = bool(re.search(r"\bwhat time\b", low))
    ends = bool(re.search(r"\b(?:close[sd]?|shut|shuts|end|ends|finish|finishes|until|over)\b", low))
    starts = bool(re.search(r"\b(?:do|does|did|will|when)\b.*\b(?:open|start|begin)s?\b|\bopening\b", low)) and not ends
    lines = _of_day(ranked_lines(unit, relevance), unit.lines, low)
    page = _calendar_page(unit.lines)
    for i in lines:
        spans = find_spans(unit.lines[i], TIMES)
        clocks = [s for s in spans if s.type is SpanType.CLOCK]
        if not spans or asks_day and len(clocks) == len(spans) or asks_clock and not clocks:
            continue
        if (starts or ends) and not clocks and any(find_spans(line, frozenset({SpanType.CLOCK})) for line in unit.lines):
            continue
        if starts and len(clocks) == 1 and re.search(r"(?i)\b(?:until|till|bis)\b", unit.lines[i]):
            continue
        if len(clocks) > 1 and (starts or ends):
            return clocks[-1 if ends else 0].text
        found = _together(unit.lines[i], spans)
        return f"{page} at {found}" if page and len(clocks) == len(spans) else _with_day(found, clocks == spans, i, unit.lines)
    if page and not asks_clock:
        return page
    if re.search(r"\btake|taken\b", low):
        often = spans_near(unit, frozenset({SpanType.FREQUENCY}), question, relevance)
        if often:
            return often
    return _loose_time(unit, question, asks_clock, asks_day)


def _of_day(order: list[int], lines: Sequence[str], question: str) -> list[int]:
    """Where the question names a weekday and a line does too, that line (and the next, if it holds the time) alone."""
    asked = {s.text[:3].lower() for s in find_spans(question, frozenset({SpanType.DAY})) if re.fullmatch(rf"(?i)(?:{DAYS})s?", s.text)}
    named = [i for i in order if any(s.text[:3].lower() in asked for s in find_spans(lines[i], frozenset({SpanType.DAY})))]
    if not named or len(lines) < 2:
        return order
    clock = frozenset({SpanType.CLOCK})
    below = [i + 1 for i in named if not find_spans(lines[i], clock) and i + 1 < len(lines)]
    return [*named, *below]


def _with_day(found: str, clock_only: bool, at: int, lines: Sequence[str]) -> str:
    """A poster puts the date on one line and the time on the next."""
    if clock_only:
        for j in (at - 1, at + 1):
            if 0 <= j < len(lines):
                days = find_spans(lines[j], frozenset({SpanType.DAY, SpanType.DATE}))
                if len(days) == 1 and len(lines[j]) - len(days[0].text) < 4:
                    return f"{days[0].text} {found}"
    return found


def _calendar_page(lines: Sequence[str]) -> str:
    """ "Sunday, 19 March" of a page that shows month, day and perhaps weekday on lines of their own; "" otherwise."""
    month = next((line for line in lines if re.fullmatch(rf"(?i)(?:{MONTHS})(?: \d{{4}})?", line.strip())), "")
    day = next((line for line in lines if re.fullmatch(r"(?:[12]?\d|3[01])\.?", line.strip())), "")
    if not month or not day:
        return ""
    weekday = next((line for line in lines if re.fullmatch(rf"(?i)(?:{DAYS})", line.strip())), "")
    return (f"{weekday.strip().title()}, " if weekday else "") + f"{day.strip(' .')} {month.strip().title()}"


def _loose_time(unit: Unit, question: Question, asks_clock: bool, asks_day: bool) -> str:
    """Times in running words: "on the first of the month", "since 1987", "two weeks ago", "at six"."""
    low = question.text.lower()
    if not asks_clock:
        ordinal = re.search(
            r"(?i)\b(?:on|by|before|after) the (?:first|second|third|last|\w+th|\d{1,2}(?:st|nd|rd|th))\b(?: of [\w ]{3,20})?",
            unit.text,
        )
        if ordinal:
            return ordinal.group()
        year = re.search(r"(?i)\b(?:(?:in|since|from|est\.?|founded)\s)?(?:1[5-9]|20)\d\d\b", unit.text)
        if year and (re.search(r"\b(?:year|since|born|founded|exist\w*)\b", low) or question.past and unit.way != "read"):
            return year.group()
        ago = find_spans(unit.text, frozenset({SpanType.DURATION}))
        if ago and (ago[0].text.endswith("ago") or unit.way in ("told", "heard")):
            return ago[0].text
    hour = re.search(r"(?i)\b(?:at|by|until|before|after) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon)\b", unit.text)
    return hour.group() if hour and not asks_day else ""


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
    number = rf"\b(\d{{1,6}}|{_NUMBER_WORDS})\s*x?\s+((?:[^\W\d]+[ -]){{0,2}}?)([^\W\d]+)"
    for close in (relevance.names, relevance.holds):  # the very word before a related one
        for match in re.finditer(number, unit.text, re.IGNORECASE):
            if any(close(t, w) for t in heads for w in [match.group(3), *match.group(2).split()]):
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
    for start in (m.start() for m in _PREPOSITION.finditer(unit.text)):
        match = _PLACE.match(unit.text, start)
        place = _TAIL.sub("", match.group()).strip() if match else ""
        fresh = [w for w in words(place)[1:] if w.lower() not in STOP_WORDS]
        if fresh and not all(any(relevance.holds(t, w) for t in question.terms) for w in fresh):
            return place
    return ""


def person_in(unit: Unit, question: Question, relevance: Relevance) -> str:
    """A person that the unit names and the question does not."""
    asked = {w.lower() for w in words(question.text)}
    if unit.way == "read":
        return _person_on_label(unit, question, relevance)
    kin = [m.group() for m in _KIN.finditer(unit.text) if not words(m.group())[-1].lower() in asked]
    listed = words(unit.text)
    names = [
        w for i, w in enumerate(listed)
        if w[:1].isupper() and w.lower() not in asked and w.lower() not in STOP_WORDS and w.lower() not in _NOT_PEOPLE
        and (i > 0 or not w.lower() in _OPENERS)
        and (i == 0 or listed[i - 1].lower() not in _NO_PERSON_AFTER - asked)
    ]  # fmt: skip
    if kin or names:
        return (kin or names)[0]
    return ""


def kin_of(unit: Unit) -> str:
    """The relation that a sentence states ("my sister"), or ""."""
    match = _KIN.search(unit.text)
    return match.group() if match else ""


def _person_on_label(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The name beside a task ("Call the plumber: Lena"), after "To:", with a title, or alone on its line."""
    must = [t for t in question.terms if t.required or t.weight == 0.4]
    paired = False
    for line in unit.lines:
        pair = key_value(line)
        if pair and not re.match(r"(?i)(?:to|by|from|name|author|recipient|contact)$", pair[0]):
            paired = True
            if all(relevance.holds(t, pair[0]) for t in must) and _PERSON_LINE.fullmatch(pair[1].strip()):
                return pair[1].strip()
    if paired:
        return ""
    for i in ranked_lines(unit, relevance):
        line = re.sub(r"(?i)^(?:to|by|from|name|author|recipient|contact)\s*:?\s+", "", unit.lines[i].strip())
        titled = re.search(r"\b(?:Dr|Prof|Mr|Mrs|Ms)\.? [A-Z][\w'-]+(?: [A-Z][\w'-]+)?", line)
        if titled:
            return titled.group()
        alone = _PERSON_LINE.fullmatch(line) and len(line.split()) > 1 and not _THING_LINE.search(line) and not line.isupper()
        if alone and not all(any(relevance.names(t, w) for t in question.terms) for w in words(line)):
            return line
    return ""


_PERSON_LINE = re.compile(r"[A-Z][\w'-]+(?: [A-Z][\w'.-]*){0,3}")
_THING_LINE = re.compile(
    r"(?i)\b(?:street|road|lane|row|hill|avenue|square|garden|market|hall|school|station|hotel|cafe|café|shop|museum|park|hours"
    r"|office|room|floor|level|gate|platform|wifi|next|appointment|menu|open|closed|ticket|total)s?\b"
)
_NOT_PEOPLE = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december i i'm i've bluetooth usb tv gps wifi""".split()
)
_NO_PERSON_AFTER = frozenset({"from", "in", "at", "on"})
_OPENERS = frozenset("the my our his her their this that there please remember yesterday today last just a an remind".split())
