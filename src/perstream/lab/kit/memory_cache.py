"""What training and evaluation need of a dataset, made once: embeddings, a memory graph per participant, patch vectors.

All of it is named by its content. A second run finds everything and makes nothing; a memory whose text changed gets a new
embedding, and its participant a new graph. Everything is read back before it counts.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from perstream.config import Config
from perstream.errors import ConfigError, StoreError
from perstream.lab.drivenact import Sample, read_samples
from perstream.lab.embed_cache import CachedEmbedder
from perstream.lab.eval_recall import read_dataset
from perstream.lab.import_records import tell, told_by
from perstream.lab.kit.cases import TOLD_AT
from perstream.lab.kit.encode_frames import Encoded, encode_frames
from perstream.lab.kit.frames import window
from perstream.lab.kit.journal import fingerprint
from perstream.lab.kit.patch_cache import CacheFacts, PatchCache, frame_key
from perstream.lab.kit.predictions import write_json
from perstream.memory.memory import Memory
from perstream.memory.phrasing import embedding_text
from perstream.protocols import Backend, VisionEncoder

VERSION = 1
"""Of how a graph is told."""
EMBEDDINGS, GRAPHS, PATCHES, FACTS = "embeddings", "graphs", "patches", "graph.json"
CHECKED = 5
"""Texts embedded once more to see that what was kept is right."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CacheJob:
    """What to make, and where."""

    dataset: Path
    out: Path
    videos: Path | None = None
    """None: no patch vectors."""
    frames: int = 8
    before_s: float = 8.0
    after_s: float = 0.0
    """The window of each record from which frames are encoded; the defaults are those of training and evaluation."""
    pool_size: int = 8
    """Patch vectors are pooled to pool_size x pool_size."""
    skip_missing: bool = False


@dataclass(frozen=True, slots=True)
class Cached:
    """What came of it: made now and found, of each kind."""

    embeddings: tuple[int, int]
    graphs: tuple[int, int]
    frames: tuple[int, int]
    missing: tuple[str, ...] = ()
    """Videos and moments that are not there."""
    graph_folders: dict[int, Path] = field(default_factory=dict)
    """By participant."""

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """(made, known from before) by the name of the folder."""
        return {EMBEDDINGS: self.embeddings, GRAPHS: self.graphs, PATCHES: self.frames}

    def lines(self, out: Path) -> list[str]:
        """For people."""
        counted = [(name, made, known) for name, (made, known) in self.counts.items() if made or known]
        rows = [f"{name}: {made} made, {known} known from before ({out / name})" for name, made, known in counted]
        return [*rows, *(f"missing: {line}" for line in self.missing)]


def cache_memories(
    job: CacheJob,
    backend: Backend,
    config: Config,
    load_vision: Callable[[], tuple[str, VisionEncoder]],
    say: Say | None = None,
) -> Cached:
    """Make what is not there yet. ``load_vision`` (name, encoder) is called only with videos.

    NotFound and ConfigError for a dataset, videos or a folder that cannot be used.
    """
    tell_user = say or _to_stderr
    samples = read_samples(read_dataset(job.dataset))
    people: dict[int, list[Sample]] = {}
    for sample in samples:
        people.setdefault(sample.participant, []).append(sample)
    told = {who: told_by(theirs) for who, theirs in sorted(people.items())}
    texts = list(dict.fromkeys(text for theirs in told.values() for text in theirs))
    with CachedEmbedder(backend.embedder, job.out / EMBEDDINGS) as embedder:
        embeddings = _embedded(texts, embedder, tell_user)
        _check_embeddings(texts, backend, job.out / EMBEDDINGS)
        graphs, folders = _graphs(told, job, replace(backend, embedder=embedder), embedder, config, tell_user)
    encoded = _frames(samples, job, load_vision, tell_user)
    return Cached(embeddings, graphs, (encoded.new, encoded.known), encoded.missing, folders)


