"""What in a told sentence would make a word worth saying later: hazards, medicine, reminders, plans.

A small transparent grammar of English. A sentence without any of its patterns raises no concern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from perstream.models.text import STOP_WORDS, words
from perstream.reminders import is_timed


class ConcernKind(str, Enum):
    """Why a sentence matters when its trigger comes into view."""

    HAZARD = "hazard"
    MEDICINE = "medicine"
    REMINDER = "reminder"
    LOST = "lost"
    PLAN = "plan"
    DISTRACTION = "distraction"
    """Something done at the wheel that takes eyes or hands off the road."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to watch out for."""

    kind: ConcernKind
    triggers: tuple[str, ...]
    """Phrases any of which, perceived, raises the concern."""
    action: str = ""
    """A reminder: what to do, in the owner's words."""
    by_voice: bool = False
    """It is met by talking with somebody: a name that is read does not do."""


_STOP_AT = re.compile(
    r"[.;!?]|\s[-–—]\s|,?\s(?:because|since|so|but|when|whenever|while|after|until|unless|if|as|every|each|for|ever|at all|anymore"
    r"|any more|next (?:week|month|year|time)|this (?:week|month|year|evening|afternoon|morning)|today|tonight|tomorrow|soon|again|twice|once|daily|before|against|please)\b",
    re.I,
)
_LIST = re.compile(r"\s*(?:,|/|&|\band\b|\bor\b|\bnor\b)\s*", re.I)
_NOT = r"(?:can(?:no|['’])?t|can not|must(?: not|n['’]t)|may not|should(?: not|n['’]t)|do(?: not|n['’]t)|does(?: not|n['’]t)|never|not allowed to|not supposed to)"
_HAZARD = (
    re.compile(r"\b(?:allergic|intolerant|hypersensitive|sensitive)\s+to\s+(?P<x>.+)", re.I),
    re.compile(
        r"\b(?:have|has|with|of|got)\s+(?:an?|my|his|her|severe|bad|\s)*(?P<x>[\w ]+?)\s+(?:allergy|intolerance)\b",
        re.I,
    ),
    re.compile(r"\b(?P<x>[\w-]+)[\s-](?:intolerant|allergic)\b(?!\s+to)", re.I),
    re.compile(r"\b(?:allergy|intolerance)\s+to\s+(?P<x>.+)", re.I),
    re.compile(rf"\b{_NOT}\s+(?:ever\s+)?(?:eat|drink|have|touch|take|use|tolerate|consume)\s+(?P<x>.+)", re.I),
    re.compile(r"\b(?:avoid|avoids|avoiding|stay(?:s)? away from|keep away from)\s+(?P<x>.+)", re.I),
    re.compile(r"\b(?P<x>coeliac|celiac)\b", re.I),
)
_TAKES = re.compile(
    r"\b(?:I|he|she|we)\s+(?:(?:have|has|need|needs|ought)\s+to\s+|must\s+|should\s+|usually\s+|always\s+|am\s+(?:now\s+)?)?(?:take|takes|taking)\s+(?P<x>.+)"
    r"|\bmy\s+(?:daily\s+|morning\s+|evening\s+)?(?:medicine|medication|pills?|tablets?|prescription)\s+(?:is|are|is called|are called)\s+(?P<y>.+)"
    r"|\b(?:doctor|dentist|gp)\b.*?\bprescribed\s+(?:me\s+)?(?P<z>.+)",
    re.I,
)
MEDICAL = re.compile(
    r"\b\d+\s?(?:mg|mcg|µg|ml|iu)\b|\b(?:tablets?|pills?|capsules?|caplets?|drops|medic\w+|dos(?:e|age)|prescri\w+|vitamins?|antibiotics?|insulin|inhaler|syrup|ointment)\b",
    re.I,
)
_WHEN = r"(?:when(?:ever)?|if|as soon as|once|the next time|next time|the moment)"
_ASKED = (
    re.compile(rf"\bremind me (?:to|about|that|of) (?P<a>.+?),? {_WHEN} (?P<b>.+)", re.I),
    re.compile(rf"\b{_WHEN} (?P<b>.+?),? (?:please )?(?:remind|tell|nudge) me (?:to|about|that|of) (?P<a>.+)", re.I),
    re.compile(
        rf"\b(?:I|we) (?:need|have|must|should|want|ought|would like|['’]d like)(?: to)? (?P<a>.+?),? {_WHEN} (?P<b>.+)",
        re.I,
    ),
    re.compile(
        rf"\b(?:do(?: not|n['’]t) (?:let me )?forget|remember|make sure) to (?P<a>.+?),? {_WHEN} (?P<b>.+)", re.I
    ),
)
_MEETING = re.compile(
    r"^(?:(?:I|we|you)\s*(?:['’]m|am|['’]re|are|can|will|ever)?\s*)?(?:back\s+)?(?:(?:see|spot|pass|reach|get\s+to|arrive\s+(?:at|in)|go\s+(?:to|past|by|into)"
    r"|visit|find|walk\s+(?:by|past)|meet|come\s+(?:to|across|by)|enter|notice|talk\s+(?:to|with)|speak\s+(?:to|with)|chat\s+with|run\s+into|bump\s+into|hear\s+from|near|at|in|by|on|next to|around|standing|there is|read|hear)\s+)*",
    re.I,
)
_TALKING = re.compile(
    r"^(?:(?:I|we)\s*(?:['’]m|am|are)?\s*)?(?:talk|speak|chat|hear)(?:ing)?\s+(?:to|with|from)\b", re.I
)
_AT_THE_WHEEL = re.compile(
    r"\b(?:driv(?:e|es|ing|en)|drove|at the wheel|on the road|in traffic|missed (?:my|an|the) exit)\b", re.I
)
_DISTRACTIONS = (
    (re.compile(r"\b(?:phone|call(?:s|ing)?|text(?:s|ing)|messag\w+)\b", re.I), ("phone", "texting", "call")),
    (re.compile(r"\b(?:read(?:s|ing)?|newspapers?|magazines?|books?)\b", re.I), ("reading", "newspaper", "magazine")),
)
_TODO = re.compile(
    r"\b(?:I|we)\s+(?:really\s+|still\s+|also\s+)?(?:need|have|must|should|want|wish|hope|plan|ought|would love|would like|['’]d like|['’]d love|forgot)\s+(?:to\s+)?(?P<v>\w+)\s+(?P<x>.+)"
    r"|\b(?:remind me|do(?: not|n['’]t) (?:let me )?forget|remember|make sure) to\s+(?P<w>\w+)\s+(?P<y>.+)",
    re.I,
)
_ERRANDS = frozenset(
    "buy get pick collect fetch return bring renew order post mail send visit see read watch try find replace refill pay print book attend hear".split()
)
_LOST = re.compile(
    r"\b(?:(?:am|['’]m|are|still|been)\s+)*(?:looking|searching|hunting)\s+for\s+(?P<x>.+)|\b(?:I|we)\s+(?:have\s+|['’]ve\s+|seem to have\s+)?(?:lost|misplaced|mislaid)\s+(?P<y>.+)"
    r"|\b(?:can['’]?t|cannot|could not|couldn['’]t)\s+find\s+(?P<z>.+)|\bmy\s+(?P<m>[\w ]+?)\s+(?:is|are|has gone|have gone|went)\s+(?:missing|lost)\b",
    re.I,
)
_AWAITED = re.compile(r"\b(?:waiting\s+for|expecting|awaiting)\s+(?P<x>.+)", re.I)
_REMIND_TO_TAKE = re.compile(
    r"\b(?:remind me|do(?: not|n['’]t) (?:let me )?forget|remember|make sure) to take (?:my |the )?(?P<x>.+)", re.I
)
_CARRIER = re.compile(
    r"\b(?:posters?|signs?|ads?|adverts?|flyers?|leaflets?|labels?|notices?|notes?|posts?|pages?|boxe?s?|bottles?|packs?|jars?)"
    r"\s+(?:for|of|about|from|with|saying|that\s+says)\s+(?:the\s+|a\s+|an\s+)?",
    re.I,
)
"""``a poster for the fair`` is met by the words of the fair, whatever they are printed on."""
_TITLED = re.compile(
    r"\b(?:book|novel|film|movie|song|album|play|magazine|game|series|exhibition)\s+(?=[\"“‘'A-Z0-9])(?P<title>.+)"
)
"""``the book Letters To Mira`` is met by its title."""
GENERIC_PLACES = frozenset("shop store place stall counter stand market office centre center".split())
"""A sign of a stationery shop says STATIONERY."""
_PLACE_OF = re.compile(r"\s+(?:at|from|in|to)\s+(?:the\s+|a\s+|an\s+|my\s+)?(?P<place>[^,.]+)$", re.I)
_VAGUE = frozenset(
    "something anything thing things stuff more some time lot one bit way job home work day week life money today tomorrow".split()
)


