"""Picks the span of a unit that answers: the value, time, place, person, colour or count beside the words asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perstream.models.labels import key_value
from perstream.models.questions import Question
from perstream.models.relevance import Relevance
from perstream.models.spans import COLORS, MONTHS, SpanType
from perstream.models.text import STOP_WORDS, words
from perstream.models.units import Unit
from perstream.models.values import ranked_lines, spans_near
from perstream.models.verbs import PLACE_PREPOSITIONS

_KIN = re.compile(
    r"\b(?:my|your|his|her|our|(?-i:[A-Z])\w+['’]s) (?:\w+ )?(?:sister|brother|mother|father|mom|mum|dad|wife|husband|partner|son|daughter|friend|boss"
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
    rf"|(?:{MONTHS})\b(?:,? (?:\d{{1,2}}|(?:19|20)\d\d))?(?!\w| [A-Z])"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|time\b|case\b|fact\b|order\b|the way\b|(?:19|20)\d\d\b"
)
_PLACE = re.compile(rf"{_PREPOSITION.pattern}(?!{_TIME_WORDS})[^,.;:!?]{{2,80}}", re.IGNORECASE)
_TAIL = re.compile(
    rf"\s+(?:(?:at|on|by|until|from) (?:{_TIME_WORDS})|when|while|because|since|every|last|next|yesterday|today|tomorrow)\b.*$",
    re.IGNORECASE,
)


def colour_of(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The colour that stands directly with the thing asked about: "blue folder", "the folder is blue"."""
    things = [t for t in question.terms if t.required]
    colour = rf"(?:(?:light|dark)[ -])?(?:{COLORS})"
    for match in re.finditer(
        rf"\b({colour}(?:(?: and |, | ){colour})*)\s+(\w+)(?:\s+(\w+))?", unit.text, re.IGNORECASE
    ):
        if any(relevance.holds(t, w) for t in things if not t.name for w in (match.group(2), match.group(3) or "")):
            return match.group(1)
    for match in re.finditer(
        rf"\b(\w+)\s+(?:is|are|was|were|looks)\s+(?:\w+ly\s+|very\s+)?({colour})\b", unit.text, re.IGNORECASE
    ):
        if any(relevance.holds(t, match.group(1)) for t in things):
            return match.group(2)
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
    kin = [m.group() for m in _KIN.finditer(unit.text) if words(m.group())[-1].lower() not in asked]
    listed = words(unit.text)
    names = [
        w for i, w in enumerate(listed)
        if w[:1].isupper() and w.lower() not in asked and w.lower() not in STOP_WORDS and w.lower() not in _NOT_PEOPLE
        and (i > 0 or w.lower() not in _OPENERS)
        and (i == 0 or _before_run(listed, i) not in _NO_PERSON_AFTER - asked)
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
    low = question.text.lower()
    signed = unit.lines[-1].strip(" -–—")
    letter = re.match(r"(?i)(?:dear|hi|hello|hallo|liebe[rs]?)\b", unit.lines[0]) and _PERSON_LINE.fullmatch(signed)
    if letter and re.search(r"\b(?:wrote|written|write|sent|send|signed|from)\b", low):
        return signed
    for i in ranked_lines(unit, relevance):
        made_by = re.search(rf"\b(?:[Bb]y|BY)\s+({_PERSON_LINE.pattern})$", unit.lines[i].strip())
        if made_by and not all(any(relevance.names(t, w) for t in question.terms) for w in words(made_by.group(1))):
            return made_by.group(1)
        line = re.sub(r"(?i)^(?:to|by|from|name|author|recipient|contact)\s*:?\s+", "", unit.lines[i].strip())
        titled = re.search(r"\b(?:Dr|Prof|Mr|Mrs|Ms)\.? [A-Z][\w'-]+(?: [A-Z][\w'-]+)?", line)
        if titled:
            return titled.group()
        alone = (
            _PERSON_LINE.fullmatch(line)
            and len(line.split()) > 1
            and not _THING_LINE.search(line)
            and not line.isupper()
        )
        if alone and not all(any(relevance.names(t, w) for t in question.terms) for w in words(line)):
            return line
    return ""


_PERSON_LINE = re.compile(r"[A-Z][\w'-]+(?: [A-Z][\w'.-]*){0,3}")
_THING_LINE = re.compile(
    r"(?i)\b(?:street|road|lane|row|hill|avenue|square|garden|market|hall|school|station|hotel|cafe|café|shop|museum|park|hours"
    r"|office|room|floor|level|gate|platform|wifi|next|appointment|menu|open|closed|ticket|total)s?\b"
)


def _before_run(listed: Sequence[str], at: int) -> str:
    """The word before the run of capitalised words that ``at`` belongs to."""
    while at > 1 and listed[at - 1][:1].isupper():
        at -= 1
    return listed[at - 1].lower()


_NOT_PEOPLE = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december i i'm i've bluetooth usb tv gps wifi""".split()
)
_NO_PERSON_AFTER = frozenset({"from", "in", "at", "on"})
_OPENERS = frozenset(
    "the my our his her their this that there please remember yesterday today last just a an remind".split()
)


def other_words(unit: Unit, question: Question, relevance: Relevance) -> str:
    """What a label says beside the words asked about: "olive oil" asked, "CASA VERDE" told. Short lines only.

    Empty when nothing is left, or when a line is long enough to be a sentence: that is quoted instead.
    """
    head = re.search(
        r"(?i)\b(?:name of|kind of|sort of|(?:what|which)(?! (?:is|are|was|were|do|does|did)\b))(?: the| my| a)? ([^\W\d_]+)",
        question.text,
    )
    for term in question.terms if head else ():
        if head and term.word == head.group(1).lower() and not any(relevance.names(term, line) for line in unit.lines):
            kind = next((line for line in unit.lines if relevance.holds(term, line)), "")
            if kind:  # "which medicine": the line that is one is the answer
                return kind if len(kind.split()) <= 6 else ""
    scores = [relevance.line_score(line) for line in unit.lines]
    left = [i for i, score in enumerate(scores) if score == 0]
    named = [i for i in left if not any(c.isdigit() for c in unit.lines[i])]
    if re.match(
        r"(?i)(?:which|what) (?!is |are |was |were |do |does |did |should |tasks?\b|items?\b)", question.text
    ) or re.search(r"(?i)\b(?:called|name|title|brand)\b", question.text):
        left = named or left
    rest = [unit.lines[i] for i in left]
    fits = 0 < len(rest) <= 8 and max(scores, default=0.0) > 0 and all(len(line.split()) <= 6 for line in rest)
    return _listed(unit.lines, left)[:160] if fits else ""


def _listed(lines: Sequence[str], chosen: Sequence[int]) -> str:
    """Lines set apart by commas; those in capitals that run on are one title."""
    text, before = "", -2
    for i in chosen:
        line = lines[i].strip(" -•*")
        if line:
            runs_on = before == i - 1 and _CAPITALS.fullmatch(lines[before]) and _CAPITALS.fullmatch(line)
            text += ("" if not text else " " if runs_on else ", ") + line
            before = i
    return text


_CAPITALS = re.compile(r"(?=.*[A-Z])[A-Z' ]+")


def place_on_label(unit: Unit, question: Question, relevance: Relevance) -> str:
    """A line that names a place: an address, or words such as hall, garden, street; "" when there is none."""
    address = spans_near(unit, frozenset({SpanType.ADDRESS}), question, relevance)
    if address:
        return address
    for line in unit.lines:
        fresh = [w for w in words(line) if not any(relevance.holds(t, w) for t in question.terms)]
        if fresh and _PLACE_LINE.search(line) and len(line.split()) <= 5:
            return line.strip()
    return ""


_PLACE_LINE = re.compile(
    r"(?i)\b(?:street|road|lane|row|hill|avenue|square|garden|gardens|market|hall|school|station|stage|hotel|cafe|café|museum"
    r"|park|theatre|theater|library|church|arena|stadium|centre|center|brewery|mill|castle|palace|club|gallery|pier|harbour"
    r"|harbor|cinema|building|house|depot|campus|university|college|hospital|airport|platz|strasse|straße)$"
)
