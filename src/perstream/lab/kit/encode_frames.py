"""Frames of many videos into a cache of patch vectors: one pass per video, resumable, with a list of what is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from perstream.errors import ConfigError, SourceError
from perstream.lab.kit.frames import content_of, find_video, frames_at
from perstream.lab.kit.patch_cache import PatchCache, frame_key
from perstream.protocols import VisionEncoder
from perstream.types import ByteArray

BATCH = 8
"""Pictures that the encoder is given together."""
NAMED = 5
"""So many problems are named in an error; the others are counted."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What came of it."""

    new: int
    """Frames encoded now."""
    known: int
    """Frames that the cache held already."""
    missing: tuple[str, ...]
    """One line for each video that is not there or cannot be read, and for each time beyond its end."""

    def require_all(self) -> None:
        """ConfigError when something is missing."""
        if self.missing:
            more = f"; and {len(self.missing) - NAMED} more" if len(self.missing) > NAMED else ""
            raise ConfigError(
                f"{len(self.missing)} frames or videos are missing (--skip-missing goes on without them): "
                f"{'; '.join(self.missing[:NAMED])}{more}"
            )


def encode_frames(
    wanted: Mapping[str, Iterable[float]],
    folder: Path,
    vision: VisionEncoder,
    cache: PatchCache,
    *,
    progress: Callable[[str], None] | None = None,
) -> Encoded:
    """Encode the frames at the ``wanted`` times (seconds) of each video (``video_id``) that the cache lacks.

    ConfigError when a video is another file than the one the cache was made from, and for a folder that is not there.
    """
    if not folder.is_dir():
        raise ConfigError(f"there is no folder of videos {folder}: set VIDEO_DIR (--video-dir)")
    tell = progress or _to_stderr
    new = known = 0
    missing: list[str] = []
    for number, (video, times) in enumerate(sorted(wanted.items()), start=1):
        times = sorted(set(times))
        left = [t for t in times if frame_key(video, t) not in cache]
        known += len(times) - len(left)
        path = find_video(folder, video)
        if path is None:
            if left:
                missing.append(f"there is no video {video} in {folder}")
            continue
        content = content_of(path)
        for t in times:
            was = cache.content(frame_key(video, t))
            if was and was != content:
                raise ConfigError(
                    f"{path} is not the file that {cache.path} was made from: choose another cache folder"
                )
        if not left:
            continue
        before = new
        try:
            for batch in _batches(frames_at(path, left)):
                for (t, _), vectors in zip(batch, vision.encode([rgb for _, rgb in batch]), strict=True):
                    cache.put(frame_key(video, t), vectors, content)
                new += len(batch)
        except SourceError as error:
            missing.append(str(error))
            continue
        if new - before < len(left):
            missing += [f"{video} ends before {t:.3f} s" for t in left if frame_key(video, t) not in cache]
        tell(f"frames: video {number}/{len(wanted)}, {new} encoded, {known} known, {len(missing)} missing")
    cache.flush()
    return Encoded(new, known, tuple(missing))


def _batches(frames: Iterable[tuple[float, ByteArray]]) -> Iterator[list[tuple[float, ByteArray]]]:
    waiting = iter(frames)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
