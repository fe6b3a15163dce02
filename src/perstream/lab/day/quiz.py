"""Questions with their answers, questions without, and the words that are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from perstream.lab.day import words
from perstream.lab.day.draw import Draw
from perstream.lab.day.script import Look, Plot
from perstream.lab.day.thing import Ask
from perstream.lab.day.told import OWN_ALLERGY
from perstream.lab.day.truth import Due, Heard, Question, Shown, Spans

Questions = tuple[Question, ...]
WORD_WITHIN_S = 3.0


def ask_about(day: Plot, shown: Sequence[Shown], start: datetime, draw: Draw) -> tuple[Questions, Questions]:
    """Answerable and unanswerable questions at the end of the day."""
    seen = [
        _question(draw.any(look.item.asks), "seen", span.start_s, span.end_s, span.glimpses, draw)
        for look, span in draw.shuffled(list(zip(day.looks, shown, strict=True)))[: draw.any((6, 7))]
    ]
    heard = [
        _question(draw.any(remark.asks), "heard", cue.start_s, cue.end_s, ((cue.start_s, cue.end_s),), draw)
        for cue, remark in zip(day.heard, day.remarks, strict=True)
        if remark.asks
    ]
    facts = [fact for fact in (*day.facts, *day.idle) if fact.asks]
    told = [_question(draw.any(fact.asks), "told", None, None, (), draw) for fact in draw.shuffled(facts)[:2]]
    told = [_any_allergy(question, day) for question in told]
    answerable = (*seen, *heard, *told, _when_seen(day, shown, start, draw))
    return tuple(draw.shuffled(answerable)), tuple(_unanswerable(day, draw))


def _question(
    chosen: Ask, provenance: str, start_s: float | None, end_s: float | None, spans: Spans, draw: Draw
) -> Question:
    return Question(draw.any(chosen.wordings), chosen.kind, chosen.accepted, start_s, end_s, spans, provenance)


def _any_allergy(question: Question, day: Plot) -> Question:
    """Who told of several allergies gets a right answer with any of them."""
    if question.question != OWN_ALLERGY:
        return question
    facts = [fact for fact in day.facts if fact.text.startswith("I am") and "allergic" in fact.text]
    own = tuple(text for fact in facts for group in fact.topic for text in group)
    return replace(question, answer_contains=((*own, *words.NEVER_EATEN),))


def _when_seen(day: Plot, shown: Sequence[Shown], start: datetime, draw: Draw) -> Question:
    """At what time of day a thing was in view; the minute before and after the stretch's ends counts too."""
    look, span = draw.any([pair for pair in zip(day.looks, shown, strict=True) if pair[0].item.kind != "food"])
    name = _name(look)
    first = start + timedelta(seconds=span.start_s - 2)
    last = start + timedelta(seconds=span.end_s + 2)
    times = {f"{at:%H:%M}" for at in (first, last)} | {f"{at.hour}:{at.minute:02d}" for at in (first, last)}
    wording = draw.any((f"When did I see the {name}?", f"At what time did I look at the {name}?"))
    return Question(wording, "time seen", (tuple(sorted(times)),), span.start_s, span.end_s, span.glimpses, "seen")


def _name(look: Look) -> str:
    """What a person would call the thing: by what is written on it."""
    lines = look.item.lines
    return {
        "medicine": f"{look.item.key} box",
        "book": f"book {look.item.key}",
        "parcel": f"{look.item.key.title()} parcel",
        "platform": f"sign of platform {look.item.key}",
        "gate": f"sign of gate {look.item.key}",
        "bus": f"sign of bus {look.item.key}",
        "shop": f"{look.item.key.lower()} sign",
        "poster": f"{look.item.key} poster",
        "door": f"door of {lines[0].lower()}",
        "locker": f"locker {lines[-1]}",
        "wifi": "wifi password",
        "qr": "QR code",
        "hours": "opening hours",
        "calendar": f"calendar with the {look.item.key} appointment",
        "appointment": f"{look.item.key} appointment card",
        "whiteboard": "whiteboard tasks",
        "shopping list": "shopping list",
        "receipt": f"receipt from {lines[0].title()}",
        "parking": "parking sign",
    }.get(look.item.kind, look.item.what)


def _unanswerable(day: Plot, draw: Draw) -> list[Question]:
    """Wrong attributes, wrong people and things that the day never showed: four of them, of three kinds."""
    attributes = [text for look in day.looks for text in look.item.unasked]
    people = [text for remark in day.remarks for text in remark.unasked]
    facts = [text for fact in (*day.facts, *day.idle) for text in fact.unasked]
    chosen = [
        *((text, "wrong attribute") for text in draw.shuffled(attributes)[:2]),
        *((text, "not said") for text in draw.shuffled(people + facts)[:1]),
        *((text, "never seen") for text in draw.shuffled(_never_seen(day, draw))[:1]),
    ]
    return [Question(text, kind) for text, kind in draw.shuffled(chosen)]


def _never_seen(day: Plot, draw: Draw) -> list[str]:
    kinds = {look.item.kind for look in day.looks}
    facts = " ".join(fact.text for fact in (*day.facts, *day.idle)).lower()
    stranger, drug = draw.pick(words.PEOPLE), draw.pick(words.MEDICINES).capitalize()
    city, book = draw.pick(words.CITIES), draw.pick(words.BOOKS).title()
    asked = {
        "parking": "On which parking level is my car?",
        "wifi": "What is the wifi password?",
        "locker": "What is my locker number?",
        "receipt": "What was the total on the receipt?",
        "whiteboard": "What is written on the whiteboard?",
        "parcel": "Who is the parcel addressed to?",
    }
    questions = [text for kind, text in asked.items() if kind not in kinds]
    questions += [f"What dose is on the {drug} box?", f"What did {stranger} tell me?", f"Who wrote {book}?"]
    if "train" not in facts:
        questions.append(f"Which platform does the train to {city} leave from?")
    return questions


def due_words(day: Plot, shown: Sequence[Shown]) -> tuple[Due, ...]:
    """For each fact that matters: from when it can be read (or is said) until three seconds later."""
    due = []
    for fact, cause in zip(day.facts, day.causes, strict=True):
        if isinstance(cause, Heard):
            start, cue, end, why = cause.start_s, cause.start_s, cause.end_s, f"{cause.speaker} talks."
        else:
            span = shown[day.looks.index(cause)]
            start, cue, end, why = span.glimpses[0][0], span.start_s, span.start_s, f"In view: {span.text}"
        due.append(Due(fact.topic, start, cue, round(end + WORD_WITHIN_S, 2), f"{fact.text} {why}"))
    return tuple(sorted(due, key=lambda item: item.cue_s))