def concerns_of(text: str) -> tuple[Concern, ...]:
    """The concerns a sentence raises, most serious kind first."""
    found: list[Concern] = []
    for pattern in _HAZARD:
        match = pattern.search(text)
        if match and not re.search(r"\bnot\s+(?:allergic|intolerant|sensitive)\b", text, re.I):
            found.append(Concern(ConcernKind.HAZARD, _terms(match["x"])))
            break
    takes = _TAKES.search(text)
    if takes and not found:
        found.append(Concern(ConcernKind.MEDICINE, _terms(_first_group(takes))))
    asked = next((m for pattern in _ASKED if (m := pattern.search(text))), None)
    if asked:
        trigger = _MEETING.sub("", asked["b"].strip().rstrip(".!"), count=1)
        by_voice = bool(_TALKING.search(asked["b"]))
        found.append(Concern(ConcernKind.REMINDER, _terms(trigger), asked["a"].strip().rstrip(".!,"), by_voice))
        return _useful(found)
    lost = _LOST.search(text)
    if lost:
        found.append(Concern(ConcernKind.LOST, _terms(_first_group(lost))))
    awaited = _AWAITED.search(text)
    if awaited:
        found.append(Concern(ConcernKind.LOST, _goal_terms(awaited["x"])))
    taken = _REMIND_TO_TAKE.search(text)
    if taken:
        found.append(Concern(ConcernKind.MEDICINE, _terms(taken["x"])))
    todo = _TODO.search(text)
    if todo and not is_timed(text) and (todo["v"] or todo["w"]).lower() in _ERRANDS:
        goal = (todo["x"] or todo["y"]).rstrip(".! ")
        found.append(Concern(ConcernKind.REMINDER, _goal_terms(goal), f"{todo['v'] or todo['w']} {goal}"))
    if not found and not is_timed(text):
        found.append(Concern(ConcernKind.PLAN, (text,)))
    if _AT_THE_WHEEL.search(text):
        found += [Concern(ConcernKind.DISTRACTION, signs) for pattern, signs in _DISTRACTIONS if pattern.search(text)]
    return _useful(found)


