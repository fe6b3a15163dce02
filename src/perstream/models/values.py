"""Picks the value beside the words asked about: what a key says, a price, an amount, a number, a count."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perstream.models.labels import key_value
from perstream.models.questions import Question
from perstream.models.relevance import Relevance
from perstream.models.spans import Span, SpanType, find_spans
from perstream.models.text import words
from perstream.models.units import Unit

_NUMBER_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a dozen|several|a few"
_TOTAL = re.compile(r"(?i)\b(?:total|sum|amount due|to pay|balance|summe)\b")
_MEASURES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(asked), re.compile(rf"(?i)[\d.,\s]*(?:{units})"))
    for asked, units in (
        (r"\b(?:dose|dosage|strength|how strong|milligrams?|mgs?)\b", r"mg|mcg|µg|ug|g|ml|iu|ie|%"),
        (r"\b(?:weigh\w*|heavy|grams?|kilo\w*)\b", r"mg|g|kg|grams?|kilos?"),
        (r"\b(?:volume|millilit\w+|lit(?:re|er)s?)\b", r"ml|cl|dl|l|lit(?:re|er)s?"),
        (r"\b(?:calories|kcal)\b", r"kcal"),
        (r"\bhow (?:long|tall|high|wide|deep|far)\b", r"mm|cm|m|km|miles?"),
    )
)
"""Of the amounts on a label, those in the units that fit the question: a dose is no number of tablets."""
_SECRET = re.compile(r"\b(?:password|passcode|passphrase|login|code|pin)\b")
_KEYS = r"password|passwort|passcode|passphrase|pass|pw|pin|ssid|network|netzwerk|user(?:name)?|login|key"
_BARE_KEY = re.compile(rf"(?i)((?:wi-?fi |wlan )?(?:{_KEYS}))\s+(\S{{3,40}})$")
_KEY_ALONE = re.compile(rf"(?i)((?:wi-?fi |wlan )?(?:{_KEYS}))\s*:?$")
_MAX_VALUE = 60


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
    low = question.text.lower()
    asked = {w.lower() for w in words(question.text)}
    measures = [units for words_asked, units in _MEASURES if SpanType.AMOUNT in wanted and words_asked.search(low)][:1]
    lines = ranked_lines(unit, relevance, far=SpanType.PRICE not in wanted)
    if SpanType.PRICE in wanted and re.search(r"\b(?:total|bill|pay|altogether|spend|spent|owe)\b", low):
        sums = [i for i, line in enumerate(unit.lines) if _TOTAL.search(line)]
        lines = [j for i in sums for j in (i, i + 1) if j < len(unit.lines)] or lines
    for i in lines:
        spans = [
            s
            for s in find_spans(unit.lines[i], wanted)
            if s.text.lower() not in asked
            and (s.type is not SpanType.AMOUNT or all(units.fullmatch(s.text) for units in measures))
        ]
        if spans:
            return _nearest(unit.lines[i], spans, question, relevance).text
    return ""


def _nearest(line: str, spans: Sequence[Span], question: Question, relevance: Relevance) -> Span:
    """After the last word asked about, else the first: labels put the name before the value."""
    ends = [
        m.end() for m in re.finditer(r"[^\W_]+", line) if any(relevance.holds(t, m.group()) for t in question.terms)
    ]
    after = [s for s in spans if ends and s.start >= min(ends)]
    return after[0] if after else spans[0]


def count_of(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The number that stands before the thing counted ("24 tablets"), or after it ("Guests: 12")."""
    heads = [t for t in question.terms if t.word in question.head.split()] or list(question.terms[:1])
    number = rf"\b(\d{{1,6}}|{_NUMBER_WORDS})\s*x?\s+((?:[^\W\d]+[ -]){{0,2}}?)([^\W\d]+)"
    text = unit.text
    if re.search(r"(?i)\b(?:take|a day|per day|daily|each day|at once)\b", question.text):
        often = frozenset({SpanType.FREQUENCY})
        taken = [
            " ".join(unit.lines[i : i + 2])
            for i in range(len(unit.lines))
            if any(find_spans(line, often) for line in unit.lines[i : i + 2])
        ]
        text = " ".join([*taken, text])  # "1 tablet / twice daily" before the number in the box
    for close in (relevance.names, relevance.holds):  # the very word before a related one
        for match in re.finditer(number, text, re.IGNORECASE):
            if any(close(t, w) for t in heads for w in [match.group(3), *match.group(2).split()]):
                return match.group(1)
    for match in re.finditer(r"([^\W\d_]+)\s*[:=]\s*(\d{1,6})\b", unit.text):
        if any(relevance.holds(t, match.group(1)) for t in heads):
            return match.group(2)
    return ""


def value_in(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The value of a "key: value" line whose key is asked about, best the one that is the noun asked for."""
    head = asked_noun(question.text)
    best, value = 0.0, ""
    for pair in _pairs(unit.lines):
        key = pair[0].lower()
        score = max(
            (t.weight if relevance.names(t, key) else 0.6 * t.weight if relevance.holds(t, key) else 0.0)
            for t in question.terms
        ) if question.terms else 0.0  # fmt: skip
        if head and head in words(key):
            score += 3.0
        if score > best:
            best, value = score, pair[1]
    return value


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Keys and values: "Password: x9", "PIN 4411", and a key alone above its value."""
    found = []
    for i, line in enumerate(lines):
        bare, alone = _BARE_KEY.match(line.strip()), _KEY_ALONE.match(line.strip())
        pair = key_value(line) or (bare and (bare.group(1), bare.group(2)))
        if pair:
            found.append(pair)
        elif alone and i + 1 < len(lines) and len(lines[i + 1].split()) == 1:
            found.append((alone.group(1), lines[i + 1].strip()))
    return found


def whole_value(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The whole value of the key asked for by name, where a number or a code is due: "green-7", not "7"; else ""."""
    if unit.way not in ("read", "code"):
        return ""
    value, head = value_in(unit, question, relevance), asked_noun(question.text)
    keys = [pair[0].lower() for pair in _pairs(unit.lines) if pair[1] == value]
    due = any(head in words(key) for key in keys) or bool(_SECRET.search(question.text.lower()))
    return value if due and len(value) <= _MAX_VALUE else ""


def asked_noun(question: str) -> str:
    """The noun that a question asks for: "password" of "what is the wifi password of the hotel"; "" for none."""
    match = re.match(
        r"(?i)(?:what|which)(?:['’]s| is| was| are| were) (?:(?:the|my|our|your|this|that) )?"
        r"((?:[\w'’-]+ ){0,4}?[\w'’-]+)(?= (?:of|for|on|in|at|from|to|by|with)\b|$)",
        question,
    ) or re.match(r"(?i)(?:what|which) ([\w'’-]+)(?= )", question)
    noun = match.group(1).lower().split()[-1] if match else ""
    return "" if noun in {"is", "was", "are", "were", "do", "does", "did"} else noun
