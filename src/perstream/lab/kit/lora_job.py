"""What a LoRA training is asked to do, checked before anything is loaded; and what it counts of its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from perstream.config import BackendConfig
from perstream.errors import ConfigError
from perstream.lab.drivenact import Sample, read_samples
from perstream.lab.kit.cases import Suite, suite_of_records
from perstream.lab.kit.held_out import split_of
from perstream.lab.kit.lora import LoraSettings
from perstream.lab.kit.patch_cache import PatchCache
from perstream.lab.kit.record_file import read_records_text
from perstream.lab.kit.train_loop import LoopSettings
from perstream.lab.kit.train_samples import TrainSample, epoch_order, has_view
from perstream.lab.kit.validate import validate
from perstream.models.omni.loaded import Loaded


@dataclass(frozen=True, slots=True)
class LoraJob:
    """What to do."""

    dataset: Path
    output: Path
    """OUTPUT_DIR: empty, not there, or of the same run, which then goes on."""
    backend: BackendConfig
    videos: Path | None = None
    cache: Path | None = None
    """CACHE_FILE: patch vectors by ``perstream dataset cache``; then no video is read."""
    memory_only: bool = False
    """No view: the scene is shown in words."""
    skip_missing: bool = False
    skip_invalid: bool = False
    fresh: bool = False
    pool_size: int = 8
    silence_share: float = 0.5
    abstain_share: float = 0.1
    eval_samples: int = 200
    """Held-out records that are measured after each epoch, at most."""
    checkpointing: bool = True
    loop: LoopSettings = field(default_factory=LoopSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)


@dataclass(frozen=True, slots=True, eq=False)
class LoraData:
    """The records of a dataset by part."""

    suite: Suite
    records: tuple[Sample, ...]
    train: tuple[int, ...]
    """Places of the records to train on."""
    val: tuple[int, ...]
    """Of those that choose the epoch."""
    invalid: int
    """Records that were left out because something is wrong with them."""

    def part(self, places: Sequence[int]) -> tuple[Suite, tuple[Sample, ...]]:
        """Some of them."""
        cases = tuple(self.suite.cases[place] for place in places)
        return Suite(self.suite.kind, cases, self.suite.pools), tuple(self.records[place] for place in places)


def check_job(job: LoraJob) -> None:
    """ConfigError for settings that cannot be, before anything is loaded."""
    if job.memory_only and (job.videos or job.cache):
        raise ConfigError("--memory-only shows no view: leave out VIDEO_DIR and CACHE_FILE")
    if not (job.memory_only or job.videos or job.cache):
        raise ConfigError("set CACHE_FILE or VIDEO_DIR for the views, or train on memories alone with --memory-only")
    for name, value in (("silence share", job.silence_share), ("abstain share", job.abstain_share)):
        if not 0 <= value <= 1:
            raise ConfigError(f"the {name} is from 0 to 1, not {value}")


def read_data(job: LoraJob) -> LoraData:
    """The records by part. ConfigError for a part that has none."""
    found = validate(job.dataset)
    wrong = {finding.record for finding in found.findings}
    if wrong and (None in wrong or not job.skip_invalid):
        way = "" if None in wrong else "; --skip-invalid leaves such records out"
        raise ConfigError(
            f"{found.findings[0].words(job.dataset)} ({len(found.findings)} problems: perstream dataset validate{way})"
        )
    raw = [item for place, (_, item) in enumerate(read_records_text(job.dataset).records) if place not in wrong]
    if not raw:
        raise ConfigError(f"{job.dataset} holds no dataset record that can be used: see docs/DATASET.md")
    records = read_samples(raw)
    split = split_of(records)
    if not split.train:
        raise ConfigError(f"{job.dataset} has no record of split train")
    return LoraData(suite_of_records(raw), records, split.train, split.val, len(wrong))


def with_view(
    train: list[TrainSample], val: list[TrainSample], views: PatchCache | None, skip: bool
) -> tuple[list[TrainSample], list[TrainSample], int]:
    """Those that have a view, where one is wanted. ConfigError names the others unless they may be skipped."""
    if views is None:
        return train, val, 0
    lost = [one for one in (*train, *val) if not has_view(views, one.case)]
    if lost and not skip:
        named = "; ".join(f"{one.case.video or 'no video'} at {one.case.time_s:.1f} s" for one in lost[:5])
        raise ConfigError(
            f"{len(lost)} of {len(train) + len(val)} records have no frame in {views.path}: {named}"
            f"{'; …' if len(lost) > 5 else ''} (--skip-missing leaves them out)"
        )
    gone = {id(one) for one in lost}
    return [one for one in train if id(one) not in gone], [one for one in val if id(one) not in gone], len(lost)


def counts_of(
    train: Sequence[TrainSample], val: Sequence[TrainSample], left_out: tuple[int, int], job: LoraJob
) -> dict[str, Any]:
    """Of the data, for report and card; ``left_out``: records with problems, and without frames."""
    silent = [one for one in train if not one.case.passive and not one.speaks]
    per_epoch = epoch_order(train, 1, job.loop.seed, job.silence_share)
    passive = [one for one in train if one.case.passive]
    return {
        "dataset": job.dataset.name,
        "training records": len(train),
        "passive": len(passive),
        "passive, memories left out on purpose": sum(
            one.reply is None and one.case.gold is not None for one in passive
        ),
        "proactive, a word is due": sum(not one.case.passive and one.speaks for one in train),
        "proactive, silent": len(silent),
        "records per epoch": len(per_epoch),
        "silent ones drawn per epoch": sum(not train[i].case.passive and not train[i].speaks for i in per_epoch),
        "held-out records": len(val),
        "held-out records measured": min(len(val), job.eval_samples),
        "records with problems, left out": left_out[0],
        "records without frames, left out": left_out[1],
        "view": "the scene in words" if job.memory_only else "stored patch vectors",
    }


def spread_over(samples: Sequence[TrainSample], most: int) -> list[TrainSample]:
    """At most so many, evenly over all: not those of one person alone."""
    step = max(1.0, len(samples) / max(1, most))
    return [samples[int(i * step)] for i in range(min(most, len(samples)))]


def settings_of(job: LoraJob, loaded: Loaded, named: dict[str, Any]) -> dict[str, Any]:
    return {
        **{f"lora {name}": value for name, value in asdict(job.lora).items()},
        **{name.replace("_", " "): value for name, value in asdict(job.loop).items()},
        "trained parameters": sum(parameter.numel() for parameter in named.values()),
        "numbers": loaded.dtype + (f", {job.backend.load_in} base" if job.backend.load_in else ""),
        "activation checkpointing": job.checkpointing,
        "silence share": job.silence_share,
        "abstain share": job.abstain_share,
    }
