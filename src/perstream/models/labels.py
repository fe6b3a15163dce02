"""What a text read from the world states: a small grammar of labels, signs, calendars and price tags.

Every rule keeps to the words read; a text that fits no rule states only itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from perstream.models.spans import MONTHS, TIMES, Span, SpanType, find_spans
from perstream.models.text import STOP_WORDS, cleaned, words
from perstream.types import Triplet

_KEY_VALUE = re.compile(r"^[\s•*·–☐□-]*(?:\d{1,2}[.)]\s+)?([^\W\d_][\w .#/&'-]{1,40}?)\s*[:=]\s*(\S.{0,160})$")
_PLACE_NUMBER = re.compile(
    r"\b(platform|track|gate|room|level|floor|line|bus|tram|seat|terminal|exit|aisle|bay|stop|hall|building|car|coach"
    r"|counter|table|door|apartment|apt|suite|locker|zone|row|gleis)(?=[\W\d_]|[A-Z]\d)\s?(?:no\.?|nr\.?|number|#)?\s?([A-Z]?\d{1,4}[A-Z]?|[A-Z]\d?)\b",
    re.IGNORECASE,
)
_ORDINAL_PLACE = re.compile(
    r"\b(first|second|third|fourth|fifth|sixth|seventh|top|ground|\d{1,2}(?:st|nd|rd|th)) (floor|level|row|exit|door|room|aisle)\b",
    re.IGNORECASE,
)
_SAME_SORT = (
    {"level", "floor"},
    {"platform", "track", "gleis"},
    {"apartment", "apt", "suite"},
    {"coach", "car"},
    {"bus", "tram", "line"},
)
_NOT_KEYS = frozenset({"http", "https", "ftp", "mailto", "tel"})
_LINKS = frozenset({"to", "from", "for", "by", "attn"})
"""Keys that say how the rest of the label is about their value: "To: Anna" of a parcel."""
_NOT_NAMES = re.compile(rf"(?i)(?:until|till|since|{MONTHS})$")
"""Words that name nothing: "Saturday until 12:00" is about what stands above it, and so is a calendar's month."""
_SCORE = 0.8
"""A reading's structure is likelier wrong than the reading itself."""


def label_triplets(lines: Sequence[str]) -> list[Triplet]:
    """Facts stated by one block of lines read together, beyond the reading itself."""
    kept = [cleaned(line, 200) for line in lines if line.strip()]
    found: list[Triplet] = []
    plain = [line for line in kept if not key_value(line)]
    title = next((name for name in map(_name, plain) if name), "")
    for key, value in filter(None, map(key_value, kept)):
        found.append(_fact(title or "label", key.lower(), value) if key.lower() in _LINKS else _fact(key, "is", value))
    for text in plain:
        found += _of_text(text, title)
    return list(dict.fromkeys(found))


def key_value(line: str) -> tuple[str, str] | None:
    """("WIFI password", "x9") of "WIFI password: x9"; None for a line of another shape."""
    pair = _KEY_VALUE.match(cleaned(line, 200))
    if not pair or _is_clock(line, pair.start(2)) or pair.group(1).lower() in _NOT_KEYS:
        return None
    return pair.group(1).strip(), pair.group(2).strip()


def place_numbers(text: str, head: str) -> list[str]:
    """Numbered places in a text ("platform 7", "second floor"), all or those of the sort that ``head`` names."""
    text = text[:2000]
    streets = find_spans(text, frozenset({SpanType.ADDRESS}))  # Garden Row 5 is no row
    found = [
        (m.start(), m.group(1).lower(), f"{m.group(1).lower()} {m.group(2)}")
        for m in _PLACE_NUMBER.finditer(text)
        if not any(street.start < m.start() < street.end for street in streets)
    ]
    found += [(m.start(), m.group(2).lower(), m.group().lower()) for m in _ORDINAL_PLACE.finditer(text)]
    sorts = next((group for group in _SAME_SORT if head in group), {head})
    return [place for _, sort, place in sorted(found) if not head or sort in sorts]


def _of_text(text: str, title: str) -> list[Triplet]:
    """Facts of one line; ``title`` names the block, for lines that hold nothing but a time or a number."""
    found: list[Triplet] = []
    spans, number = _parts(text)
    name = _name(text)
    if number:
        place = _place(number)
        found.append(Triplet("sign", "shows", place, _SCORE))
        other = name or title
        if other and other != place:
            found.append(Triplet(place, "shown with", _entity(other), _SCORE))
    subject = name or title or (_place(number) if number else "")
    if not subject:
        return found
    when = _run(text, [s for s in spans if s.type in TIMES])
    if when:
        found.append(_fact(subject, "at", when))
    for span in spans:
        predicate = _PREDICATES.get(span.type)
        if predicate:
            if span.type is SpanType.AMOUNT and re.search(r"(?:mg|mcg|µg|ug|iu|ie)$", span.text, re.IGNORECASE):
                predicate = "dose"
            found.append(_fact(subject, predicate, span.text))
    return found


def _parts(text: str) -> tuple[list[Span], re.Match[str] | None]:
    """Typed spans of a line, and its "platform 7" where it has one (kept out of the spans)."""
    number = _PLACE_NUMBER.search(text)
    spans = find_spans(text)
    if number:
        spans = [s for s in spans if s.end <= number.start() or s.start >= number.end()]
    return spans, number


def _name(text: str) -> str:
    spans, number = _parts(text)
    bounds = [(s.start, s.end) for s in spans] + ([number.span()] if number else [])
    return _outside(text, sorted(bounds))


def _place(number: re.Match[str]) -> str:
    return f"{number.group(1).lower()} {number.group(2)}"


_PREDICATES = {
    SpanType.PRICE: "price",
    SpanType.AMOUNT: "amount",
    SpanType.PHONE: "phone number",
    SpanType.EMAIL: "email address",
    SpanType.URL: "web address",
}


def _fact(subject: str, predicate: str, value: str) -> Triplet:
    return Triplet(_entity(subject), predicate, value.strip(" .,;"), _SCORE)


def _entity(text: str) -> str:
    return cleaned(text, 60).strip(" .,;:-–/").lower()


def _outside(text: str, bounds: Sequence[tuple[int, int]]) -> str:
    """The words outside ``bounds`` that could name something: at least one of three letters."""
    kept, at = [], 0
    for start, end in bounds:
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    name = re.sub(r"[\s\W_]+", " ", " ".join(kept)).strip()
    useful = [
        w
        for w in words(name)
        if w.lower() not in STOP_WORDS and len(w) >= 3 and w.isalpha() and not _NOT_NAMES.match(w)
    ]
    return name if useful and len(name) <= 60 else ""


def _run(text: str, spans: Sequence[Span]) -> str:
    """Times that stand together, as written: "Tue 10:00", "12 May at 9 am", "Sunday until 12:00"."""
    if not spans:
        return ""
    end = spans[0].end
    for span in spans[1:]:
        if span.start - end > len(" until "):
            break
        end = span.end
    return text[spans[0].start : end]


def _is_clock(line: str, at: int) -> bool:
    """True when the colon before ``at`` is inside a time of day such as 10:00."""
    return line[at : at + 2].isdigit() and line[: at - 1].rstrip()[-1:].isdigit()
