"""How well a piece of memory covers a question: word by word, with what may stand for each word.

A required word that nothing in the memory stands for makes the memory no answer, however alike the
texts are: this is what keeps "When is the dentist's birthday?" from being answered by an appointment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from perstream.models.carriers import carrier_fits
from perstream.models.hours import weekdays_of
from perstream.models.lexicon import Lexicon
from perstream.models.question_kinds import QuestionKind
from perstream.models.questions import Question, Term
from perstream.models.text import STOP_WORDS, Stems, words
from perstream.models.units import Unit
from perstream.models.verbs import BE, HAVE
from perstream.origins import asked_for
from perstream.protocols import TextEmbedder
from perstream.types import FloatArray

MET = 0.35
"""A required word counts as met from here on."""
BESIDE = 0.4
"""How well a word of the sentence before or after meets a required one."""
ALIKE = 0.6
"""Cosine of two single words from which one may stand for the other, weakly."""
LENIENT = 0.75
LENIENT_COSINE = 0.55
ASKS_DUTY = re.compile(
    r"\b(?:remind|remember|buy|need|should|have to|must|supposed|want|looking for|waiting for|forget)\b"
)
_QUOTING = frozenset(
    {QuestionKind.SAID, QuestionKind.WHO, QuestionKind.WHEN_SEEN, QuestionKind.TYPED, QuestionKind.SUMMARY}
)
_REQUEST = re.compile(
    r"(?i)\b(?:can|could|would|will) you (?!know|tell|remember|recall|see|hear|believe|imagine|like|have|be)\w+"
)
_MAX_WORDS = 48


@dataclass(frozen=True, slots=True)
class Scored:
    """A unit and how well it covers the question."""

    unit: Unit
    confidence: float
    """In [0, 1]."""
    met: dict[str, float]
    """Per term's stem, how well it is met in [0, 1]."""


