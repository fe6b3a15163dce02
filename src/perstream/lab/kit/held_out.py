"""Which records train, which choose the epoch and which are only measured: nobody's videos are in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perstream.errors import ConfigError
from perstream.lab.drivenact import Sample

Part = Literal["train", "val", "test"]
HELD_OUT = 0.2
"""Share of the groups that is held out, where the dataset has no splits of its own."""


@dataclass(frozen=True, slots=True)
class Split:
    """Places of the records in each part."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    """Chooses the epoch."""
    test: tuple[int, ...]
    """Measured once, at the end; empty when there are too few groups for a third part."""
    by: str
    """``dataset`` (its own splits), ``participant`` or ``video``."""


def split_of(samples: Sequence[Sample]) -> Split:
    """The dataset's own splits where it has some and no participant is in two of them, else by participant or video.

    ConfigError when participants cross the dataset's own splits, and when there are not two groups to part.
    """
    named = {sample.split for sample in samples}
    if "train" in named and named & {"val", "test"}:
        return _given(samples)
    for by in ("participant", "video"):
        keys = [str(sample.participant) if by == "participant" else sample.video for sample in samples]
        groups = sorted(set(keys), key=lambda key: hashlib.sha256(key.encode("utf-8", "replace")).digest())
        if len(groups) >= 2:
            count = max(1, round(HELD_OUT * len(groups)))
            val, rest = set(groups[:count]), groups[count:]
            test = set(rest[:count]) if len(rest) > count else set()
            return _parts(["val" if key in val else "test" if key in test else "train" for key in keys], by)
    raise ConfigError("the records are of one participant and one video: nothing can be held out to measure on")


def _given(samples: Sequence[Sample]) -> Split:
    unknown = {sample.split for sample in samples} - {"train", "val", "test"}
    if unknown:
        raise ConfigError(f"the dataset has a split {sorted(unknown)[0][:40]!r}: train, val or test")
    homes: dict[int, set[str]] = {}
    for sample in samples:
        homes.setdefault(sample.participant, set()).add(sample.split)
    crossing = sorted(who for who, splits in homes.items() if len(splits) > 1)
    if crossing:
        raise ConfigError(f"participant {crossing[0]} is in several splits: what is held out would be known")
    parts = [sample.split for sample in samples]
    if "val" not in parts:  # something must choose the epoch
        parts = ["val" if part == "test" else part for part in parts]
    return _parts(parts, "dataset")


def _parts(parts: Sequence[str], by: str) -> Split:
    def places(part: str) -> tuple[int, ...]:
        return tuple(i for i, one in enumerate(parts) if one == part)

    return Split(places("train"), places("val"), places("test"), by)
