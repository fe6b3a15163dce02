"""Projection training from records and videos to a file that the daemon takes: pairs, fit, held-out scores, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from perstream.errors import ConfigError, NotFound
from perstream.lab.drivenact import read_samples
from perstream.lab.eval_recall import read_dataset
from perstream.lab.kit.curves import draw_curves
from perstream.lab.kit.encode_frames import encode_frames
from perstream.lab.kit.journal import fingerprint
from perstream.lab.kit.pairs import FramePair, PairSet, pair_set, pairs_of, wanted_of
from perstream.lab.kit.patch_cache import CacheFacts, PatchCache
from perstream.lab.kit.projection_fit import FitSettings, fit, frame_vectors
from perstream.lab.kit.sentences import OWN, sentence_embedder
from perstream.models.omni.projection import Projection, save_projection
from perstream.protocols import VisionEncoder

Mode = Literal["create_dataset", "train", "both"]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ProjectionJob:
    """What to do."""

    dataset: Path
    videos: Path | None
    output: Path
    """The projection, .safetensors; its report, curve and state go beside it."""
    cache: Path
    """Folder of patch vectors."""
    mode: Mode = "both"
    pool_size: int = 4
    sentence_model: str = OWN
    skip_missing: bool = False
    fresh: bool = False
    fit: FitSettings = field(default_factory=FitSettings)


def parse_pool(text: str) -> int:
    """``4`` or ``4x4`` as 4. ConfigError for anything else."""
    rows, _, columns = text.strip().lower().partition("x")
    if not rows.isdecimal() or (columns and columns != rows) or not 2 <= int(rows) <= 16:
        raise ConfigError(f"POOL_SIZE is a number from 2 to 16, or a square like 4x4, not {text[:20]!r}")
    return int(rows)


def run_projection(
    job: ProjectionJob,
    load_vision: Callable[[], tuple[str, VisionEncoder]],
    tell: Tell = lambda line: print(line, file=sys.stderr, flush=True),
) -> dict[str, Any]:
    """Do it, and return the report. ``load_vision`` loads the encoder (name, encoder); called only to encode.

    ConfigError and NotFound say in one line what is wrong with the records, the videos or the settings.
    """
    training = job.mode != "create_dataset"
    if training and job.output.exists() and not job.fresh:
        raise ConfigError(f"{job.output} is there already: choose another OUTPUT_MODEL, or train anew with --fresh")
    pairs, parted_by = pairs_of(read_samples(read_dataset(job.dataset)))
    report: dict[str, Any] = {"pairs": len(pairs), "held_out_by": parted_by}
    if job.mode != "train":
        if job.videos is None:
            raise ConfigError("set VIDEO_DIR (--video-dir): the frames are taken from there")
        name, vision = load_vision()
        with PatchCache.open(job.cache, CacheFacts(name, job.pool_size, vision.dimension)) as cache:
            encoded = encode_frames(wanted_of(pairs), job.videos, vision, cache, progress=tell)
        report |= {"frames_new": encoded.new, "frames_known": encoded.known, "missing": list(encoded.missing)}
        if not job.skip_missing:
            encoded.require_all()
    if training:
        report |= _trained(job, pairs, tell)
    return report


def _trained(job: ProjectionJob, pairs: Sequence[FramePair], tell: Tell) -> dict[str, Any]:
    embed = sentence_embedder(job.sentence_model)
    texts = sorted({pair.caption for pair in pairs})
    vectors = dict(zip(texts, embed(texts), strict=True))
    try:
        cache = PatchCache.open(job.cache)
    except NotFound as error:
        raise NotFound(f"there are no encoded frames in {job.cache}: run mode create_dataset first") from error
    with cache:
        if cache.facts.pool_size != job.pool_size:
            raise ConfigError(f"{job.cache} holds grids of {cache.facts.pool_size}, POOL_SIZE is {job.pool_size}")
        absent = sum(pair.key not in cache for pair in pairs)
        if absent and not job.skip_missing:
            raise ConfigError(
                f"{job.cache} lacks {absent} of {len(pairs)} frames: run mode create_dataset, or use --skip-missing"
            )
        train, val, test = (pair_set(pairs, part, vectors, cache) for part in ("train", "val", "test"))
        if not len(train) or len(val.texts) < 2:
            raise ConfigError(
                f"{len(train)} frames to train on and {len(val.texts)} captions held out are too few: at least one and "
                "two are needed"
            )
        run = fingerprint(train.keys, train.captions, train.texts, val.keys, asdict(cache.facts), job.sentence_model, asdict(job.fit))  # fmt: skip
        state = job.output.with_name(f"{job.output.name}.state")
        if job.fresh:
            state.unlink(missing_ok=True)
        found = fit(train, val, job.fit, state, run, tell)
        projection = Projection(
            **found.weights,
            sentence_model=job.sentence_model,
            vision_model=cache.facts.vision_model,
            pool_size=cache.facts.pool_size,
        )
        measured = test if len(test.texts) >= 2 else val
        report: dict[str, Any] = {
            "output": str(job.output),
            "vision_model": cache.facts.vision_model,
            "sentence_model": job.sentence_model,
            "settings": asdict(job.fit),
            "frames": {"train": len(train), "val": len(val), "test": len(test)},
            "captions": {"train": len(train.texts), "val": len(val.texts), "test": len(test.texts)},
            "best_epoch": found.best_epoch,
            "held_out": scores(projection, measured, set(train.texts)),
            "held_out_chose_epoch": measured is val,
            "history": list(found.history),
            "command": sys.argv,
        }
    save_projection(job.output, projection)
    history = found.history
    lines = {name: [(h["epoch"], h[key]) for h in history] for name, key in (("train", "train_loss"), ("held out", "val_loss"))}  # fmt: skip
    stem = job.output.with_suffix("")
    report["curve"] = [str(path) for path in draw_curves(stem, f"projection of {projection.vision_model}", {"loss": lines})]  # fmt: skip
    job.output.with_suffix(".json").write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    state.unlink(missing_ok=True)
    return report


def scores(projection: Projection, pairs: PairSet, known: set[str]) -> dict[str, float]:
    """Recall of a frame's caption among all held-out captions, beside chance; ``known``: captions of the training."""
    similar = frame_vectors(projection, pairs) @ pairs.vectors.T
    right = np.asarray(pairs.captions)
    ranks = (similar > similar[np.arange(len(right)), right][:, None]).sum(axis=1)
    count = len(pairs.texts)
    return {
        "n_frames": len(pairs),
        "n_captions": count,
        "recall@1": float((ranks < 1).mean()),
        "recall@5": float((ranks < 5).mean()),
        "chance@1": 1 / count,
        "chance@5": min(1.0, 5 / count),
        "mean_cosine": float(similar[np.arange(len(right)), right].mean()),
        "captions_also_trained_on": sum(text in known for text in pairs.texts) / count,
    }
