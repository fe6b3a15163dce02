"""What an evaluation of answers says: word overlap with gold answers, and whether refusals are right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perstream.lab.metrics import interval, percentiles

_ARTICLES = frozenset({"a", "an", "the"})
MAX_WORDS = 400
"""Of a text compared: ROUGE-L's table is this wide at most."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question asked."""

    gold: str | None
    """None: nothing in memory answers it, it is to be refused."""
    answer: str | None
    """None: refused."""
    category: str = ""
    on_gold: bool | None = None
    """Whether the evidence names a memory that holds the answer; None where that is not known or it was refused."""
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """Means over the questions that have an answer; a refusal scores 0."""

    f1: float
    rouge_l: float
    gold_words: float
    """Share of the gold's words that the answer holds: not lowered by saying where it comes from."""
    answered: float
    """Share that was not refused."""
    f1_answered: float
    """Mean over those that were answered."""
    on_gold: float | None
    """Share of the answers whose evidence names a gold memory."""
    n: int
    ci95: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    latency_p50_ms: float = 0.0
    latency_p95_ms: float = 0.0
    by_category: Mapping[str, AnswerScores] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """{"f1", "rouge_l", "gold_words", "answered", "f1_answered", "evidence_on_gold", "n", "ci95", "latency_…", "by_category"}."""
        out: dict[str, Any] = {"f1": round(self.f1, 4), "rouge_l": round(self.rouge_l, 4)}
        out["gold_words"] = round(self.gold_words, 4)
        out |= {"answered": round(self.answered, 4), "f1_answered": round(self.f1_answered, 4)}
        if self.on_gold is not None:
            out["evidence_on_gold"] = round(self.on_gold, 4)
        out["n"] = self.n
        out["ci95"] = {key: [round(low, 4), round(high, 4)] for key, (low, high) in self.ci95.items()}
        out |= {"latency_p50_ms": round(self.latency_p50_ms, 3), "latency_p95_ms": round(self.latency_p95_ms, 3)}
        out["by_category"] = {name: scores.to_json() for name, scores in self.by_category.items()}
        return out


@dataclass(frozen=True, slots=True)
class Refusals:
    """How well refusing tells questions without an answer from those with one."""

    precision: float
    """Share of all refusals that were right."""
    recall: float
    """Share of the questions without an answer that were refused."""
    n: int
    """Questions without an answer."""
    ci95: tuple[float, float]
    """Of the recall."""

    def to_json(self) -> dict[str, Any]:
        """{"precision", "recall", "n", "ci95"}."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "n": self.n,
            "ci95": {"recall": [round(edge, 4) for edge in self.ci95]},
        }


@dataclass(frozen=True, slots=True)
class AnswerEvaluation:
    """What came out."""

    dataset: str
    """``locomo`` or ``records``."""
    pool: str
    memories: int
    scores: AnswerScores
    refusals: Mapping[str, Refusals]
    """``adversarial`` (LoCoMo's own) and ``never_seen`` (somebody else's questions)."""
    baselines: Mapping[str, AnswerScores]

    def to_json(self) -> dict[str, Any]:
        """The scores at the top level, with "abstention" and "baselines" beside them."""
        out = {"dataset": self.dataset, "pool": self.pool, "memories": self.memories, **self.scores.to_json()}
        out["abstention"] = {name: refusals.to_json() for name, refusals in self.refusals.items()}
        out["baselines"] = {name: scores.to_json() for name, scores in self.baselines.items()}
        return out


def score_answers(outcomes: Sequence[Outcome], categories: bool = True) -> AnswerScores:
    """Means over the outcomes that have a gold answer."""
    asked = [one for one in outcomes if one.gold is not None]
    f1 = [token_f1(one.answer or "", one.gold or "") for one in asked]
    rouge = [rouge_l(one.answer or "", one.gold or "") for one in asked]
    held = [word_recall(one.answer or "", one.gold or "") for one in asked]
    given = [float(one.answer is not None) for one in asked]
    of_given = [value for value, one in zip(f1, asked, strict=True) if one.answer is not None]
    grounded = [float(one.on_gold) for one in asked if one.answer is not None and one.on_gold is not None]
    p50, p95 = percentiles([one.latency_ms for one in asked])
    names = sorted({one.category for one in asked}) if categories else []
    return AnswerScores(
        f1=_mean(f1),
        rouge_l=_mean(rouge),
        gold_words=_mean(held),
        answered=_mean(given),
        f1_answered=_mean(of_given),
        on_gold=_mean(grounded) if grounded else None,
        n=len(asked),
        ci95={
            "f1": interval(f1),
            "rouge_l": interval(rouge),
            "gold_words": interval(held),
            "answered": interval(given),
        },
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        by_category={name: score_answers([one for one in asked if one.category == name], False) for name in names},
    )


def score_refusals(answerable: Sequence[Outcome], unanswerable: Sequence[Outcome]) -> Refusals | None:
    """Precision and recall of refusing; None without questions to refuse."""
    if not unanswerable:
        return None
    right = [float(one.answer is None) for one in unanswerable]
    wrong = sum(one.answer is None for one in answerable)
    refused = sum(right) + wrong
    return Refusals(sum(right) / refused if refused else 0.0, _mean(right), len(right), interval(right))


def token_f1(answer: str, gold: str) -> float:
    """Harmonic mean of the shares of shared words (Rajpurkar et al., EMNLP 2016); articles and case do not count."""
    said, wanted = _words(answer), _words(gold)
    if not said or not wanted:
        return float(said == wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted))


def word_recall(answer: str, gold: str) -> float:
    """Share of the gold's words that the answer holds."""
    said, wanted = Counter(_words(answer)), Counter(_words(gold))
    return sum((said & wanted).values()) / max(1, sum(wanted.values()))


def rouge_l(answer: str, gold: str) -> float:
    """F-measure of the longest common subsequence of words (Lin, ACL 2004)."""
    said, wanted = _words(answer), _words(gold)
    if not said or not wanted:
        return float(said == wanted)
    row = [0] * (len(wanted) + 1)
    for word in said:
        before = 0
        for j, other in enumerate(wanted, start=1):
            before, row[j] = row[j], before + 1 if word == other else max(row[j], row[j - 1])
    return 2 * row[-1] / (len(said) + len(wanted))


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text.lower()) if word not in _ARTICLES][:MAX_WORDS]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
