"""Scoring a watched day against its ground truth: pure functions over replies and words said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from perstream.events import ProactiveSaid
from perstream.lab.day.truth import Due, Groups, Question
from perstream.types import Provenance, Reply

MAX_ANSWER_WORDS = 60
"""A longer answer is a heap of everything read, not an answer."""
NO_CLAIM = frozenset("i you read heard saw told was is at on in the a an from of to it that -".split())
"""Words that open a quotation and claim nothing."""
EARLY_S = 0.5
"""A word may come this much before its cause can be made out: times are rounded to frames."""


@dataclass(frozen=True)
class Item:
    """One question, refusal or word, and how it went."""

    part: str
    """``question``, ``unanswerable``, ``due`` or ``false alarm``."""
    ok: bool
    asked: str
    """The question, or why the word was due."""
    got: str
    """The answer, or the word said."""
    wanted: str = ""
    note: str = ""


def mentions(text: str, groups: Groups) -> bool:
    """Whether ``text`` holds one string of each group, as words: case, blanks and plural endings do not count."""
    plain = " ".join(text.casefold().split())
    return all(any(re.search(_pattern(wanted), plain) for wanted in group) for group in groups)


def _pattern(wanted: str) -> str:
    word = re.escape(" ".join(wanted.casefold().split())).replace(r"\ ", r"\s*")
    clock = re.fullmatch(r"(\d{1,2}):(\d\d)", wanted)
    if clock:
        hour, minute = int(clock[1]), clock[2]
        return (
            rf"(?<!\w)(0?{hour}[:.]{minute}(?!\w)|{(hour - 1) % 12 + 1}[:.]{minute}\s*{'pm' if hour >= 12 else 'am'})"
        )
    ending = r"[a-z]{0,4}" if wanted[-1:].isalpha() else ""
    return rf"(?<!\w){word}{ending}(?!\w)"


def answered(question: Question, reply: Reply, start: datetime) -> bool:
    """Whether the reply answers the question: the right words, no heap of words, and no wrong claim before them.

    A bare quotation that holds the answer is one; "60 tablets: I read "5 mg / 60 tablets"" is none for a dose.
    """
    if reply.abstained or len(reply.answer.split()) > MAX_ANSWER_WORDS:
        return False
    own = re.sub(r'"[^"]*"', " ", reply.answer)
    if own != reply.answer and not answered(question, replace(reply, answer=own), start):
        claims = re.findall(r"\w[\w.:-]*", re.sub(r"\w+ said.*", "", reply.answer.split('"')[0]).casefold())
        if any(claim.strip(".:") not in question.question.casefold() for claim in claims if claim not in NO_CLAIM):
            return False
    groups = question.answer_contains
    if question.kind == "time seen":
        groups = tuple((*group, *_local(group, start)) for group in groups)
    return mentions(reply.answer, groups)


def answered_directly(question: Question, reply: Reply, start: datetime) -> bool:
    """As :func:`answered`, by the assistant's own words: what it quotes does not count."""
    return answered(question, replace(reply, answer=re.sub(r'"[^"]*"', " ", reply.answer)), start)


def _local(times: Iterable[str], start: datetime) -> tuple[str, ...]:
    """The same times of day in this machine's zone, in which a reply may give them."""
    clocks = (text.split(":") for text in times)
    return tuple(f"{start.replace(hour=int(h), minute=int(m)).astimezone():%H:%M}" for h, m in clocks)


def has_evidence(question: Question, reply: Reply, source: str) -> bool:
    """Whether a memory that the reply cites is from when the answer was in view or heard, or is the told fact."""
    for item in reply.evidence:
        if question.provenance == "told":
            if item.provenance is Provenance.TOLD and mentions(item.caption, question.answer_contains):
                return True
        elif item.source == source and item.start_s is not None and item.end_s is not None:
            start, end = item.start_s, item.end_s
            if any(start <= last + EARLY_S and end >= first - EARLY_S for first, last in question.spans):
                return True
    return False


def score_words(due: Sequence[Due], said: Sequence[ProactiveSaid]) -> list[Item]:
    """One item per due word, and one per word that was not due: unrelated, too early, too late or said before."""
    left = list(due)
    items: list[Item] = []
    for word in sorted(said, key=lambda word: word.pts_s or 0.0):
        at = word.pts_s if word.pts_s is not None else -1.0
        meant = [entry for entry in due if mentions(word.text, entry.topic)]
        hit = next((entry for entry in meant if entry in left and entry.from_s - EARLY_S <= at <= entry.until_s), None)
        if hit:
            left.remove(hit)
            items.append(Item("due", True, hit.why, word.text, str(hit.topic), f"{at - hit.cue_s:+.1f} s"))
            continue
        late = next((entry for entry in meant if entry in left), None)
        note = f"{at - late.cue_s:+.1f} s from its cue" if late else "said before" if meant else "not due"
        items.append(Item("false alarm", False, "", word.text, "", f"at {at:.1f} s, {note}"))
    items += [Item("due", False, entry.why, "", str(entry.topic), f"cue at {entry.cue_s:.1f} s") for entry in left]
    return items


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) for nothing."""
    if of == 0:
        return 0.0, 1.0
    z, share = 1.959964, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
