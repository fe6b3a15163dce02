"""The builtin answerer: extractive answers from the memories found, or none.

A question is understood by rules (:mod:`questions`), every hit is cut into units of evidence
(:mod:`units`), each unit is scored word by word (:mod:`relevance`), and the best unit that holds
what is asked for is phrased (:mod:`answer_rules`). Texts from the world are quoted, never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from perstream.models.answer_rules import Context, phrase, stated
from perstream.models.carriers import CARRIERS
from perstream.models.lexicon import Lexicon
from perstream.models.periods import period_of
from perstream.models.phrases import as_sentence, cite, time_text, told_back
from perstream.models.question_kinds import QuestionKind
from perstream.models.questions import Question, parse_question
from perstream.models.relevance import ASKS_DUTY, Relevance, Scored, is_reminder
from perstream.models.safety import about_owner
from perstream.models.text import Stems
from perstream.models.titles import with_covers
from perstream.models.units import Unit, units_of
from perstream.protocols import Answer, AnswerRequest, TextEmbedder

REACH = 0.45
"""A unit this much below the best may still answer when the best lacks what is asked for."""
SAME = 0.1
"""Sightings this close to the best one count as the same thing."""
SURE = 0.9
"""How sure a fact of the owner's own identity is."""
SECOND = 0.2
"""A second source is added when it is about as sure as the first."""
_SECOND_SOURCE = frozenset({QuestionKind.WHEN, QuestionKind.PLACE_NUMBER, QuestionKind.WHERE, QuestionKind.TYPED})
_TERMLESS = frozenset({QuestionKind.SUMMARY, QuestionKind.SAID, QuestionKind.TEXT})
"""Kinds of questions that need no word to hold on to: what was said, what was written."""
_ASKED_FOR = re.compile(r"(?i)\b(?:please|(?:can|could|would|will) you|don['’]t forget|remember to|make sure)\b|\?")
NO_ANSWER = Answer(text=None)


