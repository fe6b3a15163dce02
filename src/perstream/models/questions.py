"""What a question asks: its kind, the words that must be met, the names, the type of span and the period."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from perstream.models.spans import MONTHS, TIMES, SpanType, find_spans
from perstream.models.text import STOP_WORDS, Stems, cleaned
from perstream.models.units import Unit
from perstream.models.verbs import BE, DETERMINERS, DO, FINITE, HAVE, MODALS, PREPOSITIONS, VERB_BASES, is_adverb, is_participle

MAX_CHARS = 500
"""What is looked at of a question."""


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


@dataclass(frozen=True, slots=True)
class Term:
    """One content word of a question."""

    word: str
    stem: str
    weight: float
    required: bool
    """A memory without it, or something close to it, is no answer."""
    name: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question, understood."""

    text: str
    kind: QuestionKind
    terms: tuple[Term, ...]
    wanted: frozenset[SpanType] = frozenset()
    head: str = ""
    """The noun asked for: "platform" of "which platform", "tablets" of "how many tablets"."""
    speaker: str = ""
    """Who must have said it."""
    perceived: bool = False
    """It asks about seeing, reading or hearing, so its period is that of the observation."""
    first_person: bool = False
    """Its subject is the owner."""
    latest: bool = False
    earliest: bool = False
    past: bool = False


