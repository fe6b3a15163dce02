"""A small transparent grammar for sentences that somebody said: subject, predicate, object.

It finds the verb by closed word lists, keeps negation and prepositions in the predicate, and hangs
places and times on the thing they are about. What it does not understand gives no triplet.
"""

from __future__ import annotations

import re

from perstream.models.spans import TIMES, SpanType, find_spans
from perstream.models.text import cleaned, sentences
from perstream.models.verbs import (
    BE,
    CLAUSE_STARTS,
    DETERMINERS,
    DO,
    FINITE,
    HAVE,
    LINKS_TO_VERB,
    MODALS,
    NEGATIONS,
    PLACE_PREPOSITIONS,
    PREPOSITIONS,
    VERB_BASES,
    is_adverb,
    is_participle,
)
from perstream.types import Triplet

MAX_CHARS = 2000
"""Longer texts are cut; nobody tells a fact of this length."""

_CONTRACTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), full)
    for pattern, full in (
        (r"\b(I)'m\b", r"\1 am"),
        (r"\b(I|you|we|they)'ve\b", r"\1 have"),
        (r"\b(\w+)'ll\b", r"\1 will"),
        (r"\b(I|you|he|she|we|they)'d\b", r"\1 would"),
        (r"\b(you|we|they)'re\b", r"\1 are"),
        (r"\b(he|she|it|that|there|here|what|where)'s\b", r"\1 is"),
        (r"\bwon't\b", "will not"),
        (r"\bcan't\b|\bcannot\b", "can not"),
        (r"\b(\w+)n't\b", r"\1 not"),
    )
)
_OPENING = re.compile(
    r"^(?:(?:please|ok|okay|hey|well|so|oh|and|also|fyi|by the way|just so you know|note|btw)[,:]?\s+"
    r"|(?:please\s+)?(?:remember|note|do not forget|keep in mind|make a note|for the record|know)(?:\s+that|:)\s+)+",
    re.IGNORECASE,
)
_REMIND = re.compile(
    r"^(?:please\s+)?(?:remind me|do not let me forget|do not forget|remember|i (?:need|have|want|must|should) (?:to )?remember)\s+"
    r"(to|about|of|that)\s+(.+)$",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"^(.+?)[,]?\s+(when(?:ever)?|if|once|as soon as|before|after|while|next time)\s+(?:i(?:'m| am)?\s+)?(.+)$",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r";\s*|\s+[-–—]\s+|,\s+(?:and|but|so|yet|or)?\s*(?=(?:I|it|he|she|we|they|my|which|who|that|this|there)\b)"
    r"|\s+(?:and|but|so|because)\s+(?=(?:I|he|she|we|they|it)\b)|,?\s+(?=which\b)|,\s+(?=reminding|making|leading|bringing)"
)
_LEADING_TIME = re.compile(
    r"^((?:just |only |about |over |nearly |almost )?(?:yesterday|today|tomorrow|tonight|last \w+(?: \w+)?|this \w+|next \w+|a (?:few )?\w+ ago|an \w+ ago"
    r"|(?:\d+|one|two|three|four|five|six|several|a few|a couple of|few) \w+ ago|(?:in|on|at|during|every|over) [\w ']{2,30}?)),?\s+(?=(?:I|my|we|our|the|while|when|after|before|during)\b)",
    re.IGNORECASE,
)
_UNIT = (
    "(?:(?:second|minute|hour|day|night|morning|afternoon|evening|week|weekend|month|year|summer|winter|spring|autumn|fall|time)s?"
    "|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)"
)
_WHILE = re.compile(r"^(?:while|when|after|before|during) [^,]{3,80},\s+(?=(?:I|my|we|our|the)\b)", re.IGNORECASE)
_TRAILING_TIME = re.compile(
    rf"[,]?\s+((?:just |only |about |almost )?(?:yesterday|today|tomorrow|tonight|lately|recently|nowadays|daily|weekly"
    rf"|(?:last|this|next|every|each) (?:few )?{_UNIT}|(?:a|an|one|two|three|four|five|six|several|\d+|a few|a couple of) {_UNIT} ago"
    r"|(?:once|twice|\w+ times) (?:a|per) \w+))$",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\s+(?:which|who|whom|where|that (?:I|we|he|she|it|they|is|was|has|had|reminds|reminded|made))\b.*$"
)
_KIN = (
    "sister|brother|mother|father|mom|mum|dad|wife|husband|partner|son|daughter|best friend|friend|boss|neighbou?r|aunt"
    "|uncle|cousin|colleague|dog|cat|doctor|dentist|grandmother|grandfather|girlfriend|boyfriend"
)
_NAMED_KIN = re.compile(rf"^(my (?:{_KIN}))\s+([A-Z][\w'-]+)$")
_POSSESSIVE = re.compile(r"^([A-Z][\w-]+)'s\s+(.+)$")
_GIVEN = re.compile(r"^([A-Z][\w-]+|my (?:\w+)|him|her|them)\s+((?:my|a|an|the|his|her|some|\d+)\s.+)$")
_GIVING = frozenset(
    "gave give lent lend sent send showed show told tell bought buy brought bring promised promise".split()
)
_TO_DOING = frozenset(
    "remember remembered love loved like liked prefer preferred enjoy enjoyed hate tried try stopped started began finished miss avoid recall".split()
)
_ASIDE = re.compile(
    r",\s+(?:\w+ing|like|such as|including|especially|possibly|particularly|where|just|even)\b.*$|\s+such as\s.*$"
)
_NOW = frozenset({"am", "is", "are"})
_DWELLING = ("live", "park", "stay", "leave")
_SINGLE = frozenset("in at on under behind near inside beside between above below from".split())


