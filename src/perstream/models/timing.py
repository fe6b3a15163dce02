"""Picks the time that a unit states: clock, day, date, calendar page, opening hours, "two weeks ago"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perstream.models.hours import hour_of, lines_of_day, weekdays_of
from perstream.models.questions import Question
from perstream.models.relevance import Relevance
from perstream.models.spans import DAYS, MONTHS, TIMES, Span, SpanType, find_spans
from perstream.models.units import Unit
from perstream.models.values import ranked_lines, spans_near


def time_in(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The time stated beside the words asked about: day and clock where both stand there; "" for none."""
    low = question.text.lower()
    asks_day = bool(re.search(r"\b(?:day|date|weekday)\b", low))
    asks_clock = bool(re.search(r"\bwhat time\b", low))
    ends = bool(re.search(r"\b(?:close[sd]?|closing|shut|shuts|end|ends|finish|finishes|until|over)\b", low))
    starts = bool(re.search(r"\b(?:do|does|did|will|when)\b.*\b(?:open|start|begin)s?\b|\bopening\b", low)) and not ends
    lines = lines_of_day(ranked_lines(unit, relevance), unit.lines, low)
    page = _calendar_page(unit.lines)
    asked_days = bool(weekdays_of(low)) and unit.way == "read"
    hours = unit.way == "read" and any(find_spans(line, frozenset({SpanType.CLOCK})) for line in unit.lines)
    for i in lines:
        spans = find_spans(unit.lines[i], TIMES)
        clocks = [s for s in spans if s.type is SpanType.CLOCK]
        if (starts or ends) and (asked_days or hours):
            hour = hour_of(unit.lines[i], starts, ends)
            if hour and (asked_days or (clocks and (ends or len(clocks) > 1))):
                return hour
            if asked_days or ends or not clocks:
                continue
        if not spans or (asks_day and len(clocks) == len(spans)) or (asks_clock and not clocks):
            continue
        if starts and len(clocks) == 1 and re.search(r"(?i)\b(?:until|till|bis)\b", unit.lines[i]):
            continue
        if len(clocks) > 1 and (starts or ends):
            return clocks[-1 if ends else 0].text
        found = _together(unit.lines[i], spans)
        return (
            f"{page} at {found}"
            if page and len(clocks) == len(spans)
            else _with_day(found, clocks == spans, i, unit.lines)
        )
    if page and not asks_clock and not ends:
        return page
    if re.search(r"\btake|taken\b", low):
        often = spans_near(unit, frozenset({SpanType.FREQUENCY}), question, relevance)
        beside = find_spans(unit.around, frozenset({SpanType.FREQUENCY})) if unit.way == "read" else []
        if often or len(beside) == 1:  # on another part of the same box
            return often or beside[0].text
    return _loose_time(unit, question, asks_clock, asks_day)


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
        month = re.search(rf"(?i)\b(?:in|since|until|by|from|early|late) (?:{MONTHS})\b", unit.text)
        if month and unit.way in ("told", "heard"):
            return month.group()
        year = re.search(r"(?i)\b(?:(?:in|since|from|est\.?|founded)\s)?(?:1[5-9]|20)\d\d\b", unit.text)
        if year and (
            re.search(r"\b(?:year|since|born|founded|exist\w*)\b", low) or (question.past and unit.way != "read")
        ):
            return year.group()
        ago = find_spans(unit.text, frozenset({SpanType.DURATION}))
        if ago and (ago[0].text.endswith("ago") or unit.way in ("told", "heard")):
            return ago[0].text
    hour = re.search(
        r"(?i)\b(?:at|by|until|before|after) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon)\b",
        unit.text,
    )
    return hour.group() if hour and not asks_day else ""


def _together(line: str, spans: Sequence[Span]) -> str:
    start, end = spans[0].start, spans[0].end
    for span in spans[1:]:
        if span.start - end > 6:
            break
        end = span.end
    return line[start:end]