class BuiltinAnswerer:
    """Extractive answers. A few milliseconds for ten hits besides the embedder's calls (at most three)."""

    def __init__(self, embedder: TextEmbedder, threshold: float = 0.35) -> None:
        self._embedder = embedder
        self._lexicon = Lexicon(Stems())
        self._threshold = threshold

    def answer(self, request: AnswerRequest, say: Callable[[str], None], cancelled: Callable[[], bool]) -> Answer:
        """Answer from the hits alone; ``text`` is None when they do not hold it or ``cancelled`` says so."""
        if not request.hits or not request.question.strip():
            return NO_ANSWER
        now = request.now if request.now.tzinfo else request.now.replace(tzinfo=timezone.utc)
        stems = Stems()
        question = parse_question(request.question, stems)
        units = units_of(request.hits)
        period = period_of(question.text, now) if question.perceived or question.kind is QuestionKind.SUMMARY else None
        if period is not None:
            units = [u for u in units if period.start <= u.at < period.end]
        owner = about_owner(question.text)
        if owner is not None:
            found = self._of_owner([u for u in units if u.way == "told" and owner.search(u.text)], now)
            if found.text is not None:
                say(found.text)
            return found
        if not question.terms and question.kind not in _TERMLESS:
            return NO_ANSWER
        if not units or cancelled():
            return NO_ANSWER
        units = with_covers(_ways_fit(units, question), question.text)
        relevance = Relevance(question, request.question_vectors.pooled, self._embedder, self._lexicon, stems)
        context = Context(question, relevance, now)
        ranked = _sure_first([s for s in relevance.score(units) if s.confidence >= self._threshold])
        if cancelled():
            return NO_ANSWER
        found = self._summary(units, context) if question.kind is QuestionKind.SUMMARY else self._best(ranked, context)
        if found.text is not None:
            say(found.text)
        return found

    def _of_owner(self, told: Sequence[Unit], now: datetime) -> Answer:
        """Who the owner is, as last told."""
        if not told or self._threshold > SURE:
            return NO_ANSWER
        last = max(told, key=lambda u: u.at)
        return Answer(as_sentence(f"{told_back(last.text)} ({cite(last, now)})"), (last.memory.id,), SURE)

    def _best(self, ranked: Sequence[Scored], context: Context) -> Answer:
        question = context.question
        if not ranked:
            return NO_ANSWER
        if question.kind is QuestionKind.SAID:
            return self._quotes(ranked, context)
        for scored in ranked:
            if scored.confidence < ranked[0].confidence - REACH:
                break
            text = phrase(scored, context)
            if text is None:
                continue
            if question.kind is QuestionKind.WHEN_SEEN:
                return self._sightings(scored, ranked, context)
            more = self._told_alike(scored, ranked, context)
            if more:
                told = " ".join([text, *(phrase(s, context) or "" for s in more)])
                return Answer(told, tuple(s.unit.memory.id for s in [scored, *more]), scored.confidence)
            second = self._second(scored, ranked, context)
            if second is not None:
                return Answer(f"{text} Also: {second[1]}", (scored.unit.memory.id, second[0]), scored.confidence)
            return Answer(text, (scored.unit.memory.id,), scored.confidence)
        if question.kind is QuestionKind.COUNT and question.perceived:
            return self._times_seen(ranked, context)
        return NO_ANSWER

    @staticmethod
    def _second(best: Scored, ranked: Sequence[Scored], context: Context) -> tuple[int, str] | None:
        """Another way of knowing that says something else: what was told beside what was read."""
        if context.question.kind not in _SECOND_SOURCE:
            return None
        for other in ranked:
            known_otherwise = other.unit.way != best.unit.way and other.unit.memory.id != best.unit.memory.id
            if known_otherwise and other.confidence >= best.confidence - SECOND:
                text = phrase(other, context)
                if text is not None:
                    return other.unit.memory.id, text
        return None

    @staticmethod
    def _told_alike(best: Scored, ranked: Sequence[Scored], context: Context) -> list[Scored]:
        """Other told facts that answer as well: who is allergic to two things is told both."""
        if context.question.kind is not QuestionKind.WHAT or best.unit.way != "told":
            return []
        alike = [
            s for s in ranked if s.unit.way == "told" and s.met == best.met and s.unit.memory.id != best.unit.memory.id
        ]
        return _distinct(
            [s for s in alike if s.confidence >= best.confidence - SAME and s.unit.text != best.unit.text]
        )[:2]

    def _sightings(self, best: Scored, ranked: Sequence[Scored], context: Context) -> Answer:
        """The time of the best sighting, and of the others that are as good; first or last where that is asked."""
        alike = _distinct([s for s in ranked if s.confidence >= best.confidence - SAME and s.unit.way == best.unit.way])
        question = context.question
        if question.latest or question.earliest:
            alike.sort(key=lambda s: s.unit.at, reverse=question.latest)
            alike = alike[:1]
        text = phrase(alike[0], context) or ""
        others = sorted(alike[1:4], key=lambda s: s.unit.at)
        if others:
            text = text.rstrip(".") + "; also " + ", ".join(time_text(s.unit.at, context.now) for s in others) + "."
        return Answer(text, tuple(s.unit.memory.id for s in [alike[0], *others]), alike[0].confidence)

    def _quotes(self, ranked: Sequence[Scored], context: Context) -> Answer:
        """What somebody said: the best line; up to three in order of time when nothing narrows it down."""
        fit = [s for s in ranked if phrase(s, context) is not None]
        if re.search(r"\bask(?:ed)? (?:me|us)\b", context.question.text.lower()):
            fit = [s for s in fit if _ASKED_FOR.search(s.unit.text)] or fit
        if not fit:
            return NO_ANSWER
        narrowed = any(t.weight > 0.3 for t in context.question.terms)
        chosen = fit[:1] if narrowed else sorted(fit[:3], key=lambda s: s.unit.at)
        if len(chosen) == 1:
            text = phrase(chosen[0], context) or ""
        else:
            text = " ".join(stated(s.unit, context) for s in chosen)
        return Answer(text, tuple(dict.fromkeys(s.unit.memory.id for s in chosen)), fit[0].confidence)

    @staticmethod
    def _times_seen(ranked: Sequence[Scored], context: Context) -> Answer:
        """ "How many times did I see …": a lower bound, for what was not noticed is not counted."""
        seen = _distinct([s for s in ranked if s.confidence >= ranked[0].confidence - SAME])
        times = ", ".join(time_text(s.unit.at, context.now) for s in sorted(seen, key=lambda s: s.unit.at))
        noun = "time" if len(seen) == 1 else "times"
        text = f"At least {len(seen)} {noun}: {times}. {as_sentence(cite(seen[0].unit, context.now))}"
        return Answer(text, tuple(s.unit.memory.id for s in seen), seen[0].confidence)

    @staticmethod
    def _summary(units: Sequence[Unit], context: Context) -> Answer:
        """ "What did I see today?": the first units of the best hits, in order of time."""
        ways = _ways_asked(context.question)
        fit = [u for u in units if u.way in ways and u.sure]
        first: dict[int, Unit] = {}
        for unit in fit:
            first.setdefault(unit.memory.id, unit)
        chosen = sorted(list(first.values())[:4], key=lambda u: u.at)
        if not chosen:
            return NO_ANSWER
        text = " ".join(stated(u, context) for u in chosen)
        return Answer(text, tuple(u.memory.id for u in chosen), 0.5)