def told_triplets(text: str) -> list[Triplet]:
    """Triplets of the sentences of ``text``; the first person is ``I``. Each at most once, in order."""
    found: list[Triplet] = []
    for sentence in sentences(cleaned(text, MAX_CHARS)):
        if sentence.endswith("?"):
            continue
        found += _of_sentence(_opened(sentence))
    return list(dict.fromkeys(found))


def _opened(sentence: str) -> str:
    plain = sentence.strip().strip("\"'").rstrip(".!").replace("’", "'")
    for pattern, full in _CONTRACTIONS:
        plain = pattern.sub(full, plain)
    return plain


def _of_sentence(sentence: str) -> list[Triplet]:
    reminder = _REMIND.match(sentence)
    if reminder and reminder.group(1).lower() != "that":
        return _reminder(reminder.group(1).lower(), reminder.group(2))
    sentence = _OPENING.sub("", sentence)
    time = ""
    leading = _LEADING_TIME.match(sentence)
    if leading:
        time, sentence = leading.group(1), _WHILE.sub("", sentence[leading.end() :])
    found: list[Triplet] = []
    for clause in _SPLIT.split(sentence):
        if clause:
            found += _of_clause(clause.strip(" ,"), "" if found else time)
    return found


def _reminder(link: str, what: str) -> list[Triplet]:
    condition = _CONDITION.match(what)
    task = _label(condition.group(1) if condition else what)
    word = "reminded to" if link == "to" else "reminded about"
    if condition:
        cue = re.sub(
            r"^(?:see|pass|am at|get to|reach|arrive at|am in|am near|go to|walk past|leave)\s+", "", condition.group(3)
        )
        return [Triplet("I", word, task), Triplet(task, condition.group(2).lower(), _label(cue))]
    core, extras = _extras(what)
    return [Triplet("I", word, _label(core)), *(Triplet(_label(core), p, o) for p, o in extras)]


def _of_clause(clause: str, time: str) -> list[Triplet]:
    tokens = clause.split()
    if (
        len(tokens) < 3
        or tokens[0].lower() in {"it", "this", "that", "he", "she", "they", "which", "who"} | CLAUSE_STARTS
    ):
        return []
    if tokens[0].lower() == "there" and tokens[1].lower() in BE:
        return _there(" ".join(tokens[2:]))
    first = tokens[0].lower() in {"i", "we"}
    at = 1 if first else _verb_at(tokens)
    if at is None:
        return []
    subject = "I" if tokens[0] == "I" or tokens[0] == "i" else _label(" ".join(tokens[:at]))
    predicate, rest = _predicate(tokens[at:], keep_be=not first)
    if not predicate or not rest:
        return []
    if rest[0].lower() in {"and", "or", "but"}:
        return []
    if rest[0].lower() == "that" and predicate in _REPORTING:
        rest = rest[1:]
    if predicate in _REPORTING and len(rest) > 2 and (rest[0] == "I" or rest[0].lower() in {"my", "our"}):
        reported = _of_clause(" ".join(rest), time)
        if reported:
            return reported
    more: list[Triplet] = []
    for i in range(1, len(rest) - 2):
        if rest[i] in {"and", "but"} and rest[i + 1] in FINITE and rest[i + 1] not in BE | MODALS | HAVE | DO:
            second, what = _predicate(rest[i + 1 :], keep_be=True)
            more = _triplets(subject, second, " ".join(what), "") if second and what else []
            rest = rest[:i]
            break
    return _triplets(subject, predicate, " ".join(rest), time) + more


