"""Patch vectors of video frames kept on disk: a frame is encoded once, and trained and evaluated on without its video.

A folder of safetensors files, each named by the digest of its bytes and written whole or not at all. A tensor is one
frame's [pool_size * pool_size, dimension] in fp16, its name is ``frame_key(video, time)``. Nothing is ever changed:
an interrupted run goes on with what is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from bisect import bisect_left, bisect_right
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perstream.errors import ConfigError, NotFound
from perstream.types import HalfArray

FORMAT = "perstream-patches-1"
FOLDER = "patches"
PER_SHARD = 64
"""Frames per file: about 29 MB at 8 x 8 patches of 3584 numbers. So many at most are lost with the process."""


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """What all vectors of a cache have in common."""

    vision_model: str
    """Name of the encoder."""
    pool_size: int
    """The grid is pool_size x pool_size."""
    dimension: int
    """Length of a patch vector."""


def frame_key(video: str, time_s: float) -> str:
    """Name of a frame: the record's ``video_id`` as it stands, and the time asked for, to the millisecond."""
    return f"{video}@{round(time_s * 1000)}"


class PatchCache:
    """One cache, for reading and for adding. Thread-safe. Use as a context manager: closing writes what is left."""

    def __init__(self, path: Path, facts: CacheFacts, shards: list[Path]) -> None:
        """Use :meth:`open`."""
        self.path = path
        self.facts = facts
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._where: dict[str, Any] = {}
        self._contents: dict[str, str] = {}
        self._times: dict[str, list[int]] | None = None
        self._new: dict[str, HalfArray] = {}
        for shard in shards:
            self._read(shard)

    @classmethod
    def open(cls, path: Path, facts: CacheFacts | None = None) -> PatchCache:
        """The cache in a folder (or in one .safetensors file); with ``facts`` the folder is made when missing.

        The folder that ``perstream dataset cache`` wrote will do, too: its patch vectors are in one of that name.

        NotFound when there is none and no ``facts``; ConfigError for other facts than those it was made with, and for
        a file that is none of a cache.
        """
        if (path / FOLDER).is_dir():
            path = path / FOLDER
        shards = [path] if path.is_file() else sorted(path.glob("*.safetensors")) if path.is_dir() else []
        if not shards:
            if facts is None:
                raise NotFound(f"there is no cache of patch vectors in {path}: make one with `perstream dataset cache`")
            path.mkdir(parents=True, exist_ok=True)
            return cls(path, facts, [])
        found = {_head(shard)[0] for shard in shards}
        if len(found) > 1:
            raise ConfigError(f"{path} holds vectors of several encoders: keep each in a folder of its own")
        (known,) = found
        if facts is not None and facts != known:
            raise ConfigError(
                f"{path} holds vectors of {known.vision_model} ({known.pool_size} x {known.pool_size} of "
                f"{known.dimension}), wanted are those of {facts.vision_model} ({facts.pool_size} x {facts.pool_size} "
                f"of {facts.dimension}): choose another folder"
            )
        return cls(path, known, shards)

    def __enter__(self) -> PatchCache:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._where) + len(self._new)

    def __contains__(self, key: str) -> bool:
        return key in self._where or key in self._new

    def get(self, key: str) -> HalfArray | None:
        """A frame's vectors [pool_size * pool_size, dimension]; None for one that was never put in."""
        with self._lock:
            fresh = self._new.get(key)
            if fresh is not None:
                return fresh
            shard = self._where.get(key)
            return None if shard is None else np.asarray(shard.get_tensor(key), np.float16)

    def content(self, key: str) -> str:
        """The digest of the video that a frame was taken from; empty when it was not given."""
        return self._contents.get(key, "")

    def within(self, video: str, start_s: float, end_s: float) -> list[tuple[float, str]]:
        """(time, key) of all frames of a video from ``start_s`` to ``end_s``, both included, in order of time."""
        with self._lock:
            if self._times is None:
                self._times = {}
                for key in (*self._where, *self._new):
                    name, _, ms = key.rpartition("@")
                    self._times.setdefault(name, []).append(int(ms))
                for times in self._times.values():
                    times.sort()
            known = self._times.get(video, [])
            first, last = bisect_left(known, round(start_s * 1000)), bisect_right(known, round(end_s * 1000))
            return [(ms / 1000, f"{video}@{ms}") for ms in known[first:last]]

    def put(self, key: str, vectors: HalfArray, content: str = "") -> None:
        """Add a frame; one that is there already stays. ConfigError for vectors of another shape or of no numbers."""
        side, wide = self.facts.pool_size, self.facts.dimension
        if vectors.shape != (side * side, wide) or not np.isfinite(vectors).all():
            raise ConfigError(
                f"{key}: {list(vectors.shape)} vectors for a cache of [{side * side}, {wide}] finite ones"
            )
        if not key.rpartition("@")[2].lstrip("-").isdigit():
            raise ConfigError(f"{key[:80]!r} is no frame_key(video, time)")
        with self._lock:
            if key in self:
                return
            self._new[key] = np.ascontiguousarray(vectors, np.float16)
            self._contents[key] = content
            self._times = None
            if len(self._new) >= PER_SHARD:
                self.flush()

    def flush(self) -> None:
        """Write what is not yet on disk. ConfigError when it cannot be written."""
        from safetensors.numpy import save

        with self._lock:
            if not self._new:
                return
            contents = {key: self._contents[key] for key in self._new if self._contents[key]}
            metadata = {"format": FORMAT, "facts": json.dumps(asdict(self.facts)), "contents": json.dumps(contents)}
            data = save(self._new, metadata=metadata)
            shard = self.path / f"{hashlib.blake2b(data, digest_size=16).hexdigest()}.safetensors"
            part = shard.with_suffix(f".part{os.getpid()}")
            try:
                with part.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(shard)
            except OSError as error:
                raise ConfigError(f"cannot write {shard} ({error.strerror}): choose another place") from error
            self._new.clear()
            self._read(shard)

    def close(self) -> None:
        """Write what is left, and let go of the files."""
        self.flush()
        self._stack.close()
        self._where.clear()

    def _read(self, shard: Path) -> None:
        from safetensors import safe_open

        _, contents = _head(shard)
        file = self._stack.enter_context(safe_open(shard, framework="numpy"))
        self._where.update(dict.fromkeys(file.keys(), file))
        self._contents.update(contents)
        self._times = None


def _head(shard: Path) -> tuple[CacheFacts, dict[str, str]]:
    """Facts and contents of a file. ConfigError for one that is none of a cache, or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(shard, framework="numpy") as file:
            said = file.metadata() or {}
            keys = set(file.keys())
        if said.get("format") != FORMAT:
            raise ConfigError(f"{shard} holds no patch vectors of video frames")
        facts = CacheFacts(**json.loads(said["facts"]))
        contents = {str(key): str(value) for key, value in json.loads(said["contents"]).items() if key in keys}
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{shard} is damaged ({error}): delete it, its frames are encoded again") from error
    return facts, contents
