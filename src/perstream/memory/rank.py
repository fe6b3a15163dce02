"""The second stage: a closer look at a few dozen candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from perstream.memory.bm25 import WordSearch
from perstream.memory.calibrate import TIME_ALONE, confidence
from perstream.memory.late import TokenStore
from perstream.memory.lexical import SlotArray
from perstream.memory.phrasing import Question
from perstream.memory.rows import Rows
from perstream.memory.signals import WEIGHTS, Days, Who, coverage, person_margin
from perstream.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is seen of some memories by themselves; all arrays are aligned."""

    slots: SlotArray
    late: FloatArray
    """MaxSim, or a guess at it."""
    covered: FloatArray
    """Share of the question's words that they say."""
    words: FloatArray
    """BM25, relative to the best of this question."""
    speaker: FloatArray
    date: FloatArray
    picture: FloatArray

    def joined(self, other: Look, where: np.ndarray) -> Look:
        """This and some of the other, by a mask or places."""
        both = {f.name: (getattr(self, f.name), getattr(other, f.name)[where]) for f in fields(self)}
        return Look(**{name: np.concatenate(parts) for name, parts in both.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Candidates, best first; all arrays are aligned."""

    slots: SlotArray
    confidence: FloatArray
    parts: Mapping[str, FloatArray]
    """What each signal contributed to the score that orders them."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
    """One question's view of the memories."""

    question: Question
    rows: Rows
    words: WordSearch
    tokens: TokenStore
    question_tokens: FloatArray | None
    """[tokens, 64], or None for a search without text."""
    token_weights: FloatArray
    """[tokens]."""
    pooled: Callable[[SlotArray], FloatArray]
    """Cosines of the pooled vectors, -1 without one."""
    who: Who
    days: Days
    picture: FloatArray | None
    """Likeness of every slot to the picture that is asked about."""

    def look(self, slots: SlotArray) -> Look:
        """Look closer at some memories."""
        own, near = self.words.counts(slots)
        covered = coverage(own, near, list(self.words.idf.values()))
        return Look(
            slots=slots,
            late=self._late(slots, covered),
            covered=covered,
            words=self.words.scores(slots, (own, near)) / self.words.top,
            speaker=self.who.at(slots),
            date=self.days.at(slots),
            picture=self.picture[slots] if self.picture is not None else np.zeros(len(slots), np.float32),
        )

    def rank(self, seen: Look) -> Ranked:
        """Order the candidates: MaxSim with who, when, words and what is around them."""
        rows, slots, late, words = self.rows, seen.slots, seen.late, seen.words
        _, group = np.unique(rows.group[slots], return_inverse=True)
        kind = (self.question.asks_when & rows.timed[slots]) | (self.question.asks_count & rows.counted[slots])
        # Of a memory that stands alone its own words count for those that are missing around it.
        alone = (rows.before[slots] < 0) & (rows.after[slots] < 0)
        around = WEIGHTS.group_late * _best_of(late, group) + WEIGHTS.group_words * _best_of(words, group) * (1 + alone)
        parts: dict[str, FloatArray] = {
            "late": late,
            "words": WEIGHTS.words * words,
            "speaker": WEIGHTS.speaker * seen.speaker,
            "date": WEIGHTS.date * seen.date,
            "kind": WEIGHTS.kind * kind.astype(np.float32),
            "asks": -WEIGHTS.asks * rows.asks[slots].astype(np.float32),
            "around": np.asarray(around, np.float32),
        }
        if self.picture is not None:
            parts["picture"] = np.maximum(seen.picture, 0.0)
        total = np.sum(list(parts.values()), axis=0)
        # Of equals the newest comes first: never the one that happens to stand first.
        order = np.lexsort((-rows.observed[slots], -total))
        # Who fits better is asked without the favour for the one named; a question is no answer, for either.
        fit = total - parts["speaker"] - parts["around"] + 2 * parts["asks"]
        other = person_margin(self.question, slots, fit, rows)
        sure = confidence(late, seen.covered, other)
        if self.question.times and len(self.question.terms) <= 1:
            sure = np.maximum(sure, TIME_ALONE * seen.date)
        if self.picture is not None:
            sure = np.maximum(sure, parts["picture"])
        return Ranked(
            slots=slots[order],
            confidence=np.asarray(sure, np.float32)[order],
            parts={name: values[order] for name, values in parts.items()},
        )

    def _late(self, slots: SlotArray, covered: FloatArray) -> FloatArray:
        """MaxSim; guessed from the pooled cosine, or from the words alone, where vectors were reduced away."""
        by_words = WEIGHTS.late_of_words * covered
        if self.question_tokens is None:
            return by_words
        late = self.tokens.maxsim(self.question_tokens, self.token_weights, slots.tolist())
        if (late > -1).all():
            return late
        pooled = self.pooled(slots)
        offset, slope = WEIGHTS.late_of_pooled
        guess = np.where(pooled > -1, offset + slope * np.maximum(pooled, 0.0), by_words)
        return np.asarray(np.where(late > -1, late, guess), np.float32)


def _best_of(values: FloatArray, group: SlotArray) -> FloatArray:
    best = np.zeros(int(group.max(initial=-1)) + 1, np.float32)
    np.maximum.at(best, group, values)
    return best[group]
