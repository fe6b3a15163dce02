"""Where the views of a training come from: a cache made before, or the videos, encoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from perstream.errors import ConfigError
from perstream.lab.kit.cases import Case
from perstream.lab.kit.encode_frames import encode_frames
from perstream.lab.kit.frames import window
from perstream.lab.kit.patch_cache import FOLDER, CacheFacts, PatchCache
from perstream.lab.kit.train_samples import BEFORE_S, FRAMES
from perstream.models.omni.inject import takes_patches
from perstream.models.omni.loaded import Loaded
from perstream.models.omni.vision import OmniVision


class _Wanted(Protocol):
    @property
    def videos(self) -> Path | None: ...
    @property
    def cache(self) -> Path | None: ...
    @property
    def output(self) -> Path: ...
    @property
    def pool_size(self) -> int: ...
    @property
    def skip_missing(self) -> bool: ...


def views_for(
    job: _Wanted, cases: Sequence[Case], loaded: Loaded, accelerator: Any, tell: Callable[[str], None]
) -> PatchCache:
    """The cache that is named, else one beside the adapter, filled from the videos by the main process.

    ConfigError for vectors of another encoder and, unless they may be skipped, for missing videos.
    """
    if not takes_patches(loaded):
        raise ConfigError(f"{loaded.name} takes no stored picture vectors: train it with --memory-only")
    if job.cache is not None:
        cache = PatchCache.open(job.cache)
        if cache.facts.dimension != loaded.hidden_size:
            raise ConfigError(
                f"{job.cache} holds vectors of {cache.facts.vision_model} ({cache.facts.dimension} numbers), "
                f"{loaded.name} takes {loaded.hidden_size}"
            )
        return cache
    folder, facts = job.output / FOLDER, CacheFacts(loaded.name, job.pool_size, loaded.hidden_size)
    if accelerator.is_main_process and job.videos is not None:
        wanted: dict[str, list[float]] = {}
        for case in cases:
            wanted.setdefault(case.video, []).extend(window(case.time_s, BEFORE_S, 0.0, FRAMES))
        with PatchCache.open(folder, facts) as cache:
            encoded = encode_frames(wanted, job.videos, OmniVision(loaded, job.pool_size), cache, progress=tell)
        if not job.skip_missing:
            encoded.require_all()
    accelerator.wait_for_everyone()
    return PatchCache.open(folder, facts)