def _terms(phrase: str) -> tuple[str, ...]:
    """The phrases of an enumeration, cut where the sentence goes on, without articles and carriers."""
    phrase = _STOP_AT.split(_CARRIER.sub("", phrase), maxsplit=1)[0]
    titled = _TITLED.search(phrase)
    if titled:
        return (titled["title"].strip(" \"“”‘’'"),)
    terms = []
    for item in _LIST.split(phrase):
        kept = [w for w in words(item) if w.lower() not in STOP_WORDS and w.lower() not in _VAGUE]
        if kept:
            terms.append(" ".join(kept[:6]))
            if len(kept) > 1 and kept[-1].lower() in GENERIC_PLACES:
                terms.append(" ".join(kept[:-1]))
    return tuple(dict.fromkeys(terms[:8]))


def _goal_terms(goal: str) -> tuple[str, ...]:
    """What is wanted, and where: ``stamps at the post office``, ``a parcel from Blue Arrow``."""
    goal = goal.strip().rstrip(".!? ")
    place = _PLACE_OF.search(goal)
    if place is None:
        return _terms(goal)
    return _terms(goal[: place.start()]) + _terms(place["place"])


def _first_group(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)


def _useful(found: list[Concern]) -> tuple[Concern, ...]:
    return tuple(concern for concern in found if concern.triggers)
