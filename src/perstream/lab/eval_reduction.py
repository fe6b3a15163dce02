"""Evaluation of memory reduction: what recall and answers lose when memory must fit a budget.

Memories come over several periods; after each one the store is brought down to the budget, by the code that
ships (NSBG, GSBN) or by forgetting whole memories (the oldest, or random ones), and is asked about everything
that came so far. The budget is a share of the bytes that the memories' parts take unreduced at the end, the same
in every period, as a device's memory is.

Heat is what NSBG and GSBN go by, and visits make it. Asking the same questions again would tell them the
exam. So half of the questions are the owner's: asked at the end of each period, before the reduction. The
other half, never asked before, is scored; then the halves change places. The scores are over all questions, each
asked for the first time; those of the owner's own are given beside them.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from perstream.config import Config, MemoryConfig
from perstream.errors import ConfigError
from perstream.lab.answer_scores import token_f1
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.lives import Life, LifeQuestion, read_dataset, read_lives
from perstream.lab.metrics import Ranking, ranks_of
from perstream.lab.reduction_scores import Held, Outcome, Period, Point, ReductionEvaluation, means_of
from perstream.memory.memory import Memory
from perstream.models.builtin_answer import BuiltinAnswerer
from perstream.protocols import AnswerRequest, TextEmbedder
from perstream.types import Hit, Query, Selector

Strategy = Literal["nsbg", "gsbn", "oldest", "random"]
STRATEGIES: tuple[Strategy, ...] = ("nsbg", "gsbn", "oldest", "random")
BUDGETS = (1.0, 0.5, 0.25, 0.1, 0.05)
DEPTH = 50
"""Results looked at per question: MRR counts no gold beyond."""
READ = 10
"""Memories the answer is made from, as for a user with the default settings."""
EVERYTHING = 1 << 60
NOTE = (
    "v_mean and v_nearest are random vectors of the true size (text has no pictures): they weigh, but say nothing. "
    "Scores are of questions never asked before; asked_before are those whose memories the owner's own asking warmed."
)


def evaluate_reduction(
    dataset: Path,
    budgets: Sequence[float] = BUDGETS,
    strategies: Sequence[str] = STRATEGIES,
    periods: int = 4,
    embedder: TextEmbedder | None = None,
    *,
    cache: Path | None = None,
    seed: int = 0,
) -> ReductionEvaluation:
    """Measure on a dataset file. ``embedder`` None is the builtin one; ``cache`` keeps embeddings between runs.

    The unreduced store is always measured; it is every strategy's point at budget 1. Raises NotFound for a missing
    file, ConfigError for one that cannot be used and for settings out of range.
    """
    unknown = [name for name in strategies if name not in STRATEGIES]
    if unknown:
        raise ConfigError(f"no strategy {unknown[0]!r}: {', '.join(STRATEGIES)}")
    if periods < 1 or not budgets or not all(0 < share <= 1 for share in budgets):
        raise ConfigError("there is at least one period, and budgets are shares above 0, at most 1")
    data = read_dataset(dataset)
    if embedder is None:
        from perstream.models.minilm import MiniLM

        embedder = MiniLM()
    with CachedEmbedder(embedder, cache) as cached:
        name, lives = read_lives(data, cached)
        study = _Study(lives, periods, cached, seed)
        full = study.point("none", 1.0, {})
        allowed = {life.name: held.nbytes for life, held in zip(lives, study.last_held, strict=True)}
        points: list[Point] = []
        for strategy in strategies:
            for share in sorted(set(budgets), reverse=True):
                if share == 1.0:
                    points.append(replace(full, strategy=strategy))
                else:
                    points.append(study.point(strategy, share, {k: int(v * share) for k, v in allowed.items()}))
    return ReductionEvaluation(
        dataset=name,
        lives=len(lives),
        memories=sum(len(life.news) for life in lives),
        full_bytes=sum(allowed.values()),
        periods=periods,
        points=points,
        note=NOTE,
    )


@dataclass(slots=True)
class _Ended:
    """One life at the end of one period."""

    outcomes: list[Outcome]
    held: Held


class _Study:
    """Runs lives against budgets."""

    def __init__(self, lives: Sequence[Life], periods: int, embedder: CachedEmbedder, seed: int) -> None:
        self._lives = lives
        self._periods = periods
        self._embedder = embedder
        self._seed = seed
        self._answerer = BuiltinAnswerer(embedder, Config().backend.answer_threshold)
        self.last_held: list[Held] = []
        """Of the last point's lives, at the end."""

    def point(self, strategy: str, share: float, allowed: dict[str, int]) -> Point:
        """All lives under one strategy and budget; ``allowed`` is bytes by life, empty for no limit."""
        by_heat = strategy in ("nsbg", "gsbn")
        halves = (0, 1) if by_heat else (None,)
        runs = [[self._live(life, strategy, allowed.get(life.name), half) for life in self._lives] for half in halves]
        periods = []
        for i in range(self._periods):
            ended = [run[i] for lives in runs for run in lives]
            fresh = [o for one in ended for o in one.outcomes if not o.asked_before]
            # The two halves end with nearly the same: the first is told of.
            periods.append(Period(means_of(fresh), Held.together([run[i].held for run in runs[0]])))
        again = [o for lives in runs for run in lives for o in run[-1].outcomes if o.asked_before]
        self.last_held = [run[-1].held for run in runs[0]]
        return Point(strategy, share, periods, means_of(again) if by_heat else None)

    def _live(self, life: Life, strategy: str, allowed: int | None, half: int | None) -> list[_Ended]:
        """One life from its first period to its last; the owner asks every second question, from ``half`` on."""
        config = MemoryConfig()
        out: list[_Ended] = []
        with (
            tempfile.TemporaryDirectory(prefix="perstream-eval-") as folder,
            Memory.open(Path(folder), config, self._embedder.embed) as memory,
        ):
            places: dict[int, int] = {}
            begin = 0
            for end in life.ends(self._periods):
                records = memory.remember_all(life.news[begin:end])
                places.update({record.id: begin + i for i, record in enumerate(records)})
                begin = end
                asked = [(i % 2 == half, q) for i, q in enumerate(life.questions) if max(q.golds) < end]
                for before, question in asked:
                    if before:
                        self._recall(memory, question, life, end, Config().memory.top_k)
                if allowed is not None:
                    self._reduce(memory, strategy, allowed)
                # Measured through another door: reading alone leaves no visits behind.
                with Memory.open(Path(folder), config, self._embedder.embed, read_only=True) as readers:
                    outcomes = [self._ask(readers, q, life, end, places, before) for before, q in asked]
                out.append(_Ended(outcomes, held_by(memory)))
        return out

    def _reduce(self, memory: Memory, strategy: str, allowed: int) -> None:
        """Bring a store within its budget."""
        plan = memory.reduce(EVERYTHING, "gsbn", dry_run=True)
        excess = plan.freed - allowed
        if excess <= 0:
            return
        if strategy in ("nsbg", "gsbn"):
            memory.reduce(excess, cast("Literal['nsbg', 'gsbn']", strategy))
            return
        sizes: dict[int, int] = {}
        for item in plan.items:
            sizes[item.memory_id] = sizes.get(item.memory_id, 0) + item.nbytes
        order = sorted(sizes)  # ids grow with time
        if strategy == "random":
            random.Random(self._seed + len(order)).shuffle(order)
        gone: list[int] = []
        for one in order:
            if excess <= 0:
                break
            gone.append(one)
            excess -= sizes[one]
        memory.forget(Selector(ids=tuple(gone)))

    def _recall(self, memory: Memory, question: LifeQuestion, life: Life, end: int, k: int) -> list[Hit]:
        vectors = self._embedder.embed_tokens(memory.to_embed(question.text))
        return memory.recall(Query(text=question.text, vectors=vectors, now=life.now(end), k=k))

    def _ask(
        self, memory: Memory, question: LifeQuestion, life: Life, end: int, places: dict[int, int], before: bool
    ) -> Outcome:
        """Recall and answer, scored."""
        hits = self._recall(memory, question, life, end, DEPTH)
        found = ranks_of([places[hit.memory.id] for hit in hits], question.golds)
        ranking = Ranking(found, len(question.golds))
        request = AnswerRequest(
            question.text, tuple(hits[:READ]), life.now(end), self._embedder.embed_tokens(question.text)
        )
        answer = self._answerer.answer(request, lambda _: None, lambda: False) if hits else None
        text = answer.text if answer is not None and answer.memory_ids else None
        f1 = token_f1(text, question.answer) if text else 0.0
        return Outcome(ranking.recall(5), ranking.reciprocal_rank(), f1, text is not None, before)


def held_by(memory: Memory) -> Held:
    """Bytes and parts that a store holds, as reduction counts them (pinned memories apart)."""
    plan = memory.reduce(EVERYTHING, "gsbn", dry_run=True)
    parts: dict[str, int] = {}
    for item in plan.items:
        parts[item.granularity.value] = parts.get(item.granularity.value, 0) + 1
    return Held(plan.freed, memory.count(), parts)
