"""What sort of answer a question wants, and of which type: rules on its wording."""

from __future__ import annotations

import re
from enum import Enum

from perstream.models.spans import SpanType


class QuestionKind(str, Enum):
    """What sort of answer is due."""

    WHEN = "when"  # the stated time of something
    WHEN_SEEN = "when seen"  # when it was perceived
    WHERE = "where"
    SAID = "said"  # what somebody said
    WHO = "who"
    COUNT = "count"
    TYPED = "typed"  # a span of a wanted type
    PLACE_NUMBER = "place number"  # which platform, room, gate
    TEXT = "text"  # what was written
    YES_NO = "yes or no"
    SUMMARY = "summary"  # what happened in a period
    WHAT = "what"


PERCEIVE = (
    "see|seen|saw|read|hear|heard|notice|noticed|pass|passed|look at|looked at|watch|watched|scan|scanned|come across"
    "|came across|spot|spotted|walk past|walked past|view|viewed|shown|meet|met"
)
_SAY = "say|said|tell|told|ask|asked|mention|mentioned|talk|talked|suggest|suggested|explain|explained|promise|promised|want|answer|answered|speak|spoke"
_NUMBERED = (
    "platform|track|gate|room|level|floor|line|bus|tram|seat|terminal|exit|aisle|bay|coach|counter|table|door"
    "|apartment|suite|locker|zone|row|car park level|parking level"
)
_TYPES: tuple[tuple[re.Pattern[str], frozenset[SpanType]], ...] = tuple(
    (re.compile(pattern), frozenset(types))
    for pattern, types in (
        (r"\b(?:phone|telephone|mobile|cell)(?: number)?\b", {SpanType.PHONE}),
        (r"\be-?mail\b", {SpanType.EMAIL}),
        (r"\b(?:website|web ?site|url|link|web address|web ?page)\b", {SpanType.URL}),
        (r"\b(?:price|cost|costs|expensive|how much (?:is|are|was|were|money|did i spend)|how much\b.{0,60}\b(?:pay|paid|owe|spend|spent)|total|fee|fare)\b", {SpanType.PRICE}),
        (r"\b(?:dose|dosage|strength|how strong|milligrams?|mg)\b", {SpanType.AMOUNT}),
        (r"\b(?:how heavy|weigh|weight|grams?|kilograms?|how big|how large|volume|millilit(?:re|er)s?|lit(?:re|er)s?|how long is|how tall|how high)\b", {SpanType.AMOUNT}),
        (r"(?<!web )(?<!e-mail )(?<!email )(?<!mail )\b(?:street )?address\b|\b(?:which|what) street\b", {SpanType.ADDRESS}),
        (r"\bcolou?rs?\b", {SpanType.COLOR}),
        (r"\b(?:expir\w+|best before|use by|date)\b", {SpanType.DATE, SpanType.DAY}),
        (r"\bhow often\b|\bhow frequently\b", {SpanType.FREQUENCY}),
        (r"\bhow long\b", {SpanType.DURATION}),
        (r"\bhow old\b|\bage\b", {SpanType.DURATION, SpanType.NUMBER}),
        (r"\b(?:number|pin|(?<!qr )code|zip|postcode)\b", {SpanType.NUMBER, SpanType.PHONE, SpanType.CODE}),
        (r"\b(?:password|passcode|passphrase|login)\b", {SpanType.CODE, SpanType.NUMBER}),
    )
)  # fmt: skip


def kind_of(low: str) -> tuple[QuestionKind, frozenset[SpanType], str, str]:
    """(kind, wanted span types, head noun, speaker) of a lower-case question without its preamble."""
    kinds, none = QuestionKind, frozenset[SpanType]()
    said = re.match(rf"what (?:did|does|has|had|was|is) (\w[\w'-]*(?: \w+)?)(?: \w+ly)? (?:{_SAY})\b", low)
    if (
        said
        and said.group(1) not in {"i", "we", "you"}
        and not re.match(r"(?:the|a|an|my|this|that|it)\b", said.group(1))
    ):
        return kinds.SAID, none, "", said.group(1).split()[0]
    if re.match(r"(?:when|at what time|what time|how long ago)\b", low) and re.search(
        rf"\b(?:(?:did|have|has) (?:i|we|you)\b(?! to\b)|was|were)\b.*\b(?:{PERCEIVE})\b|\b(?:did|(?:have|has)(?! to\b)|was|were)\b.*\b(?:{_SAY})\b",
        low,
    ):
        return kinds.WHEN_SEEN, none, "", ""
    if re.match(
        r"(?:when|(?:at |by |until |from )?(?:what|which) (?:time|date|day|weekday|year|month)|(?:on|in|by|until|to|from|for|since) (?:what|which) (?:date|day|weekday|year|month)|until when|since when|how soon)\b",
        low,
    ):
        return kinds.WHEN, none, "", ""
    if re.match(r"how (?:many|often did) (?:times )?|how many times", low):
        unit = re.match(
            r"how many (milligrams?|mgs?|grams?|kilograms?|kilos?|millilit(?:re|er)s?|lit(?:re|er)s?|kcal|calories)\b",
            low,
        )
        if unit:
            return kinds.TYPED, frozenset({SpanType.AMOUNT}), unit.group(1), ""
        noun = re.match(
            r"how many ((?:\w+ ){0,2}?\w+)(?= (?:are|is|were|was|did|do|does|have|has|had|can|could|should|will|in|on|of|must|seem|would)\b|$)",
            low,
        )
        return kinds.COUNT, none, noun.group(1) if noun else "", ""
    numbered = re.search(
        rf"\b(?:which|what) ({_NUMBERED})\b|\b(?:what|which) (?:is|was) (?:the |my )?(?:number of )?(?:the |my )?({_NUMBERED})(?: number)?\b|\b({_NUMBERED}) number\b|^(?:what|which) (?:is|was) (?:the |my )?(?:\w+ ){{1,2}}({_NUMBERED})(?: number)?$",
        low,
    )
    if numbered and not low.startswith(("who", "where")):
        return kinds.PLACE_NUMBER, none, next(g for g in numbered.groups() if g).split()[-1], ""
    if re.match(r"(?:where|(?:in|at|on) (?:which|what) (?:place|city|town|country|street|building|shop|side))\b", low):
        return kinds.WHERE, none, "", ""
    if re.match(
        r"(?:who|whom|whose|(?:with|to|from|by) whom|(?:what|which) (?:person|doctor|dentist|physician|professor|teacher|lawyer|nurse|advis[eo]r|author|writer)(?! appointment))\b",
        low,
    ):
        return kinds.WHO, none, "", ""
    if not re.match(
        r"(?:do|does|did|am|is|are|was|were|have|has|had|can|could|will|would|should|shall|must|may)\b", low
    ):
        for pattern, types in _TYPES:
            if pattern.search(low):
                return kinds.TYPED, types, "", ""
        if re.match(
            r"what (?:did|does|do) (?:the|a|an|this|that|it|my)\b.*\b(?:say|read|show|contain|display|state)s?\b", low
        ) or re.search(
            r"\bwhat (?:is|was|were|stands?|stood) (?:written|printed|shown|displayed|on|said)\b|\bwhat (?:text|words?)\b",
            low,
        ):
            return kinds.TEXT, none, "", ""
        return kinds.WHAT, none, "", ""
    return kinds.YES_NO, none, "", ""
