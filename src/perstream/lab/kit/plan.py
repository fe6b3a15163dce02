"""What to evaluate and how: the settings of a run, checked before anything is loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from perstream.errors import ConfigError
from perstream.lab.kit.cases import Case, Suite
from perstream.lab.kit.predictions import Shard
from perstream.lab.kit.strategies import STRATEGIES

BASELINES = ("always-silent", "always-speak")
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
    twice = [name for name, count in Counter(case.id for case in cases).items() if count > 1]
    if twice:
        raise ConfigError(f"{len(twice)} ids of the dataset occur more than once, such as {twice[0][:60]!r}")
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
