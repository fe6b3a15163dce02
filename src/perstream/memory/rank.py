"""The second stage: a closer look at a few dozen candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from perstream.memory.calibrate import TIME_ALONE, confidence
from perstream.memory.late import TokenStore
from perstream.memory.lexical import LexicalIndex, SlotArray, Stemmer
from perstream.memory.phrasing import Question
from perstream.memory.rows import Rows
from perstream.memory.signals import WEIGHTS, coverage, person_margin, token_weights
from perstream.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Candidates, best first; all arrays are aligned."""

    slots: SlotArray
    confidence: FloatArray
    parts: Mapping[str, FloatArray]
    """What each signal contributed to the score that orders them."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranker:
    """One question's view of the memories. Arrays are per slot."""

    question: Question
    rows: Rows
    words: LexicalIndex
    stemmer: Stemmer
    tokens: TokenStore
    question_tokens: FloatArray | None
    """[tokens, 64], or None for a search without text."""
    question_words: tuple[str, ...]
    pooled: Callable[[SlotArray], FloatArray] | None
    speaker: FloatArray
    date: FloatArray
    bm25: FloatArray
    """Relative to the best of this question."""
    picture: FloatArray | None

    def rank(self, slots: SlotArray) -> Ranked:
        """Score the candidates: MaxSim with who, when, words and what is around them."""
        rows = self.rows
        covered = coverage(self.question, slots, self.words, rows)
        late = self._late(slots, covered)
        words = self.bm25[slots]
        _, group = np.unique(rows.group[slots], return_inverse=True)
        kind = (self.question.asks_when & rows.timed[slots]) | (self.question.asks_count & rows.counted[slots])
        # Of a memory that stands alone its own words count for those that are missing around it.
        alone = (rows.before[slots] < 0) & (rows.after[slots] < 0)
        around = WEIGHTS.group_late * _best_of(late, group) + WEIGHTS.group_words * _best_of(words, group) * (1 + alone)
        parts: dict[str, FloatArray] = {
            "late": late,
            "words": WEIGHTS.words * words,
            "speaker": WEIGHTS.speaker * self.speaker[slots],
            "date": WEIGHTS.date * self.date[slots],
            "kind": WEIGHTS.kind * kind.astype(np.float32),
            "asks": -WEIGHTS.asks * rows.asks[slots].astype(np.float32),
            "around": np.asarray(around, np.float32),
        }
        if self.picture is not None:
            parts["picture"] = np.maximum(self.picture[slots], 0.0)
        total = np.sum(list(parts.values()), axis=0)
        # Of equals the newest comes first: never the one that happens to stand first.
        order = np.lexsort((-rows.observed[slots], -total))
        # Who fits better is asked without the favour for the one named; a question is no answer, for either.
        fit = total - parts["speaker"] - parts["around"] + 2 * parts["asks"]
        other = person_margin(self.question, slots, fit, rows)
        sure = confidence(late, covered, other)
        if self.question.times and len(self.question.terms) <= 1:
            sure = np.maximum(sure, TIME_ALONE * self.date[slots])
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
        weights = token_weights(self.question_words, self.question, self.words, self.stemmer)
        late = self.tokens.maxsim(self.question_tokens, weights, slots.tolist())
        if (late > -1).all():
            return late
        pooled = self.pooled(slots) if self.pooled is not None else np.full(len(slots), -1.0, np.float32)
        offset, slope = WEIGHTS.late_of_pooled
        guess = np.where(pooled > -1, offset + slope * np.maximum(pooled, 0.0), by_words)
        return np.asarray(np.where(late > -1, late, guess), np.float32)


def _best_of(values: FloatArray, group: SlotArray) -> FloatArray:
    best = np.zeros(int(group.max(initial=-1)) + 1, np.float32)
    np.maximum.at(best, group, values)
    return best[group]
