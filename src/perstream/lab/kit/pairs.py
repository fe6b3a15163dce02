"""Pairs of a frame and the caption of its moment: what a projection is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perstream.errors import ConfigError
from perstream.lab.drivenact import Sample
from perstream.lab.kit.frames import window
from perstream.lab.kit.held_out import split_of
from perstream.lab.kit.patch_cache import PatchCache, frame_key
from perstream.types import FloatArray, HalfArray

FRAMES = 4
"""Frames per caption, evenly over its window."""
BEFORE_S = AFTER_S = 1.0
"""The window around a record's timestamp, seconds."""


@dataclass(frozen=True, slots=True)
class FramePair:
    """One frame and what is going on in it."""

    video: str
    time_s: float
    caption: str
    part: Literal["train", "val", "test"]

    @property
    def key(self) -> str:
        """Of the frame, in a cache."""
        return frame_key(self.video, self.time_s)


def pairs_of(
    samples: Sequence[Sample], frames: int = FRAMES, before_s: float = BEFORE_S, after_s: float = AFTER_S
) -> tuple[tuple[FramePair, ...], str]:
    """The pairs of a dataset's records with a caption and a video, each once, and what the parts were parted by.

    ConfigError when there is none, or nothing can be held out.
    """
    usable = [sample for sample in samples if sample.caption.strip() and sample.video]
    if not usable:
        raise ConfigError("no record has both a caption and a video_id: there is nothing to align")
    split = split_of(usable)
    found: dict[FramePair, None] = {}
    for part, places in (("train", split.train), ("val", split.val), ("test", split.test)):
        for place in places:
            sample = usable[place]
            for time_s in window(sample.timestamp_s, before_s, after_s, frames):
                found[FramePair(sample.video, time_s, sample.caption.strip(), part)] = None  # type: ignore[arg-type]
    return tuple(found), split.by


def wanted_of(pairs: Sequence[FramePair]) -> dict[str, list[float]]:
    """Times by video."""
    wanted: dict[str, list[float]] = {}
    for pair in pairs:
        wanted.setdefault(pair.video, []).append(pair.time_s)
    return wanted


@dataclass(frozen=True, slots=True, eq=False)
class PairSet:
    """The pairs of one part with their vectors, as far as the cache has them."""

    keys: tuple[str, ...]
    captions: tuple[int, ...]
    """For each key the row of its caption in ``texts`` and ``vectors``."""
    texts: tuple[str, ...]
    """The distinct captions of this part."""
    vectors: FloatArray
    """[texts, dimension], of length 1."""
    cache: PatchCache

    def __len__(self) -> int:
        return len(self.keys)

    def patches(self, places: Sequence[int]) -> HalfArray:
        """[places, patches, vision dimension]."""
        rows = [self.cache.get(self.keys[place]) for place in places]
        return np.stack([row for row in rows if row is not None])


def pair_set(pairs: Sequence[FramePair], part: str, vectors: Mapping[str, FloatArray], cache: PatchCache) -> PairSet:
    """Those of ``part``; ``vectors`` has the embedding of each caption."""
    kept = [pair for pair in pairs if pair.part == part and pair.key in cache]
    texts = sorted({pair.caption for pair in kept})
    row = {text: i for i, text in enumerate(texts)}
    return PairSet(
        keys=tuple(pair.key for pair in kept),
        captions=tuple(row[pair.caption] for pair in kept),
        texts=tuple(texts),
        vectors=np.stack([vectors[text] for text in texts]) if texts else np.zeros((0, 1), np.float32),
        cache=cache,
    )
