"""What a study of memory reduction says: scores of questions and scenes by strategy and budget, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perstream.lab.kit.predictions import Json
from perstream.lab.metrics import interval


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, asked of a reduced memory."""

    recall5: float
    reciprocal_rank: float
    f1: float
    """Of the answer's words; a refusal has none."""
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
    freed: int = 0
    """Bytes that the reduction at the end of the period gave up."""

    @staticmethod
    def together(parts: Sequence[Held]) -> Held:
        """Their sum."""
        names = list(dict.fromkeys(name for held in parts for name in held.parts))
        return Held(
            sum(held.nbytes for held in parts),
            sum(held.memories for held in parts),
            {name: sum(held.parts.get(name, 0) for held in parts) for name in names},
            sum(held.freed for held in parts),
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

    def to_json(self) -> Json:
        """{"recall@5", "mrr", "f1", "answered", "n", "ci95"}."""
        out: Json = {"recall@5": round(self.recall5, 4), "mrr": round(self.mrr, 4)}
        out |= {"f1": round(self.f1, 4), "answered": round(self.answered, 4), "n": self.n}
        out["ci95"] = {key: [round(low, 4), round(high, 4)] for key, (low, high) in self.ci95.items()}
        return out


@dataclass(frozen=True, slots=True)
class Period:
    """The state at the end of one period."""

    scores: Means | None
    """Questions whose evidence had all come by then, and that the owner had not asked before; None: none was asked."""
    held: Held
    spoken: Json | None = None
    """Scores of speaking at the scenes (:func:`perstream.lab.kit.speaking.speaking`); None: none was met."""

    def to_json(self) -> Json:
        """Scores, ``bytes_held``, ``bytes_freed``, ``memories``, and ``proactive`` where scenes were met."""
        out: Json = self.scores.to_json() if self.scores is not None else {}
        out |= {"bytes_held": self.held.nbytes, "bytes_freed": self.held.freed, "memories": self.held.memories}
        return out | ({"proactive": self.spoken} if self.spoken is not None else {})


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

    def to_json(self) -> Json:
        """The end's scores and sizes at the top level, with the bytes freed by all reductions; the periods below."""
        out: Json = {"strategy": self.strategy, "budget": self.budget, **self.last.to_json()}
        out["bytes_freed"] = sum(period.held.freed for period in self.periods)
        out["granularities"] = dict(self.last.held.parts)
        if self.asked_before is not None:
            out["asked_before"] = self.asked_before.to_json()
        return out | {"by_period": [period.to_json() for period in self.periods]}


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
    backend: str = "builtin"
    modes: Sequence[str] = ("passive",)
    """What was scored: passive, proactive."""

    def to_json(self) -> Json:
        """{"dataset", "lives", "memories", "full_bytes", "periods", "backend", "modes", "note", "points"}."""
        return {
            "dataset": self.dataset,
            "lives": self.lives,
            "memories": self.memories,
            "full_bytes": self.full_bytes,
            "periods": self.periods,
            "backend": self.backend,
            "modes": list(self.modes),
            "note": self.note,
            "points": [point.to_json() for point in self.points],
        }

    def lines(self) -> list[str]:
        """Tables for people: questions, then scenes."""
        out = [
            f"{self.dataset}: {self.memories} memories of {self.lives} lives, {self.full_bytes / 1e6:.2f} MB, "
            f"{self.periods} periods, backend {self.backend}"
        ]
        for mode, table in (("passive", self._asked), ("proactive", self._met)):
            out += table() if mode in self.modes else []
        return [*out, self.note]

    def _asked(self) -> list[str]:
        out = [
            f"{'strategy':9} {'budget':>6}  {'recall@5 (95 %)':>20} {'MRR':>5}  {'F1 (95 %)':>20} "
            f"{'answered':>8} {_HEAD}"
        ]
        for point in self.points:
            scores = point.last.scores
            assert scores is not None
            out.append(
                f"{point.strategy:9} {point.budget:6.0%}  {_with_interval(scores, 'recall@5', scores.recall5):>20} "
                f"{scores.mrr:5.3f}  {_with_interval(scores, 'f1', scores.f1):>20} {scores.answered:8.2f} {_sizes(point)}"
            )
        return out

    def _met(self) -> list[str]:
        spoken = self.points[0].last.spoken if self.points else None
        if spoken is None:
            return []
        always = spoken["beside"]["always-speak"]["f1"]
        out = [
            f"words unasked, {spoken['n']} scenes, {spoken['hits'] + spoken['misses']} words due "
            f"(F1 of always speaking {_number(always)}, of always silent {_number(spoken['beside']['always-silent']['f1'])}):",
            f"{'strategy':9} {'budget':>6}  {'precision':>9} {'recall':>6} {'F1 (95 %)':>20} {'said':>5} {_HEAD}",
        ]
        for point in self.points:
            one = point.last.spoken or {}
            edges = one["f1_ci95"]
            f1 = _number(one["f1"]) + (f" ({edges[0]:.3f}-{edges[1]:.3f})" if edges else "")
            out.append(
                f"{point.strategy:9} {point.budget:6.0%}  {_number(one['precision']):>9} {_number(one['recall']):>6} "
                f"{f1:>20} {one['hits'] + one['false_alarms']:5} {_sizes(point)}"
            )
        return out


_HEAD = f"{'held MB':>8} {'freed MB':>8} {'memories':>8}  v_nearest/v_mean/v_M"


def _sizes(point: Point) -> str:
    held, freed = point.last.held, sum(period.held.freed for period in point.periods)
    parts = "/".join(str(held.parts.get(name, 0)) for name in ("v_nearest", "v_mean", "v_M"))
    return f"{held.nbytes / 1e6:8.2f} {freed / 1e6:8.2f} {held.memories:8}  {parts}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


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