def _sure_first(ranked: Sequence[Scored]) -> list[Scored]:
    """What was read for sure before what was perhaps read, where both are within reach of the best."""
    if not ranked or ranked[0].unit.sure:
        return list(ranked)
    near = ranked[0].confidence - REACH
    return sorted(ranked, key=lambda s: (not (s.unit.sure and s.confidence >= near), -s.confidence))


def _distinct(scored: Sequence[Scored]) -> list[Scored]:
    """One per memory, in order."""
    first: dict[int, Scored] = {}
    for one in scored:
        first.setdefault(one.unit.memory.id, one)
    return list(first.values())


def _ways_fit(units: list[Unit], question: Question) -> list[Unit]:
    """What was written is read; when something was seen is not known from what was told."""
    low = question.text.lower()
    on_paper = re.search(r"\b(?:on|in|according to|from) (?:the|my|a|this|that) (?:\w+ )?(\w+)$", low)
    written = on_paper is not None and on_paper.group(1) in CARRIERS and question.kind is not QuestionKind.YES_NO
    if question.kind is QuestionKind.TEXT or written:
        return [u for u in units if u.way in ("read", "code")] or units
    seeing = re.search(r"\bi (?:\w+ )?(?:see|seen|saw|read|hear|heard|notice|look|watch|scan|pass|spot)", low)
    timed = question.kind is QuestionKind.WHEN_SEEN and not re.search(r"\b(?:tell|told|say|said|mention)", low)
    if timed or (
        seeing and question.perceived and question.kind is not QuestionKind.WHERE and not ASKS_DUTY.search(low)
    ):
        return [u for u in units if u.way != "told"]
    named = question.kind is QuestionKind.WHAT and re.search(r"\b(?:called|name|named)\b", low)
    if (named or question.kind in (QuestionKind.WHERE, QuestionKind.WHO)) and "remind" not in low:
        return [u for u in units if u.way != "told" or not is_reminder(u.text)]
    return units


def _ways_asked(question: Question) -> frozenset[str]:
    low = question.text.lower()
    if "hear" in low or "said" in low or "say" in low:
        return frozenset({"heard"})
    if "tell" in low or "told" in low:
        return frozenset({"told"})
    if "read" in low:
        return frozenset({"read", "code"})
    return frozenset({"read", "code", "heard", "faces", "seen"})