_REPORTING = frozenset(
    "realized realised know knew think thought noticed remember remembered found believe said heard mentioned learned".split()
)


def _verb_at(tokens: list[str]) -> int | None:
    """Index of the first finite verb after a subject of at most eight words."""
    for i, token in enumerate(tokens[1:9], start=1):
        lower, before = token.lower(), tokens[i - 1].lower()
        if before in DETERMINERS or before in PREPOSITIONS or before in {"and", "or"}:
            continue
        if lower in FINITE:
            return i
        if lower in VERB_BASES and (
            before.endswith("s") or before in {"people", "children", "parents"} or "and" in tokens[:i]
        ):
            return i
    return None


def _predicate(tokens: list[str], keep_be: bool) -> tuple[str, list[str]]:
    """The verb group with negation and preposition, and what is left of the clause."""
    group: list[str] = []
    i = 0
    while i < len(tokens) and _is_helper(tokens, i):
        if not is_adverb(tokens[i]) or tokens[i].lower() in NEGATIONS:
            group.append(tokens[i].lower())
        i += 1
    if i >= len(tokens):
        return "", []
    copula = bool(group) and any(w in BE for w in group)
    word = tokens[i].lower()
    if copula and not ((word.endswith("ing") and len(word) > 4) or is_participle(word) or _adjective_link(tokens, i)):
        if word in PREPOSITIONS:
            group.append(word)
            i += 1
        return " ".join(group), tokens[i:]
    if copula and group == ["am"] and not keep_be:
        group = []
    group.append(tokens[i].lower())
    i += 1
    while i < len(tokens) and is_adverb(tokens[i]) and i + 1 < len(tokens):
        i += 1
    if i + 1 < len(tokens) and tokens[i].lower() == "to" and (group[-1] in LINKS_TO_VERB):
        group.append("to")
        i += 1
        if group[:1] != ["used"] or i + 2 >= len(tokens):
            return " ".join(group), tokens[i:]
        group.append(tokens[i].lower())  # "used to live in Paris" is about living, not about a task
        i += 1
    if i + 1 < len(tokens) and group[-1] in _TO_DOING and tokens[i].lower().endswith("ing") and len(tokens[i]) > 4:
        group.append(tokens[i].lower())
        i += 1
    while i + 1 < len(tokens) and tokens[i].lower() in PREPOSITIONS and len(group) < 6:
        if _is_time(tokens[i + 1 :]) and group[-1] not in PREPOSITIONS:
            break
        group.append(tokens[i].lower())
        i += 1
    return " ".join(group), tokens[i:]


def _is_helper(tokens: list[str], i: int) -> bool:
    word, following = tokens[i].lower(), tokens[i + 1].lower() if i + 1 < len(tokens) else ""
    if is_adverb(word) and following:
        return True
    if word in BE or word in MODALS or word in NEGATIONS:
        return True
    if word in HAVE:
        return (
            following in NEGATIONS
            or following in BE
            or is_participle(following)
            or (is_adverb(following) and i + 2 < len(tokens) and is_participle(tokens[i + 2]))
        )
    return word in DO and following in NEGATIONS


def _adjective_link(tokens: list[str], i: int) -> bool:
    """True for "allergic to", "afraid of": one word, then a preposition, then something."""
    return (
        i + 2 < len(tokens)
        and tokens[i].lower() not in DETERMINERS | PREPOSITIONS
        and tokens[i][0].islower()
        and tokens[i + 1].lower() in {"to", "of", "with", "about", "at", "for", "from", "in", "by"}
        and not _is_time(tokens[i + 2 :])
    )


