"""A small transparent grammar for sentences that somebody said: subject, predicate, object.

It finds the verb by closed word lists, keeps negation and prepositions in the predicate, and hangs
places and times on the thing they are about. What it does not understand gives no triplet.
"""

from __future__ import annotations

import re

from perstream.models.text import cleaned, sentences
from perstream.models.told_objects import extras_of, is_plural, is_time, label_of
from perstream.models.told_patterns import (
    CONDITION,
    CONTRACTIONS,
    DWELLING,
    GIVEN,
    GIVING,
    LEADING_TIME,
    NAMED_KIN,
    NOW,
    OPENING,
    POSSESSIVE,
    REMIND,
    REPORTING,
    SINGLE,
    SPLIT,
    TO_DOING,
    WHILE,
)
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
    OBJECTS,
    PARTICLES,
    PREPOSITIONS,
    VERB_BASES,
    is_adverb,
    is_participle,
)
from perstream.types import Triplet

MAX_CHARS = 2000
"""Longer texts are cut; nobody tells a fact of this length."""


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
    for pattern, full in CONTRACTIONS:
        plain = pattern.sub(full, plain)
    return plain


def _of_sentence(sentence: str) -> list[Triplet]:
    reminder = REMIND.match(sentence)
    if reminder and reminder.group(1).lower() != "that":
        return _reminder(reminder.group(1).lower(), reminder.group(2))
    sentence = OPENING.sub("", sentence)
    time = ""
    leading = LEADING_TIME.match(sentence)
    if leading:
        time, sentence = leading.group(1), WHILE.sub("", sentence[leading.end() :])
    found: list[Triplet] = []
    for clause in SPLIT.split(sentence):
        if clause:
            found += _of_clause(clause.strip(" ,"), "" if found else time)
    return found


def _reminder(link: str, what: str) -> list[Triplet]:
    condition = CONDITION.match(what)
    task = label_of(condition.group(1) if condition else what)
    word = "reminded to" if link == "to" else "reminded about"
    if condition:
        cue = re.sub(
            r"^(?:see|pass|am at|get to|reach|arrive at|am in|am near|go to|walk past|leave)\s+", "", condition.group(3)
        )
        return [Triplet("I", word, task), Triplet(task, condition.group(2).lower(), label_of(cue))]
    core, extras = extras_of(what)
    return [Triplet("I", word, label_of(core)), *(Triplet(label_of(core), p, o) for p, o in extras)]


def _of_clause(clause: str, time: str) -> list[Triplet]:
    tokens = clause.split()
    if (
        len(tokens) < 3
        or tokens[0].lower() in {"it", "this", "that", "such", "he", "she", "they", "which", "who"} | CLAUSE_STARTS
    ):
        return []
    if tokens[0].lower() == "there" and tokens[1].lower() in BE:
        return _there(" ".join(tokens[2:]))
    first = tokens[0].lower() in {"i", "we"}
    at = 1 if first else _verb_at(tokens)
    if at is None:
        return []
    subject = "I" if tokens[0] == "I" or tokens[0] == "i" else label_of(" ".join(tokens[:at]))
    predicate, rest = _predicate(tokens[at:], keep_be=not first)
    if not predicate or not rest:
        return []
    if len(rest) > 2 and rest[0].lower() in OBJECTS and rest[1].lower() in PARTICLES:  # "will pick you up at six"
        predicate, rest = f"{predicate} {rest[1].lower()}", [rest[0], *rest[2:]]
    if rest[0].lower() in {"and", "or", "but"}:
        return []
    if rest[0].lower() == "that" and predicate in REPORTING:
        rest = rest[1:]
    if predicate in REPORTING and len(rest) > 2 and (rest[0] == "I" or rest[0].lower() in {"my", "our"}):
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
    if i + 1 < len(tokens) and group[-1] in TO_DOING and tokens[i].lower().endswith("ing") and len(tokens[i]) > 4:
        group.append(tokens[i].lower())
        i += 1
    while i + 1 < len(tokens) and tokens[i].lower() in PREPOSITIONS and len(group) < 6:
        if is_time(tokens[i + 1 :]) and group[-1] not in PREPOSITIONS:
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
        and not is_time(tokens[i + 2 :])
    )


def _triplets(subject: str, predicate: str, rest: str, time: str) -> list[Triplet]:
    verb = predicate.split()
    core, extras = extras_of(rest)
    if not label_of(core):
        if not extras:
            return []
        (link, value), extras = extras[0], extras[1:]
        predicate, core = (predicate if link == "when" else f"{predicate} {link}"), value
        verb = predicate.split()
    if all(word.lower() == "so" or is_adverb(word) for word in core.split()):  # "slept so badly" tells of no thing
        return []
    given = GIVEN.match(core) if verb[-1] in GIVING else None
    if given:
        core = given.group(2)
        extras.insert(0, ("to", given.group(1)))
    value = label_of(core)
    placed = verb[-1] in SINGLE and (
        (len(verb) == 2 and verb[0] in NOW) or verb[0].startswith(DWELLING) or "born" in verb
    )
    single = placed or (verb[-1] in BE and subject.lower().startswith("my ") and not is_plural(subject))
    found = [Triplet(subject, predicate, value, functional=single)]
    about = subject if subject != "I" and verb[-1] in PREPOSITIONS | BE else value
    if verb[0] in NOW and len(verb) == 2 and verb[-1] in SINGLE and subject != "I":
        full = f"{verb[-1]} {value}"
        found.append(Triplet(subject, "when" if is_time(core.split()) else "where", full, functional=True))
    for link, extra in extras:
        if link in {"at", "on", "when"} and subject != "I" and is_time(extra.split()):
            if verb[-1] in PREPOSITIONS and link != "when" and verb[0] not in BE:
                found.append(Triplet(subject, f"{verb[0]} {link}", extra, functional=single))
            else:
                found.append(Triplet(subject, link, extra))
        else:
            found.append(Triplet(about, link, extra))
    if time:
        found.append(Triplet(about, "when", label_of(time[0].lower() + time[1:])))
    kin = NAMED_KIN.match(subject)
    if kin:
        found.append(Triplet(kin.group(2), "is", kin.group(1)))
    owner = POSSESSIVE.match(subject)
    if owner and verb[0] in BE:
        found.append(Triplet(owner.group(1), owner.group(2), value, functional=single))
    return found


def _there(rest: str) -> list[Triplet]:
    core, extras = extras_of(rest)
    thing = label_of(core)
    return [Triplet(thing, link, value) for link, value in extras] or (
        [Triplet("I", "know of", thing)] if thing else []
    )
