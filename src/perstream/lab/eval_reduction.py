"""Evaluation of memory reduction: what recall, answers and words unasked lose when memory must fit a budget.

Memories come over several periods; after each one the store is brought down to the budget, by the code that
ships (NSBG, GSBN) or by forgetting whole memories (the oldest, or random ones). Then it is asked about everything that
came so far, and shown every scene whose sample's memories have come, by the parts of the daemon that answer and that
speak up. The budget is a share of the bytes that the memories' parts take unreduced at the end, the same
in every period, as a device's memory is.

Heat is what NSBG and GSBN go by, and visits make it. Asking the same questions again would tell them the
exam. So half of the questions are the owner's: asked at the end of each period, before the reduction. The
other half, never asked before, is scored; then the halves change places. The scores are over all questions, each
asked for the first time; those of the owner's own are given beside them. Scenes leave no visits, and are met once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from perstream.config import Config
from perstream.errors import BackendUnavailable, ConfigError
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.kit.evaluate import model_settings
from perstream.lab.kit.journal import Journal, fingerprint
from perstream.lab.kit.speaking import speaking
from perstream.lab.kit.workers import run_all
from perstream.lab.lives import Life, read_dataset, read_lives
from perstream.lab.reduction_scores import Held, Period, Point, ReductionEvaluation, means_of
from perstream.lab.reduction_study import Ended, Run, Study
from perstream.models.builtin import BuiltinGenerator
from perstream.protocols import Backend

Strategy = Literal["nsbg", "gsbn", "oldest", "random"]
STRATEGIES: tuple[Strategy, ...] = ("nsbg", "gsbn", "oldest", "random")
MODES = ("passive", "proactive", "both")
BUDGETS = (1.0, 0.5, 0.25, 0.1, 0.05)
NOTE = (
    "v_mean and v_nearest are random vectors of the builtin encoder's size (text has no pictures): they weigh, but "
    "nothing looks at them. "
)
PASSIVE_NOTE = (
    "Scores are of questions never asked before; asked_before are those whose memories the owner's own asking warmed. "
)
PROACTIVE_NOTE = "Scenes are the records' captions, an annotator's words: nothing is seen. They leave no visits behind."


def evaluate_reduction(
    dataset: Path,
    budgets: Sequence[float],
    strategies: Sequence[str],
    periods: int,
    backend: Backend,
    config: Config,
    *,
    mode: str = "both",
    out: Path | None = None,
    workers: int = 1,
    cache: Path | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> ReductionEvaluation:
    """Measure on a dataset file. With ``out``, results are kept there as they come, and an interrupted run goes on.

    The unreduced store is always measured; it is every strategy's point at budget 1. ``cache`` keeps embeddings. Raises
    NotFound for a missing file, ConfigError for one that cannot be used and for settings out of range,
    BackendUnavailable when the model could not be asked.
    """
    unknown = [name for name in strategies if name not in STRATEGIES]
    if unknown:
        raise ConfigError(f"no strategy {unknown[0]!r}: {', '.join(STRATEGIES)}")
    if mode not in MODES:
        raise ConfigError(f"no mode {mode!r}: {', '.join(MODES)}")
    if periods < 1 or not budgets or not all(0 < share <= 1 for share in budgets):
        raise ConfigError("there is at least one period, and budgets are shares above 0, at most 1")
    data = read_dataset(dataset)
    with ExitStack() as stack:
        cached = stack.enter_context(CachedEmbedder(backend.embedder, cache))
        name, lives = read_lives(data, cached)
        lives, modes = scored(lives, mode)
        told = replace(backend, embedder=cached)
        if isinstance(backend.generator, BuiltinGenerator):  # it embeds the same sentences for every question anew
            told = replace(told, generator=BuiltinGenerator(cached, config.backend.answer_threshold))
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perstream-eval-")))
        digest = _digest(data, periods, seed, modes, backend, config)
        journal = stack.enter_context(Journal(folder / f"reduction-{digest[:16]}.jsonl", digest))
        study = Study(lives, periods, told, config, modes, seed)

        def done(runs: Sequence[Run], title: str) -> Mapping[str, list[Ended]]:
            summary = run_all(
                runs, lambda run: run.key, study.play, journal, workers=workers, title=title, progress=progress
            )
            if summary.failed:
                kept = "; the same command goes on from there" if out is not None else ""
                raise BackendUnavailable(f"{len(summary.failed)} parts failed: {summary.failed[0][1]}{kept}")
            return {run.key: [Ended.of_json(one) for one in journal[run.key]] for run in runs}

        bare = [Run(i, "none", 1.0) for i in range(len(lives))]
        unreduced = done(bare, "unreduced")
        full = _point("none", 1.0, [[unreduced[run.key] for run in bare]], modes)
        allowed = [unreduced[run.key][-1].held.nbytes for run in bare]
        plan = {
            (strategy, share): [
                [Run(i, strategy, share, int(allowed[i] * share), half) for i in range(len(lives))]
                for half in ((0, 1) if strategy in ("nsbg", "gsbn") else (None,))
                if half != 1 or "passive" in modes
            ]
            for strategy in dict.fromkeys(strategies)
            for share in sorted(set(budgets), reverse=True)
            if share != 1.0
        }
        ended = done([run for halves in plan.values() for runs in halves for run in runs], "reduced")
        points = []
        for strategy in dict.fromkeys(strategies):
            if 1.0 in budgets:
                points.append(replace(full, strategy=strategy))
            for (of, share), halves in plan.items():
                if of == strategy:
                    found = [[ended[run.key] for run in runs] for runs in halves]
                    points.append(_point(strategy, share, found, modes))
    return ReductionEvaluation(
        dataset=name,
        lives=len(lives),
        memories=sum(len(life.news) for life in lives),
        full_bytes=sum(allowed),
        periods=periods,
        points=points,
        note=(NOTE + PASSIVE_NOTE * ("passive" in modes) + PROACTIVE_NOTE * ("proactive" in modes)).strip(),
        backend=backend.name,
        modes=tuple(sorted(modes)),
    )


def scored(lives: Iterable[Life], mode: str) -> tuple[tuple[Life, ...], frozenset[str]]:
    """The lives that have what the mode scores, and what that is: passive, proactive. ConfigError when nothing is there."""
    lives = tuple(lives)
    there = {"passive": any(life.questions for life in lives), "proactive": any(life.moments for life in lives)}
    modes = frozenset(one for one, has in there.items() if has and mode in (one, "both"))
    if not modes:
        raise ConfigError(
            "the dataset has no proactive sample"
            if mode == "proactive"
            else "the dataset has no question whose evidence is among its memories"
        )
    return tuple(life for life in lives if life.questions or ("proactive" in modes and life.moments)), modes


def _digest(data: Any, periods: int, seed: int, modes: frozenset[str], backend: Backend, config: Config) -> str:
    """All that decides what one life does under one strategy and budget."""
    settings = {"backend": backend.name, "model": model_settings(config), "proactive": asdict(config.proactive)}
    return fingerprint("reduction", data, periods, seed, sorted(modes), settings)


def _point(strategy: str, share: float, halves: Sequence[Sequence[list[Ended]]], modes: frozenset[str]) -> Point:
    """All lives under one strategy and budget, by halves of their questions."""
    periods = []
    for i in range(len(halves[0][0])):
        ended = [life[i] for lives in halves for life in lives]
        fresh = [o for one in ended for o in one.outcomes if not o.asked_before]
        words = [word for one in ended for word in one.words]
        # The two halves end with nearly the same: the first is told of.
        held = Held.together([life[i].held for life in halves[0]])
        scores = means_of(fresh) if "passive" in modes else None
        periods.append(Period(scores, held, speaking(words) if "proactive" in modes else None))
    again = [o for lives in halves for life in lives for o in life[-1].outcomes if o.asked_before]
    warmed = "passive" in modes and strategy in ("nsbg", "gsbn")
    return Point(strategy, share, periods, means_of(again) if warmed else None)