def _triplets(subject: str, predicate: str, rest: str, time: str) -> list[Triplet]:
    verb = predicate.split()
    core, extras = _extras(rest)
    if not _label(core):
        if not extras:
            return []
        (link, value), extras = extras[0], extras[1:]
        predicate, core = (predicate if link == "when" else f"{predicate} {link}"), value
        verb = predicate.split()
    given = _GIVEN.match(core) if verb[-1] in _GIVING else None
    if given:
        core = given.group(2)
        extras.insert(0, ("to", given.group(1)))
    value = _label(core)
    placed = verb[-1] in _SINGLE and (
        (len(verb) == 2 and verb[0] in _NOW) or verb[0].startswith(_DWELLING) or "born" in verb
    )
    single = placed or (verb[-1] in BE and subject.lower().startswith("my ") and not _plural(subject))
    found = [Triplet(subject, predicate, value, functional=single)]
    about = subject if subject != "I" and verb[-1] in PREPOSITIONS | BE else value
    if verb[0] in _NOW and len(verb) == 2 and verb[-1] in _SINGLE and subject != "I":
        full = f"{verb[-1]} {value}"
        found.append(Triplet(subject, "when" if _is_time(core.split()) else "where", full, functional=True))
    for link, extra in extras:
        if link in {"at", "on", "when"} and subject != "I" and _is_time(extra.split()):
            if verb[-1] in PREPOSITIONS and link != "when" and verb[0] not in BE:
                found.append(Triplet(subject, f"{verb[0]} {link}", extra, functional=single))
            else:
                found.append(Triplet(subject, link, extra))
        else:
            found.append(Triplet(about, link, extra))
    if time:
        found.append(Triplet(about, "when", _label(time[0].lower() + time[1:])))
    kin = _NAMED_KIN.match(subject)
    if kin:
        found.append(Triplet(kin.group(2), "is", kin.group(1)))
    owner = _POSSESSIVE.match(subject)
    if owner and verb[0] in BE:
        found.append(Triplet(owner.group(1), owner.group(2), value, functional=single))
    return found


def _there(rest: str) -> list[Triplet]:
    core, extras = _extras(rest)
    thing = _label(core)
    return [Triplet(thing, link, value) for link, value in extras] or (
        [Triplet("I", "know of", thing)] if thing else []
    )


def _extras(rest: str) -> tuple[str, list[tuple[str, str]]]:
    """The object itself, and (link, value) for the place and time that hang on it."""
    extras: list[tuple[str, str]] = []
    tokens = rest.split()
    for i, token in enumerate(tokens[1:], start=1):
        if token.lower() in CLAUSE_STARTS and not _is_time(tokens[i + 1 :]):
            tokens = tokens[:i]
            break
    rest = _ASIDE.sub("", _RELATIVE.sub("", " ".join(tokens))).strip(" ,")
    trailing = _TRAILING_TIME.search(" " + rest)
    if trailing:
        extras.append(("when", trailing.group(1)))
        rest = rest[: max(0, trailing.start() - 1)].rstrip(" ,")
    clock = [s for s in find_spans(rest, TIMES | {SpanType.DURATION})]
    link = (
        re.search(r"\s(at|on|by|from|until|in|for|after|before|since)\s(?:the\s)?$", " " + rest[: clock[0].start])
        if clock
        else None
    )
    if clock and link and clock[-1].end >= len(rest) - 1:
        extras.insert(0, (link.group(1), rest[clock[0].start :]))
        rest = rest[: max(0, link.start() - 1)].rstrip(" ,")
    tokens = rest.split()
    for i in range(1, len(tokens) - 1):
        if tokens[i].lower() in PLACE_PREPOSITIONS and not _is_time(tokens[i + 1 :]):
            extras.insert(0, (tokens[i].lower(), _label(" ".join(tokens[i + 1 :]))))
            rest = " ".join(tokens[:i])
            break
    return rest, [(a, b) for a, b in extras if b]


def _is_time(tokens: list[str]) -> bool:
    """True when the words begin with a time: "Tuesday at 10", "9 am", "the morning"."""
    text = "at " + " ".join(tokens[:4])
    spans = find_spans(text, TIMES)
    return bool(spans) and spans[0].start <= 7 and spans[0].start >= 3 - (spans[0].type is SpanType.DAY) * 3


def _plural(subject: str) -> bool:
    last = subject.split()[-1].lower()
    return last.endswith("s") and not last.endswith(("ss", "us", "is", "address"))


def _label(text: str) -> str:
    """An entity's label: no article, no trailing punctuation, bounded."""
    label = cleaned(text, 120).strip(" .,;:!?\"'")
    label = re.sub(r"^(?:a|an|the|some)\s+", "", label, flags=re.IGNORECASE)
    return re.sub(r"^(?:My|Our|His|Her|Their|Your)(?=\s)", lambda m: m.group().lower(), label)
