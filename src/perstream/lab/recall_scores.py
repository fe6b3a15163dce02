"""What an evaluation of recall says: means over questions, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perstream.lab.metrics import Ranking, interval, percentiles


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over questions."""

    recall: Mapping[int, float]
    """By k."""
    mrr: float
    ndcg: float
    """At 10."""
    n: int
    ci95: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Bootstrap over questions, by key of the JSON."""
    latency_p50_ms: float = 0.0
    latency_p95_ms: float = 0.0
    by_category: Mapping[str, Scores] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """{"recall@5", "recall@10", "mrr", "ndcg@10", "n", "by_category", "ci95", "latency_p50_ms", "latency_p95_ms"}."""
        out: dict[str, Any] = {f"recall@{k}": round(value, 4) for k, value in self.recall.items()}
        out |= {"mrr": round(self.mrr, 4), "ndcg@10": round(self.ndcg, 4), "n": self.n}
        out["ci95"] = {key: [round(low, 4), round(high, 4)] for key, (low, high) in self.ci95.items()}
        out |= {"latency_p50_ms": round(self.latency_p50_ms, 3), "latency_p95_ms": round(self.latency_p95_ms, 3)}
        out["by_category"] = {name: scores.to_json() for name, scores in self.by_category.items()}
        return out


@dataclass(frozen=True, slots=True)
class RecallEvaluation:
    """What came out."""

    dataset: str
    """``locomo`` or ``records``."""
    pool: str
    memories: int
    scores: Scores
    """All answerable questions: LoCoMo without its adversarial category."""
    baselines: Mapping[str, Scores]
    session_hit10: float | None = None
    """LoCoMo: share of questions with a gold's session among the ten that were found first."""
    wrong_person_auc: float | None = None
    """LoCoMo: how well the first result's score tells answerable from adversarial questions."""
    elsewhere_auc: float | None = None
    """How well it tells them from questions about somebody else's memories."""

    def to_json(self) -> dict[str, Any]:
        """The scores at the top level, with "baselines" and what is said of the dataset beside them."""
        out = {"dataset": self.dataset, "pool": self.pool, "memories": self.memories, **self.scores.to_json()}
        for key, value in (
            ("session_hit@10", self.session_hit10),
            ("wrong_person_auc", self.wrong_person_auc),
            ("elsewhere_auc", self.elsewhere_auc),
        ):
            if value is not None:
                out[key] = round(value, 4)
        out["baselines"] = {name: scores.to_json() for name, scores in self.baselines.items()}
        return out


def mean_scores(rankings: Sequence[Ranking], ks: tuple[int, ...], everything: Sequence[Ranking]) -> Scores:
    """Means of ``rankings``, and per category of ``everything``."""
    categories = {
        name: [r for r in everything if r.category == name] for name in sorted({r.category for r in everything})
    }
    values = {f"recall@{k}": [r.recall(k) for r in rankings] for k in ks}
    values |= {"mrr": [r.reciprocal_rank() for r in rankings], "ndcg@10": [r.ndcg() for r in rankings]}
    means = {key: float(np.mean(v)) if v else 0.0 for key, v in values.items()}
    p50, p95 = percentiles([r.latency_ms for r in rankings])
    return Scores(
        recall={k: means[f"recall@{k}"] for k in ks},
        mrr=means["mrr"],
        ndcg=means["ndcg@10"],
        n=len(rankings),
        ci95={key: interval(v) for key, v in values.items()},
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        by_category={} if everything is rankings and len(categories) < 2 else _by_category(categories, ks),
    )


def _by_category(categories: Mapping[str, Sequence[Ranking]], ks: tuple[int, ...]) -> dict[str, Scores]:
    return {name: mean_scores(members, ks, ()) for name, members in categories.items()}
