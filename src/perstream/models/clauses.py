"""Reads what a sentence says about the thing asked: the object of a verb, a name, the place somebody goes to."""

from __future__ import annotations

import re

from perstream.models.questions import Question, goes_to
from perstream.models.relevance import Relevance
from perstream.models.spans import DAYS, MONTHS
from perstream.models.text import STOP_WORDS, Stems, words
from perstream.models.units import Unit

_NAME = r"[A-Z][\w'’-]+(?: (?:[A-Z][\w'’.-]*|of the|of))*"
_NAMING = re.compile(r"(?i)\b(?:name|names|called|named)\b")
_FIRM = re.compile(r"\b(?:GmbH|AG|KG|Ltd|Limited|Inc|LLC|Corp|Co|SA|S\.A|SpA|B\.?V|Oy|AB|plc|PLC)\b\.?$")
_OWNED = re.compile(
    r"(?i)(?:what|which|who|when|where)(?:['’]s| is| are| was| were) (?:my|our) ((?:[\w'’-]+ ){0,3}?[\w'’-]+)$"
)
_FAVOURITE = re.compile(r"(?i)\bfavou?rite\b")
_STATED = re.compile(r"(?i)(?:my|our) ([^,.;:]{2,60}?) (?:is|are|was|were) (.+)$")


def object_after(unit: Unit, question: Question, relevance: Relevance) -> str:
    """What follows the verb asked about in a spoken sentence: "bring" in "please bring a salad"."""
    verbs = [t for t in question.terms if t.verb]
    if not verbs or not re.match(r"(?i)(?:what|which)\b", question.text):
        return ""
    for match in re.finditer(r"[^\W\d_]+", unit.text):
        if any(relevance.names(t, match.group()) for t in verbs):
            phrase = re.match(
                r"\s+((?:[\w'-]+\s){0,6}?[\w'-]+)(?=\s(?:when|if|because|and|but|at|on|before|after)\b|[.,;:!?]|$)",
                unit.text[match.end() :],
            )
            if phrase and not re.match(r"(?i)(?:me|us|you|it|up|to|on|off)\b", phrase.group(1)):
                return phrase.group(1)
    return ""


def name_said(unit: Unit, question: Question, relevance: Relevance) -> str:
    """The name of the one asked about: "Tara" of "my daughter Tara", "the dog is called Rex"; "" when none is said."""
    if not _NAMING.search(question.text):
        return ""
    for term in question.terms:
        if term.name or term.verb:
            continue
        for match in re.finditer(r"[^\W\d_]+", unit.text):
            if relevance.names(term, match.group()):
                named = re.match(
                    rf"(?:['’]s)?,?(?: name)?(?: (?:is|was))?(?: (?:called|named))? ({_NAME})", unit.text[match.end() :]
                )
                if named:
                    return named.group(1)
    return ""


def names_none(unit: Unit, question: Question) -> bool:
    """True when a name is asked for and a sentence, told or heard, holds none that the question does not."""
    if unit.way not in ("told", "heard") or not re.search(
        r"(?i)['’]s name$|\bname of\b|\b(?:called|named)$", question.text
    ):
        return False
    asked = {w.lower().removesuffix("'s") for w in words(question.text.replace("’", "'"))}
    dates = re.compile(rf"(?i){DAYS}|{MONTHS}")
    names = [w for w in words(unit.text.replace("’", "'")) if w[0].isupper() and w.lower() not in STOP_WORDS]
    names = [w for w in names if not dates.fullmatch(w)]
    return all(w.lower().removesuffix("'s") in asked for w in names)


def place_gone_to(unit: Unit, question: Question) -> str:
    """What is named after the verb and preposition asked with: "Hill House" of "she starts at Hill House in May"."""
    asked = goes_to(question.text)
    if asked is None:
        return ""
    firm = next((line for line in unit.lines if unit.way == "read" and _FIRM.search(line)), "")
    if firm and asked[0] in {"company", "firm", "business", "employer"}:
        return firm
    stem = Stems()
    for match in re.finditer(rf"([^\W\d_]+) {asked[2]} (?:the )?({_NAME})", unit.text):
        if stem(match.group(1)) == stem(asked[1]):
            return match.group(2)
    return ""


def about_asked(text: str, question: Question, relevance: Relevance) -> bool:
    """Whether a told "my … is …" is about the "my …" asked for: a favourite music that is film music is no film.

    True where the sentence has another form, or says nothing of the noun in either half.
    """
    asked, stated = _OWNED.match(question.text), _STATED.match(text)
    last = words(asked.group(1))[-1] if asked else ""
    if not asked or not stated or last.lower() in STOP_WORDS:
        return True
    stem = Stems()
    noun = stem(last)
    subject, value = stated.group(1), stem.of(stated.group(2))
    if noun in stem.of(subject) or any(t.stem == noun and relevance.holds(t, subject) for t in question.terms):
        return True
    if _FAVOURITE.search(asked.group(1) if asked else "") and _FAVOURITE.search(subject):
        return value[-1] == noun
    return noun not in value or value[-1] == noun