class Relevance:
    """Scores units for one question. Lives as long as the question."""

    def __init__(
        self, question: Question, pooled: FloatArray, embedder: TextEmbedder, lexicon: Lexicon, stems: Stems
    ) -> None:
        self._question = question
        self._pooled = pooled
        self._embedder = embedder
        self._stems = stems
        self._lexicon = lexicon
        self._related = {term.stem: lexicon.related(term.stem) for term in question.terms}

    def score(self, units: Sequence[Unit]) -> list[Scored]:
        """All units, best first; of equals the newer first."""
        if not units:
            return []
        views = [_View(unit, self._stems) for unit in units]
        met = [{t.stem: self._direct(t, view) for t in self._question.terms} for view in views]
        self._by_meaning(views, met)
        # Only what holds every required word can be an answer: the others need no embedding.
        whole = [i for i, found in enumerate(met) if len(self._missing(found)) <= self._slack(units[i])]
        cosines = dict.fromkeys(range(len(units)), 0.0)
        if whole:
            vectors = self._embedder.embed([f"{units[i].speaker} {units[i].text}".strip() for i in whole])
            cosines.update(zip(whole, (vectors @ self._pooled).tolist(), strict=True))
        scored = [
            Scored(unit, self._confidence(unit, found, cosines[i]), found)
            for i, (unit, found) in enumerate(zip(units, met, strict=True))
        ]
        return sorted(scored, key=lambda s: (-round(s.confidence, 3), -s.unit.at.timestamp()))

    def line_score(self, line: str) -> float:
        """How many of the question's words a single line holds, weighted."""
        stems = set(self._stems.of(line))
        total = 0.0
        for term in self._question.terms:
            if term.stem in stems or _spelled_alike(term, stems, line):
                total += term.weight
            elif not term.name and self._related[term.stem] & stems:
                total += 0.6 * term.weight
        return total

    def _asked(self, word: str) -> bool:
        return any(self.holds(term, word) for term in self._question.terms)

    def names(self, term: Term, line: str) -> bool:
        """Whether a line holds a term itself."""
        stems = set(self._stems.of(line))
        return term.stem in stems or _spelled_alike(term, stems, line)

    def holds(self, term: Term, line: str) -> bool:
        """Whether a line holds a term or its like."""
        return self.names(term, line) or bool(self._related[term.stem] & set(self._stems.of(line)))

    def _direct(self, term: Term, view: _View) -> float:
        if term.name and view.unit.way == "heard" and view.calls(term.word):
            return 0.2  # "Cool, Anna!" tells who is spoken to, not about whom
        if term.stem in view.own:
            return 1.0
        if _spelled_alike(term, view.own, view.unit.text):
            return 0.9
        if weekdays_of(term.word) and weekdays_of(term.word) <= weekdays_of(view.unit.text):
            return 0.8  # "from Monday to Thursday" holds Tuesday
        if term.name:
            return 0.7 if term.stem in view.around else 0.0
        if self._related[term.stem] & view.own:
            return 0.8
        fits = carrier_fits(term.word, view.unit)
        if fits is not None:
            return fits
        said = view.unit.way in ("told", "heard")  # a sentence beside it may speak of something else
        if term.stem in view.around:
            return BESIDE if said else 0.7
        if term.stem in view.source:
            return 0.6
        return 0.5 if not said and self._related[term.stem] & view.around else 0.0

    def _by_meaning(self, views: Sequence[_View], met: list[dict[str, float]]) -> None:
        """Let word vectors stand in where just one required word is not met."""
        wanting = [(view, found, self._missing(found)) for view, found in zip(views, met, strict=True)]
        wanting = [(v, f, m) for v, f, m in wanting if len(m) == 1 and not m[0].name]
        vocabulary = list(dict.fromkeys(word for view, _, _ in wanting for word in view.words))[:_MAX_WORDS]
        if not vocabulary:
            return
        terms = list(dict.fromkeys(missing[0] for _, _, missing in wanting))
        vectors = self._embedder.embed([*(t.word for t in terms), *vocabulary])
        cosines = vectors[: len(terms)] @ vectors[len(terms) :].T
        place = {word: i for i, word in enumerate(vocabulary)}
        for view, found, (term,) in wanting:
            known = [w for w in view.words if w in place and not self._lexicon.rivals(term.stem, self._stems(w))]
            best = float(np.max(cosines[terms.index(term), [place[w] for w in known]])) if known else 0.0
            if best >= ALIKE:
                found[term.stem] = max(found[term.stem], MET + (best - ALIKE))

    def _slack(self, unit: Unit) -> int:
        return len(self._question.terms) // 3 if unit.way == "told" else 0

    def _missing(self, found: dict[str, float]) -> list[Term]:
        return [t for t in self._question.terms if t.required and found[t.stem] < MET]

    def _confidence(self, unit: Unit, met: dict[str, float], cosine: float) -> float:
        terms = self._question.terms
        total = sum(t.weight for t in terms)
        cover = sum(t.weight * met[t.stem] for t in terms) / total if total else 0.5
        alike = min(1.0, max(0.0, (cosine - 0.1) / 0.5))
        value = 0.7 * cover + 0.25 * alike + 0.05 * min(1.0, max(0.0, unit.hit.score))
        missing = self._missing(met)
        if missing:
            value *= LENIENT if self._mostly(missing, unit, cosine) else 0.25
        if not unit.sure:
            value *= 0.8
        if unit.way in ("told", "heard"):
            things = [met[t.stem] for t in terms if t.required and not t.name]
            others = [met[t.stem] for t in terms if not t.name]
            if (things and max(things) <= BESIDE) or (not things and others and max(others) < MET):
                value *= 0.4  # all it shares is who spoke
            if self._question.kind not in _QUOTING and _of_listener(unit, terms):
                value -= 0.3
        if self._question.first_person and unit.way in ("told", "heard") and not _about_owner(unit, self._asked):
            value -= 0.3
        if unit.way == "told" and is_reminder(unit.text) and not ASKS_DUTY.search(self._question.text.lower()):
            value -= 0.25
        if (
            unit.way in ("heard", "told")
            and unit.text.endswith("?")
            and self._question.kind not in _QUOTING
            and not _REQUEST.search(unit.text)
        ):
            value *= 0.25  # a question states nothing
        return max(0.0, min(1.0, value))

    def _mostly(self, missing: list[Term], unit: Unit, cosine: float) -> bool:
        """A long question about what the owner told: not every word of it need be met, names excepted."""
        required = [t for t in self._question.terms if t.required]
        few = len(required) >= 3 and sum(t.weight for t in missing) <= 0.4 * sum(t.weight for t in required)
        return few and unit.way == "told" and cosine >= LENIENT_COSINE and not any(t.name for t in missing)


