"""Passive and proactive evaluation: every sample through the assistant that ships, one record each, resumable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from perstream.config import Config
from perstream.errors import ConfigError
from perstream.jsonlines import plain
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.kit.cases import Suite
from perstream.lab.kit.journal import Journal, fingerprint
from perstream.lab.kit.plan import Plan, check, chosen
from perstream.lab.kit.player import Player
from perstream.lab.kit.predictions import Json, write_predictions
from perstream.lab.kit.stage import Stage
from perstream.lab.kit.triplets import KnownTriplets
from perstream.lab.kit.views import Views
from perstream.lab.kit.workers import Summary, run_all
from perstream.protocols import Backend


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of it."""

    path: Path
    records: int
    summary: Summary
    stood_in: Mapping[str, int] = field(default_factory=dict)
    """How often a builtin part stood in for a model's, by part and reason."""

    def lines(self) -> list[str]:
        """For people."""
        failed = [f"  {key}: {error}" for key, error in self.summary.failed[:10]]
        more = len(self.summary.failed) - len(failed)
        if more > 0:
            failed.append(f"  and {more} more")
        lines = [f"{len(self.summary.failed)} samples failed:", *failed] if failed else []
        if self.stood_in:
            parts = ", ".join(f"{key} ({count})" for key, count in self.stood_in.items())
            lines.append(f"not all of this is the model's: a builtin part stood in, {parts}")
        return [*lines, f"wrote {self.path}"]


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
        player = stack.enter_context(Player(suite, plan, stage, views, left))
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
    path = write_predictions(plan.folder, plan.shard, records, run)
    return Evaluated(path, len(records), summary, dict(backend.fell_back()))


def model_settings(config: Config) -> Json:
    """What decides what a model says; not where its server is, and how patiently it is asked."""
    elsewhere = ("base_url", "request_timeout_s", "request_retries")
    return {k: v for k, v in asdict(config.backend).items() if k not in elsewhere}


def _settings(suite: Suite, plan: Plan, config: Config, backend: Backend, looks: bool) -> Json:
    """All that decides a record; also what a reader of the results must know."""
    pools = fingerprint(
        [asdict(case) for case in suite.cases], {k: [asdict(t) for t in v] for k, v in suite.pools.items()}
    )
    window: Json = {"max_frames": plan.max_frames, "before_s": plan.before_s, "after_s": plan.after_s}
    return {
        "mode": plan.mode,
        "name": plan.name,
        "strategy": plan.strategy,
        "baseline": plan.baseline,
        "memory_only": not looks,
        "window": window if looks else None,
        "backend": backend.name,
        "model": model_settings(config),
        "memory": asdict(config.memory),
        "proactive": asdict(config.proactive),
        "data": pools,
    }
