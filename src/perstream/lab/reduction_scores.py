"""What a study of memory reduction says: means over questions by strategy and budget, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perstream.lab.metrics import interval


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, asked of a reduced memory."""

    recall5: float
    reciprocal_rank: float
    f1: float
    """Of the extractive answer's words; a refusal has none."""
    answered: bool
    asked_before: bool = False
    """The owner asked it in this or an earlier period, which made its memories warm."""


@dataclass(frozen=True, slots=True)
class Held:
    """What all stores of the study hold together."""

    nbytes: int
    memories: int
    parts: Mapping[str, int]
    """Granularity to how many memories still have it."""

    @staticmethod
    def together(parts: Sequence[Held]) -> Held:
        """Their sum."""
        names = list(dict.fromkeys(name for held in parts for name in held.parts))
        return Held(
            sum(held.nbytes for held in parts),
            sum(held.memories for held in parts),
            {name: sum(held.parts.get(name, 0) for held in parts) for name in names},
        )


@dataclass(frozen=True, slots=True)
class Means:
    """Means over questions."""

    recall5: float
    mrr: float
    f1: float
    answered: float
    n: int
    ci95: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """{"recall@5", "mrr", "f1", "answered", "n", "ci95"}."""
        out: dict[str, Any] = {"recall@5": round(self.recall5, 4), "mrr": round(self.mrr, 4)}
        out |= {"f1": round(self.f1, 4), "answered": round(self.answered, 4), "n": self.n}
        out["ci95"] = {key: [round(low, 4), round(high, 4)] for key, (low, high) in self.ci95.items()}
        return out


@dataclass(frozen=True, slots=True)
class Period:
    """The state at the end of one period."""

    scores: Means
    """Questions whose evidence had all come by then, and that the owner had not asked before."""
    held: Held


@dataclass(frozen=True, slots=True)
class Point:
    """One strategy at one budget."""

    strategy: str
    budget: float
    """Share of the full stores' bytes."""
    periods: Sequence[Period]
    asked_before: Means | None
    """At the end, of questions the owner had asked before; None where heat plays no part."""

    @property
    def last(self) -> Period:
        """The end: every question counts."""
        return self.periods[-1]

    def to_json(self) -> dict[str, Any]:
        """The end's scores and sizes at the top level, the periods below."""
        out: dict[str, Any] = {"strategy": self.strategy, "budget": self.budget, **self.last.scores.to_json()}
        out |= {"bytes_held": self.last.held.nbytes, "memories": self.last.held.memories}
        out["granularities"] = dict(self.last.held.parts)
        if self.asked_before is not None:
            out["asked_before"] = self.asked_before.to_json()
        out["by_period"] = [
            {**p.scores.to_json(), "bytes_held": p.held.nbytes, "memories": p.held.memories} for p in self.periods
        ]
        return out


@dataclass(frozen=True, slots=True)
class ReductionEvaluation:
    """What came out."""

    dataset: str
    lives: int
    memories: int
    full_bytes: int
    periods: int
    points: Sequence[Point]
    note: str

    def to_json(self) -> dict[str, Any]:
        """{"dataset", "lives", "memories", "full_bytes", "periods", "note", "points"}."""
        return {
            "dataset": self.dataset,
            "lives": self.lives,
            "memories": self.memories,
            "full_bytes": self.full_bytes,
            "periods": self.periods,
            "note": self.note,
            "points": [point.to_json() for point in self.points],
        }

    def lines(self) -> list[str]:
        """A table for people."""
        out = [
            f"{self.dataset}: {self.memories} memories of {self.lives} lives, {self.full_bytes / 1e6:.2f} MB, "
            f"{self.periods} periods",
            f"{'strategy':9} {'budget':>6}  {'recall@5 (95 %)':>20} {'MRR':>5}  {'F1 (95 %)':>20} "
            f"{'answered':>8} {'held MB':>8} {'memories':>8}  v_nearest/v_mean/v_M",
        ]
        for point in self.points:
            scores, held = point.last.scores, point.last.held
            parts = "/".join(str(held.parts.get(name, 0)) for name in ("v_nearest", "v_mean", "v_M"))
            out.append(
                f"{point.strategy:9} {point.budget:6.0%}  {_with_interval(scores, 'recall@5', scores.recall5):>20} "
                f"{scores.mrr:5.3f}  {_with_interval(scores, 'f1', scores.f1):>20} {scores.answered:8.2f} "
                f"{held.nbytes / 1e6:8.2f} {held.memories:8}  {parts}"
            )
        return [*out, self.note]


def means_of(outcomes: Sequence[Outcome]) -> Means:
    """Means with bootstrap intervals over questions."""
    values = {
        "recall@5": [o.recall5 for o in outcomes],
        "mrr": [o.reciprocal_rank for o in outcomes],
        "f1": [o.f1 for o in outcomes],
        "answered": [float(o.answered) for o in outcomes],
    }
    mean = {key: float(np.mean(v)) if v else 0.0 for key, v in values.items()}
    return Means(
        recall5=mean["recall@5"],
        mrr=mean["mrr"],
        f1=mean["f1"],
        answered=mean["answered"],
        n=len(outcomes),
        ci95={key: interval(values[key]) for key in ("recall@5", "mrr", "f1")},
    )


def _with_interval(scores: Means, key: str, value: float) -> str:
    low, high = scores.ci95[key]
    return f"{value:.3f} ({low:.3f}-{high:.3f})"