class _View:
    """The stems of a unit."""

    def __init__(self, unit: Unit, stems: Stems) -> None:
        self.unit = unit
        self.own = set(stems.of(unit.text)) | set(stems.of(unit.speaker))
        self.around = set(stems.of(unit.around))
        self.source = set(stems.of(asked_for(unit.memory.source or "")))
        self._speaker = unit.speaker.lower()
        self.words = [w.lower() for w in words(unit.text) if len(w) > 2 and w.isalpha() and w.lower() not in STOP_WORDS]

    def calls(self, name: str) -> bool:
        """True when the name is only used to address somebody, by somebody else."""
        if name in self._speaker.split():
            return False
        spoken = re.findall(rf"(?i)(?:^|[,!.?]\s*){re.escape(name)}(?=[,!.?]|$)", self.unit.text)
        return bool(spoken) and len(spoken) == len(re.findall(rf"(?i)\b{re.escape(name)}\b", self.unit.text))


def _about_owner(unit: Unit, related: Callable[[str], bool]) -> bool:
    """A told sentence in the first person, or about "my" thing that is asked about; of others, what they say to "you"."""
    said = [word.lower() for word in words(unit.text)]
    if unit.way == "heard":
        return any(word in {"you", "your", "we", "our", "us"} for word in said)
    if any(word in {"i", "me", "we", "our", "us", "i'm", "i've"} for word in said):
        return True
    for i, word in enumerate(said):
        if word == "my":  # "my shoe size is 42": the owned thing ends where the verb begins
            owned = list(takewhile(lambda w: w not in BE | HAVE, said[i + 1 : i + 5]))
            if any(related(w) for w in owned):
                return True
    return False


def _of_listener(unit: Unit, terms: Sequence[Term]) -> bool:
    """True when the one asked about is the speaker, who speaks of "you" alone: it tells about somebody else."""
    asked = [t for t in terms if t.name and t.word in unit.speaker.lower().split()]
    said = {word.lower().replace("’", "'").split("'")[0] for word in words(unit.text)}
    return (
        bool(asked)
        and bool(said & {"you", "your", "yours"})
        and not said & {"i", "my", "me", "we", "our", "us", "mine"}
    )


def is_reminder(text: str) -> bool:
    """True for "Remind me to …", which states no fact about the place or person it names."""
    return bool(re.search(r"(?i)\b(?:remind me|don['’]t let me forget|do not let me forget)\b", text))


def _spelled_alike(term: Term, stems: set[str], text: str) -> bool:
    """Readers join words and misread single letters."""
    word = term.stem
    if len(word) < 5:
        return False
    if word in "".join(text.lower().split()):
        return True
    if len(word) < 6:
        return False  # a choir is no chair
    slips = 1 if len(word) < 9 else 2
    return any(
        abs(len(other) - len(word)) <= slips and _within(word, other, slips) for other in stems if len(other) > 4
    )


def _within(a: str, b: str, limit: int) -> bool:
    """Levenshtein distance of at most ``limit``, with the first letter alike."""
    if a[0] != b[0]:
        return False
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
        if min(row) > limit:
            return False
    return row[-1] <= limit
