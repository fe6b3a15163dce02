"""Passive and proactive evaluation: every sample through the assistant that ships, one record each, resumable."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from perstream.config import Config
from perstream.errors import ConfigError
from perstream.jsonlines import plain
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.kit.cases import Case, Suite
from perstream.lab.kit.journal import Journal, fingerprint
from perstream.lab.kit.predictions import Json, Shard, write_predictions
from perstream.lab.kit.stage import Held, Stage
from perstream.lab.kit.strategies import STRATEGIES
from perstream.lab.kit.triplets import KnownTriplets
from perstream.lab.kit.views import Views
from perstream.lab.kit.workers import Summary, run_all
from perstream.protocols import Backend
from perstream.types import Evidence

BASELINES = ("always-silent", "always-speak")
LETTERS = "ABCDEFGHIJ"
ALL = Shard()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate and how."""

    mode: Literal["passive", "proactive"]
    name: str
    """Of the dataset: folders are ``<name>_passive/<strategy>`` and ``<name>_proactive/<strategy>``."""
    out: Path
    """OUTPUT_BASE_DIR."""
    strategy: str = "perstream"
    baseline: str | None = None
    """Of BASELINES, for the proactive mode; nothing is generated then."""
    memory_only: bool = False
    video_dir: Path | None = None
    max_frames: int = 8
    before_s: float = 8.0
    after_s: float = 0.0
    split: str = ""
    """Empty: all."""
    limit: int = 0
    """0: all."""
    shard: Shard = ALL
    workers: int = 1
    fresh: bool = False
    command: str = ""
    """As it was called, without secrets: none is ever an option."""

    @property
    def folder(self) -> Path:
        """Where its files go."""
        return self.out / f"{self.name}_{self.mode}" / (self.baseline or self.strategy)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of it."""

    path: Path
    records: int
    summary: Summary

    def lines(self) -> list[str]:
        """For people."""
        failed = [f"  {key}: {error}" for key, error in self.summary.failed[:10]]
        more = len(self.summary.failed) - len(failed)
        if more > 0:
            failed.append(f"  and {more} more")
        return [*([f"{len(self.summary.failed)} samples failed:", *failed] if failed else []), f"wrote {self.path}"]


def chosen(suite: Suite, plan: Plan) -> list[Case]:
    """The cases of the mode, split, shard and limit. ConfigError when there are none, with what there is."""
    cases = [case for case in suite.cases if case.passive == (plan.mode == "passive")]
    if not cases:
        raise ConfigError(f"the dataset has no {plan.mode} samples")
    if plan.split:
        splits = sorted({case.split for case in cases if case.split})
        cases = [case for case in cases if case.split == plan.split]
        if not cases:
            raise ConfigError(f"no {plan.mode} sample is of split {plan.split!r}; there are: {', '.join(splits)}")
    cases = plan.shard.of(cases[: plan.limit] if plan.limit else cases)
    if not cases:
        raise ConfigError(f"shard {plan.shard.number}/{plan.shard.count} holds no sample: use fewer shards")
    return cases


def check(plan: Plan) -> None:
    """ConfigError for settings that contradict each other."""
    if plan.strategy not in STRATEGIES:
        raise ConfigError(f"no memory strategy {plan.strategy!r}: {', '.join(STRATEGIES)}")
    if plan.baseline is not None and plan.baseline not in BASELINES:
        raise ConfigError(f"no baseline {plan.baseline!r}: {' or '.join(BASELINES)}")
    if plan.baseline is not None and plan.mode != "proactive":
        raise ConfigError("a baseline that is always silent or always speaks is one of the proactive mode")
    if plan.memory_only and plan.video_dir is not None:
        raise ConfigError("--memory-only looks at no video: leave out --video-dir (VIDEO_DIR)")


def evaluate(
    suite: Suite,
    plan: Plan,
    backend: Backend,
    config: Config,
    *,
    progress: Callable[[str], None] | None = None,
) -> Evaluated:
    """Run what an earlier run has not done yet, and write pred.json and run.json.

    ConfigError before anything is run for what cannot be: missing videos, an empty choice, results of other settings.
    """
    check(plan)
    cases = chosen(suite, plan)
    looks = not plan.memory_only and not plan.baseline and any(case.video for case in cases)
    if looks and plan.video_dir is None:
        raise ConfigError("the samples have videos: set VIDEO_DIR (--video-dir), or evaluate with --memory-only")
    settings = _settings(suite, plan, config, backend, looks)
    journal_path = plan.folder / f"pred{plan.shard.suffix}.jsonl"
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(journal_path, fingerprint(settings), fresh=plan.fresh))
        left = [case for case in cases if case.id not in journal]
        views = None
        if looks and plan.video_dir is not None:
            views = Views(plan.video_dir, left, plan.before_s, plan.after_s, plan.max_frames)
        cache = plan.out / ".cache"
        embedder = stack.enter_context(CachedEmbedder(backend.embedder, cache / "embeddings"))
        triplets = stack.enter_context(KnownTriplets(backend, cache, settings["model"]))
        told = replace(backend, embedder=embedder, triplets=triplets)
        stage = Stage(told, config, plan.strategy, plan.max_frames)
        player = _Player(suite, plan, stage, views, stack)
        summary = run_all(
            cases,
            lambda case: case.id,
            player.play,
            journal,
            workers=plan.workers,
            title=f"{plan.mode} {plan.baseline or plan.strategy}",
            progress=progress,
        )
        values = journal.values
    records = [values[case.id] for case in cases if case.id in values]
    run = {"command": plan.command, "dataset": suite.kind, **settings, "samples": len(records)}
    run |= {"failed": len(summary.failed), "wall_s": round(summary.wall_s, 2), "fallbacks": dict(backend.fell_back())}
    run |= {"sent": plain(backend.sent())}
    return Evaluated(write_predictions(plan.folder, plan.shard, records, run), len(records), summary)


def _settings(suite: Suite, plan: Plan, config: Config, backend: Backend, looks: bool) -> Json:
    """All that decides a record; also what a reader of the results must know."""
    pools = fingerprint(
        [asdict(case) for case in suite.cases], {k: [asdict(t) for t in v] for k, v in suite.pools.items()}
    )
    brain = {
        k: v for k, v in asdict(config.backend).items() if k not in ("base_url", "request_timeout_s", "request_retries")
    }
    window: Json = {"max_frames": plan.max_frames, "before_s": plan.before_s, "after_s": plan.after_s}
    return {
        "mode": plan.mode,
        "name": plan.name,
        "strategy": plan.strategy,
        "baseline": plan.baseline,
        "memory_only": not looks,
        "window": window if looks else None,
        "backend": backend.name,
        "model": brain,
        "memory": asdict(config.memory),
        "proactive": asdict(config.proactive),
        "data": pools,
    }


class _Player:
    """Plays cases; stores of pools that several cases share are made once and kept."""

    def __init__(self, suite: Suite, plan: Plan, stage: Stage, views: Views | None, stack: ExitStack) -> None:
        self._suite, self._plan, self._stage, self._views, self._stack = suite, plan, stage, views, stack
        self._lock = threading.Lock()
        self._kept: dict[str, Held] = {}
        users = [case.pool for case in suite.cases]
        self._shared = views is None and len(users) > len(set(users)) and plan.baseline != "always-silent"

    def play(self, case: Case) -> Json:
        """One sample's record."""
        if self._plan.baseline == "always-silent":
            return _record(case, None, (), {"total": 0.0}, {"strategy": "always-silent", "count": 0, "bytes": 0})
        looked = time.perf_counter()
        looks = self._views.of(case) if self._views is not None and case.video else ()
        seen = time.perf_counter()
        percepts = self._stage.perceive(case, looks) if looks else []
        perceived = time.perf_counter()
        with self._store(case) as held:
            latency = {"store": held.took_ms, "view": (seen - looked) * 1e3, "perceive": (perceived - seen) * 1e3}
            memory = {"strategy": self._plan.strategy, "count": held.count, "bytes": held.nbytes}
            if self._plan.baseline == "always-speak":
                return _record(case, self._stage.best(case, held.memory), (), latency, memory)
            if case.passive:
                reply = self._stage.ask(case, asked(case), held.memory, percepts)
                latency |= reply.timings_ms
                return _record(case, reply.answer, reply.evidence, latency, memory) | {"abstained": reply.abstained}
            started = time.perf_counter()
            words = self._stage.watch(case, held.memory, percepts)
            latency["total"] = (time.perf_counter() - started) * 1e3
            first = words[0] if words else None
            more: Json = {"spoken_at_s": round(first.at_s, 3) if first and percepts else None, "words": len(words)}
            return _record(case, first.text if first else None, first.evidence if first else (), latency, memory) | more

    def _store(self, case: Case) -> Any:
        pool = self._suite.pools.get(case.pool, ())
        if not self._shared:
            return self._stage.store(pool)
        with self._lock:
            if case.pool not in self._kept:  # closed at the end of the run
                self._kept[case.pool] = self._stack.enter_context(self._stage.store(pool))
            return nullcontext(self._kept[case.pool])


def asked(case: Case) -> str:
    """The question with its options, where it has any."""
    if not case.options:
        return case.question
    options = [f"{LETTERS[i]}. {text}" for i, text in enumerate(case.options)]
    return "\n".join([case.question, *options, "Answer with the letter of the right option, then its words."])


def _record(case: Case, pred: str | None, evidence: Sequence[Evidence], latency: Json, memory: Json) -> Json:
    known = [{"memory_id": e.memory_id, "text": e.caption, "score": round(e.score, 4)} for e in evidence]
    if case.golds:
        known = [{**one, "gold": one["text"] in case.golds} for one in known]
    out: Json = {
        "id": case.id,
        "type": "passive" if case.passive else "proactive",
        "question": case.question,
        "answer": case.gold,
        "pred": pred,
        "evidence": known,
        "latency": {name: round(float(ms), 3) for name, ms in latency.items()},
        "memory": memory,
        "participant": case.participant,
        "category": case.category,
        "split": case.split,
        "video": case.video,
        "timestamp_s": case.time_s,
        "caption": case.caption,
    }
    return out | ({"options": list(case.options)} if case.options else {})