def _embedded(texts: Sequence[str], embedder: CachedEmbedder, say: Say) -> tuple[int, int]:
    left = [text for text in texts if embedding_text(text) not in embedder]
    for number, text in enumerate(left, start=1):
        embedder.embed_tokens(embedding_text(text))
        if number % 1000 == 0:
            embedder.save()  # so much at most is lost with the process
            say(f"embeddings: {number}/{len(left)}")
    embedder.save()
    return len(left), len(texts) - len(left)


def _check_embeddings(texts: Sequence[str], backend: Backend, folder: Path) -> None:
    """Read them back. ConfigError when they are not there, or are not what the embedder makes."""
    again = CachedEmbedder(backend.embedder, folder)
    lost = [text for text in texts if embedding_text(text) not in again]
    if lost:
        raise ConfigError(f"{len(lost)} embeddings cannot be read back from {folder}: choose another folder")
    for text in texts[:: max(1, len(texts) // CHECKED)]:
        kept = again.embed_tokens(embedding_text(text)).pooled
        if not np.allclose(kept, backend.embedder.embed_tokens(embedding_text(text)).pooled, atol=1e-3):
            raise ConfigError(f"{folder} holds other vectors than the embedder makes: remove it")


def _graphs(
    told: dict[int, tuple[str, ...]],
    job: CacheJob,
    backend: Backend,
    embedder: CachedEmbedder,
    config: Config,
    say: Say,
) -> tuple[tuple[int, int], dict[int, Path]]:
    made = found = 0
    folders: dict[int, Path] = {}
    for number, (who, texts) in enumerate(told.items(), start=1):
        digest = fingerprint(VERSION, texts, embedder.folder.name, backend.name, config.memory.rho)
        folder = folders[who] = job.out / GRAPHS / f"participant-{who}-{digest[:16]}"
        if _whole(folder, backend, config):
            found += 1
            continue
        _tell(folder, who, texts, backend, config)
        made += 1
        say(f"graphs: {number}/{len(told)}")
    return (made, found), folders


def _tell(folder: Path, who: int, texts: Sequence[str], backend: Backend, config: Config) -> None:
    """A store of the daemon's kind, all of it or nothing."""
    half = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir(parents=True)
        with Memory.open(half, config.memory, backend.embedder.embed) as memory:
            added, _ = tell(texts, TOLD_AT, memory, backend, lambda _: None)
        write_json(half / FACTS, {"participant": who, "memories": added, "texts": len(texts), "told_by": backend.name})
        shutil.rmtree(folder, ignore_errors=True)  # one that is not whole
        half.replace(folder)
    except OSError as error:
        raise ConfigError(f"cannot write {folder} ({error.strerror}): choose another folder") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    if not _whole(folder, backend, config):
        raise ConfigError(f"{folder} cannot be read back: choose another folder")


def _whole(folder: Path, backend: Backend, config: Config) -> bool:
    """Whether the store can be opened and holds what it was told."""
    try:
        facts: Any = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        with Memory.open(folder, config.memory, backend.embedder.embed, read_only=True) as memory:
            return bool(memory.status().memories == facts["memories"])
    except (OSError, ValueError, KeyError, TypeError, StoreError):
        return False


def _frames(
    samples: Sequence[Sample], job: CacheJob, load_vision: Callable[[], tuple[str, VisionEncoder]], say: Say
) -> Encoded:
    if job.videos is None:
        return Encoded(0, 0, ())
    name, vision = load_vision()
    wanted: dict[str, list[float]] = {}
    for sample in samples:
        if sample.video:
            times = window(sample.timestamp_s, job.before_s, job.after_s, job.frames)
            wanted.setdefault(sample.video, []).extend(times)
    with PatchCache.open(job.out / PATCHES, CacheFacts(name, job.pool_size, vision.dimension)) as cache:
        encoded = encode_frames(wanted, job.videos, vision, cache, progress=say)
    if encoded.new:
        with PatchCache.open(job.out / PATCHES) as again:
            held = sum(again.get(frame_key(v, t)) is not None for v, times in wanted.items() for t in set(times))
        if held < encoded.new + encoded.known:
            raise ConfigError(f"the frames cannot be read back from {job.out / PATCHES}: choose another folder")
    if not job.skip_missing:
        encoded.require_all()
    return encoded


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