_PREAMBLE = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|so|and|but|well|please|sorry|excuse me|perstream)[,!]?\s+"
    r"|(?:can|could|would|will) you (?:please )?(?:tell|remind|show|say to) (?:me|us)\s+(?:again\s+)?"
    r"|do you (?:still |happen to )?(?:remember|know|recall)\s+|(?:please )?(?:tell|remind) me\s+(?:again\s+)?"
    r"|i (?:want|would like|need) to know\s+|i wonder\s+|do i remember\s+|what was it again[,:]?\s+)+",
    re.IGNORECASE,
)
_PERCEIVE = (
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
_TYPE_WORDS = frozenset(
    """number colour color colours colors price cost costs expensive date time day money heavy weigh weight often frequently
    long old age strong url total how much pay paid""".split()
)
"""Name the type that is wanted; the memory need not contain the word itself."""
_TYPE_NAMES = frozenset(
    """dose dosage strength milligram milligrams mg gram grams kilogram kilograms litre litres liter liters phone telephone
    mobile email e-mail website link url site""".split()
)
"""Name the type of span that is wanted and need not stand in the memory, when something else is asked about."""
_FRAME_WORDS = frozenset(
    """see seen saw read say says said written write wrote printed show shows showed shown notice noticed look looked hear
    heard tell told mention mentioned ask asked name names named called kind type sort thing things something anything
    someone somebody anyone anybody time times today number many much remember recall know known last first latest
    currently ever usually often exactly again morning afternoon evening tonight yesterday happen happened talk talked
    spot spotted scan scanned view text word words content contents contain contains containing mean means recently
    information detail details message ago week month year day days supposed need now suggest suggested
    frequently sometimes earlier before memory memories video camera person people mean meaning state states stated
    happening going go goes went owner speak spoke must wrote according place
    called addressed""".split()
)
_OBJECTS = frozenset(
    """book box jar bottle packet bag pack package parcel door title author writer brand maker manufacturer company envelope
    badge family shop store object product tin can shelf wall bill address street web page network""".split()
)
"""What a text stands on or names without saying so: left aside where the question has another word to hold on to."""
_CARRIERS = frozenset(
    """sign signs label labels screen board whiteboard blackboard poster box page paper display panel notice sticker card
    sheet calendar letter document tag note qr code receipt bill menu ticket timetable schedule list parcel task tasks item items""".split()
)
_PAGES = frozenset({"whiteboard", "blackboard", "board", "list", "note", "letter", "page", "sheet"})
_BOARD_LINE = re.compile(
    r"(?i)^\s*[-•*☐□]\s*\w|^\d[.)]\s|\b(?:to ?do|tasks?|agenda|meeting|notes?|plan|this week|sprint|ideas|goals|dear)\b"
)
_LIST_LINE = re.compile(rf"(?i){_BOARD_LINE.pattern[4:]}|^\d{{1,3}}\s?x?\s(?!(?:{MONTHS})\b)[a-z]{{3,}}|\b(?:shopping|to buy|groceries|list)\b")
_RECIPIENT = re.compile(r"(?i)^(?:to|from|recipient|sender|deliver to|ship to)\s*:")
_CARRIER_SHAPES: dict[str, frozenset[SpanType]] = {
    "calendar": TIMES,
    "timetable": TIMES,
    "schedule": TIMES,
    "receipt": frozenset({SpanType.PRICE, SpanType.DECIMAL}),
    "bill": frozenset({SpanType.PRICE, SpanType.DECIMAL}),
    "menu": frozenset({SpanType.PRICE, SpanType.DECIMAL}),
    "ticket": frozenset({SpanType.PRICE, SpanType.NUMBER, SpanType.CLOCK, SpanType.DATE}),
}
_ADJUNCT = frozenset("in at on from near by inside outside during around".split())
_NOT_NAMES = frozenset(
    """i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february march april may june july
    august september october november december qr wifi wi-fi pin usb tv dvd cd pc id url ok dr mr mrs ms prof am pm who
    what when where why how which whose english german french italian spanish""".split()
)  # fmt: skip
_WORDS = re.compile(r"[^\W_]+(?:['’\-.][^\W_]+)*")


def parse_question(text: str, stem: Stems) -> Question:
    """Understand a question by rules. Any text gives a question; one without content words has no terms."""
    line = cleaned(text, MAX_CHARS)
    plain = _PREAMBLE.sub("", line).strip(" ?!.\"'") or line
    low = plain.lower().replace("’", "'")
    low = re.sub(r"\b(what|when|where|who|how)'s\b", r"\1 is", low)
    kind, wanted, head, speaker = _kind(low)
    perceived = bool(re.search(rf"\b(?:{_PERCEIVE})\b", low)) or kind is QuestionKind.SAID
    terms = _terms(plain, kind, head, speaker, stem)
    if kind in (QuestionKind.WHAT, QuestionKind.TEXT) and not terms and re.search(r"\b(?:i|we|you|happen\w*)\b", low):
        kind = QuestionKind.SUMMARY
    return Question(
        text=plain,
        kind=kind,
        terms=terms,
        wanted=wanted,
        head=head,
        speaker=speaker,
        perceived=perceived,
        first_person=bool(re.search(r"\b(?:i|we)\b", low)) and not perceived,
        latest=bool(re.search(r"\b(?:last|latest|most recent|newest)\b", low)),
        earliest=bool(re.search(r"\bfirst (?:see|read|hear|time)\b|\b(?:earliest|for the first time)\b", low)),
        past=bool(re.search(r"\b(?:did|was|were|had)\b", low)),
    )


def _kind(low: str) -> tuple[QuestionKind, frozenset[SpanType], str, str]:
    """(kind, wanted span types, head noun, speaker) of a lower-case question without its preamble."""
    kinds, none = QuestionKind, frozenset[SpanType]()
    said = re.match(rf"what (?:did|does|has|had|was|is) (\w[\w'-]*(?: \w+)?)(?: \w+ly)? (?:{_SAY})\b", low)
    if said and said.group(1) not in {"i", "we", "you"} and not re.match(r"(?:the|a|an|my|this|that|it)\b", said.group(1)):
        return kinds.SAID, none, "", said.group(1).split()[0]
    if re.match(r"(?:when|at what time|what time|how long ago)\b", low) and re.search(
        rf"\b(?:did|have|has|was|were)\b.*\b(?:{_PERCEIVE}|{_SAY})\b", low
    ):
        return kinds.WHEN_SEEN, none, "", ""
    if re.match(r"(?:when|(?:at |by |until |from )?(?:what|which) (?:time|date|day|weekday|year|month)|(?:on|in|by|until) (?:what|which) (?:date|day|weekday|year|month)|until when|since when|how soon)\b", low):
        return kinds.WHEN, none, "", ""
    if re.match(r"how (?:many|often did) (?:times )?|how many times", low):
        unit = re.match(r"how many (milligrams?|mgs?|grams?|kilograms?|kilos?|millilit(?:re|er)s?|lit(?:re|er)s?|kcal|calories)\b", low)
        if unit:
            return kinds.TYPED, frozenset({SpanType.AMOUNT}), unit.group(1), ""
        noun = re.match(r"how many ((?:\w+ ){0,2}?\w+)(?= (?:are|is|were|was|did|do|does|have|has|had|can|could|should|will|in|on|of|must|seem|would)\b|$)", low)
        return kinds.COUNT, none, noun.group(1) if noun else "", ""
    numbered = re.search(rf"\b(?:which|what) ({_NUMBERED})\b|\b(?:what|which) (?:is|was) (?:the |my )?(?:number of )?(?:the |my )?({_NUMBERED})(?: number)?\b|\b({_NUMBERED}) number\b", low)
    if numbered and not low.startswith(("who", "where")):
        return kinds.PLACE_NUMBER, none, next(g for g in numbered.groups() if g).split()[-1], ""
    if re.match(r"(?:where|(?:in|at|on) (?:which|what) (?:place|city|town|country|street|building|shop|side))\b", low):
        return kinds.WHERE, none, "", ""
    if re.match(r"(?:who|whom|whose|(?:with|to|from|by) whom|(?:what|which) person)\b", low):
        return kinds.WHO, none, "", ""
    if not re.match(r"(?:do|does|did|am|is|are|was|were|have|has|had|can|could|will|would|should|shall|must|may)\b", low):
        for pattern, types in _TYPES:
            if pattern.search(low):
                return kinds.TYPED, types, "", ""
        if re.match(r"what (?:did|does|do) (?:the|a|an|this|that|it|my)\b.*\b(?:say|read|show|contain|display|state)s?\b", low) or re.search(
            r"\bwhat (?:is|was|were|stands?|stood) (?:written|printed|shown|displayed|on|said)\b|\bwhat (?:text|words?)\b", low
        ):
            return kinds.TEXT, none, "", ""
        return kinds.WHAT, none, "", ""
    return kinds.YES_NO, none, "", ""


def _terms(plain: str, kind: QuestionKind, head: str, speaker: str, stem: Stems) -> tuple[Term, ...]:
    tokens = _WORDS.findall(plain)
    shouting = sum(t[:1].isupper() for t in tokens) > max(2, 0.6 * len(tokens))
    found: dict[str, Term] = {}
    adjunct = False
    for i, token in enumerate(tokens):
        low = token.lower().replace("’", "'")
        bare = low[:-2] if low.endswith("'s") else low
        before = tokens[i - 1].lower() if i else ""
        if low in PREPOSITIONS:
            adjunct = low in _ADJUNCT
        elif low in BE | DO | HAVE | MODALS or low in {"i", "you", "we", "and"}:
            adjunct = False
        if low in STOP_WORDS or bare in STOP_WORDS or low.split("'")[0] == speaker or not any(c.isalnum() for c in low):
            continue
        name = i > 0 and token[:1].isupper() and not shouting and bare not in _NOT_NAMES
        if not name and (bare in _FRAME_WORDS or bare in _TYPE_WORDS and kind is not QuestionKind.WHAT):
            continue
        verb = _is_verb(bare, i, tokens)
        carrier = bare in _CARRIERS and (bare != "code" or before.lower() in ("qr", "bar"))
        if name:
            weight = 1.5
        elif carrier:
            weight = 0.3
        elif verb or is_adverb(bare):
            weight = 0.4
        else:
            weight = 0.5 if adjunct else 1.0
        numeral = any(c.isdigit() for c in bare)
        if numeral and not name:
            weight, name = 1.0, not re.fullmatch(r"\d{1,2}", bare) or not adjunct
        required = name or not (carrier or verb or adjunct or is_adverb(bare))
        term = Term(bare, stem(bare), weight, required, name)
        if term.stem not in found or found[term.stem].weight < weight:
            found[term.stem] = term
    terms = list(found.values())
    objects = _OBJECTS | {"office"} if kind is QuestionKind.PLACE_NUMBER else _OBJECTS
    if any(t.required and t.word not in _TYPE_NAMES | objects for t in terms):
        terms = [
            replace(t, weight=0.2, required=False) if t.word in objects and not t.name else t
            for t in terms
            if t.word not in _TYPE_NAMES or t.name
        ]
    if (
        kind not in (QuestionKind.WHO, QuestionKind.TYPED)
        and any(t.name for t in terms)
        and all(t.name or not t.required for t in terms)
    ):  # "Where does Ben live?" is about living
        verbs = [t for t in terms if t.weight == 0.4 and t.word not in _LIGHT_VERBS]
        terms = [Term(t.word, t.stem, 0.8, True) if t in verbs else t for t in terms]
    if not any(t.required for t in terms):  # "What is on the table?": then the lesser words must be met
        best = max((t.weight for t in terms if t.word not in _CARRIERS), default=0.0)
        terms = [replace(t, weight=1.0, required=True) if t.weight == best and t.word not in _CARRIERS else t for t in terms]
    if not any(t.required for t in terms):
        terms = [replace(t, required=True) for t in terms]
    return tuple(terms)


def _is_verb(word: str, at: int, tokens: list[str]) -> bool:
    """A verb form where a verb may stand: "the train leave" after "does", not "the hardware shop"."""
    if at == 0 or not (word in VERB_BASES or word in FINITE or is_participle(word)):
        return False
    before = tokens[at - 1].lower()
    if before in DETERMINERS | (PREPOSITIONS - {"to"}):
        return False
    following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
    helped = any(t.lower() in DO | MODALS | HAVE | BE for t in tokens[:at])
    return helped or at <= 2 or before in _PRONOUNS or following in DETERMINERS | PREPOSITIONS


_LIGHT_VERBS = frozenset("take taken takes use used give given make made keep put".split())
_PRONOUNS = frozenset("i you he she we they it to not".split())


def carrier_fits(word: str, unit: Unit) -> float | None:
    """How well a text read may stand on the thing that ``word`` names; None when it names no such thing."""
    if word not in _CARRIERS:
        return None
    if word == "qr" or word == "code" and unit.way == "code":
        return 1.0 if unit.way == "code" else 0.0
    if word == "code":
        return None
    if unit.way != "read":
        return 0.0
    if word in _PAGES:
        shape_of_page = _BOARD_LINE if word.endswith("board") else _LIST_LINE
        return 0.7 if len(unit.lines) > 2 and any(shape_of_page.search(line) for line in unit.lines) else 0.0
    if word == "parcel":
        return 0.6 if any(_RECIPIENT.match(line) for line in unit.lines) else 0.0
    shape = _CARRIER_SHAPES.get(word)
    return 0.7 if shape is None or find_spans(unit.text, shape) else 0.0
