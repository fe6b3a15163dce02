"""What a question asks: its kind, the words that must be met, the names, the type of span and the period."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from perstream.models.carriers import CARRIERS
from perstream.models.question_kinds import PERCEIVE, QuestionKind, kind_of
from perstream.models.question_words import (
    ADJUNCT,
    FRAME_WORDS,
    LIGHT_VERBS,
    NOT_NAMES,
    OBJECTS,
    PRONOUNS,
    TYPE_NAMES,
    TYPE_WORDS,
)
from perstream.models.spans import DAYS, SpanType
from perstream.models.text import STOP_WORDS, Stems, cleaned
from perstream.models.verbs import (
    BE,
    DETERMINERS,
    DO,
    FINITE,
    HAVE,
    MODALS,
    PREPOSITIONS,
    VERB_BASES,
    is_adverb,
    is_participle,
)

MAX_CHARS = 500
"""What is looked at of a question."""


@dataclass(frozen=True, slots=True)
class Term:
    """One content word of a question."""

    word: str
    stem: str
    weight: float
    required: bool
    """A memory without it, or something close to it, is no answer."""
    name: bool = False
    verb: bool = False


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
PLANNED = re.compile(
    r"\b(?:have to|has to|need to|supposed to|going to|do i|do we|will|shall|should|must|can|am i|are we)\b"
)
"""A time to come: "when do I have to see the doctor" is not about having seen."""
_SUMS_UP = re.compile(r"\b(?:did|do|have|had|was|were) (?:i|we|you)\b|\bhappen\w*|\bwent on\b")
_TO_COME = re.compile(
    r"\b(?:(?:will|shall) (?:i|we)|(?:do|will) (?:i|we) have to|(?:am|are) (?:i|we) (?:going|supposed) to)\b"
)
_OPEN = frozenset("open opens opened close closes closed shut".split())
_WEEKDAY = re.compile(rf"(?:{DAYS}|weekdays?|weekends?)s?")
_WORDS = re.compile(r"[^\W_]+(?:['’\-.][^\W_]+)*")


def parse_question(text: str, stem: Stems) -> Question:
    """Understand a question by rules. Any text gives a question; one without content words has no terms."""
    line = cleaned(text, MAX_CHARS)
    plain = _PREAMBLE.sub("", line).strip(" ?!.\"'") or line
    low = plain.lower().replace("’", "'")
    low = re.sub(r"\b(what|when|where|who|how)'s\b", r"\1 is", low)
    kind, wanted, head, speaker = kind_of(low)
    perceived = bool(re.search(rf"\b(?:{PERCEIVE})\b", low)) or kind is QuestionKind.SAID
    perceived = perceived and not (PLANNED if kind is QuestionKind.WHEN else _TO_COME).search(low)
    terms = _terms(plain, kind, speaker, stem)
    if kind in (QuestionKind.WHAT, QuestionKind.TEXT) and not terms and _SUMS_UP.search(low):
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


def _terms(plain: str, kind: QuestionKind, speaker: str, stem: Stems) -> tuple[Term, ...]:
    tokens = _WORDS.findall(plain)
    shouting = sum(t[:1].isupper() for t in tokens) > max(2, 0.6 * len(tokens))
    found: dict[str, Term] = {}
    adjunct = False
    for i, token in enumerate(tokens):
        low = token.lower().replace("’", "'")
        bare = low[:-2] if low.endswith("'s") else low
        before = tokens[i - 1].lower() if i else ""
        if low in PREPOSITIONS:
            adjunct = low in ADJUNCT
        elif low in BE | DO | HAVE | MODALS or low in {"i", "you", "we", "and"}:
            adjunct = False
        if low in STOP_WORDS or bare in STOP_WORDS or low.split("'")[0] == speaker or not any(c.isalnum() for c in low):
            continue
        name = i > 0 and token[:1].isupper() and not shouting and bare not in NOT_NAMES
        if not name and (bare in FRAME_WORDS or (bare in TYPE_WORDS and kind is not QuestionKind.WHAT)):
            continue
        verb = _is_verb(bare, i, tokens)
        carrier = bare in CARRIERS and (bare != "code" or before.lower() in ("qr", "bar"))
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
        term = Term(bare, stem(bare), weight, required, name, verb)
        if term.stem not in found or found[term.stem].weight < weight:
            found[term.stem] = term
    terms = list(found.values())
    objects = OBJECTS | {"office"} if kind is QuestionKind.PLACE_NUMBER else OBJECTS
    if any(t.required and t.word not in TYPE_NAMES | objects for t in terms):
        terms = [
            replace(t, weight=0.2, required=False) if t.word in objects and not t.name else t
            for t in terms
            if t.word not in TYPE_NAMES or t.name
        ]
    if (
        kind not in (QuestionKind.WHO, QuestionKind.TYPED)
        and any(t.name for t in terms)
        and all(t.name or not t.required for t in terms)
    ):  # "Where does Ben live?" is about living
        verbs = [t for t in terms if t.weight == 0.4 and t.word not in LIGHT_VERBS]
        terms = [replace(t, weight=0.8, required=True) if t in verbs else t for t in terms]
    if re.search(
        r"(?i)\b(?:according to|(?:as|like) (?:it says|written) on|on|in|from) (?:the|my|a|this|that) (?:\w+ )?(?:note|list)s?$",
        plain,
    ):
        # "What do I need to buy according to the note?": the list is of what to buy
        terms = [t for t in terms if not t.verb]
    if re.search(r"(?i)\bgo(?:es|ing)? to (?:school|work|university|college|kindergarten|nursery)$", plain):
        terms = [replace(t, required=False) if t is terms[-1] else t for t in terms]
    must = [t.word for t in terms if t.required]
    owned = re.search(r"(?i)\b(?:i|we|my|our)\b", plain)
    if must and not owned and set(must) <= objects and any(t.word in _OPEN for t in terms):
        # "Why is the shop closed?": a notice seldom says of what
        terms = [
            replace(t, weight=1.0, required=True) if t.word in _OPEN else replace(t, weight=0.2, required=False)
            for t in terms
        ]
    towards = goes_to(plain)
    if towards and any(t.required and t.word != towards[0] for t in terms):
        # "Which school does Tara start at?": the school's name need not hold the word
        terms = [
            replace(t, weight=0.3, required=False) if t.word == towards[0] and not t.name
            else replace(t, weight=0.3, required=False) if t.word == towards[1] and towards[0] in {"company", "firm"}
            else replace(t, weight=0.8, required=True) if t.word == towards[1] else t
            for t in terms
        ]  # fmt: skip
    if not any(t.required for t in terms):  # "What is on the table?": then the lesser words must be met
        lesser = [t for t in terms if t.word in CARRIERS]
        if kind is QuestionKind.WHEN:  # "When does it open on Sunday?" is about opening
            lesser += [t for t in terms if _WEEKDAY.fullmatch(t.word)]
        best = max((t.weight for t in terms if t not in lesser), default=0.0)
        terms = [replace(t, weight=1.0, required=True) if t.weight == best and t not in lesser else t for t in terms]
    if not any(t.required for t in terms):
        terms = [replace(t, required=True) for t in terms]
    return tuple(terms)


def goes_to(question: str) -> tuple[str, str, str] | None:
    """("school", "start", "at") of "Which school does Tara start at?"; None for other questions."""
    match = _ENDS_AT.match(question)
    return (match.group(1).lower(), match.group(2).lower(), match.group(3).lower()) if match else None


_ENDS_AT = re.compile(
    r"(?i)(?:which|what) ([\w'’-]+) (?:do|does|did|is|are|was|were|will|has|have|had|should)\b.*\b([a-z]+) (at|for|with|to)$"
)


def _is_verb(word: str, at: int, tokens: list[str]) -> bool:
    """A verb form where a verb may stand: "the train leave" after "does", not "the hardware shop"."""
    if at == 0 or not (word in VERB_BASES or word in FINITE or is_participle(word)):
        return False
    before = tokens[at - 1].lower()
    if before in DETERMINERS | (PREPOSITIONS - {"to"}):
        return False
    following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
    helped = any(t.lower() in DO | MODALS | HAVE | BE for t in tokens[:at])
    return helped or at <= 2 or before in PRONOUNS or following in DETERMINERS | PREPOSITIONS
