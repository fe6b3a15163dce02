"""Frames of a dataset's videos at given times, read through the same sources as everything else."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath

from perstream.config import SourceConfig
from perstream.errors import ConfigError
from perstream.sources import open_source
from perstream.types import ByteArray, Frame

SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
MAX_SIDE_PX = 960
"""Longer side of a frame, as of a keyframe."""
LATE_S = 0.5
"""A time this far behind the last frame is still the last frame: timestamps are rounded."""
EDGE_BYTES = 1 << 20


def find_video(folder: Path, video: str) -> Path | None:
    """The file of a record's ``video_id``, with or without its ending; None when there is none.

    ConfigError for an id that leads out of the folder.
    """
    name = check_video_id(video)
    for path in (folder / name, *(folder / f"{video}{suffix}" for suffix in SUFFIXES)):
        if path.is_file():
            return path
    return None


def check_video_id(video: str) -> PurePosixPath:
    """The path of a record's ``video_id``. ConfigError for one that leads out of the folder of videos, or nowhere."""
    name = PurePosixPath(video)
    if not video.strip() or name.is_absolute() or ".." in name.parts or not video.isprintable():
        raise ConfigError(f"video_id {video[:80]!r} is no path inside of the video folder")
    return name


def length_of(video: Path) -> float:
    """Seconds of a video: as it claims, else by reading all of it. SourceError for one that cannot be read."""
    source = open_source(str(video), SourceConfig(audio=False, transcript=False))
    with closing(source):
        if source.duration_s is not None:
            return source.duration_s
        return max((item.pts_s for item in source.stream() if isinstance(item, Frame)), default=0.0)


def window(timestamp_s: float, before_s: float, after_s: float, most: int) -> tuple[float, ...]:
    """At most ``most`` times from ``timestamp_s - before_s`` to ``timestamp_s + after_s``, evenly, none below 0."""
    if most == 1:
        return (max(0.0, round(timestamp_s, 3)),)
    start, end = max(0.0, timestamp_s - before_s), max(0.0, timestamp_s + after_s)
    return tuple(dict.fromkeys(round(start + (end - start) * i / (most - 1), 3) for i in range(most)))


def frames_at(video: Path, times_s: Sequence[float], max_side: int = MAX_SIDE_PX) -> Iterator[tuple[float, ByteArray]]:
    """(time, the frame shown then as RGB [h, w, 3]) in order of time; times beyond the end do not come.

    One pass over the video, which ends with the last time. SourceError for a video that cannot be read.
    """
    waiting = deque(sorted(set(times_s)))
    shown: Frame | None = None
    source = open_source(str(video), SourceConfig(audio=False, transcript=False))
    with closing(source):
        for item in source.stream():
            if not isinstance(item, Frame):
                continue
            while waiting and waiting[0] < item.pts_s:
                yield waiting.popleft(), (shown or item).picture.rgb(max_side)
            if not waiting:
                return
            shown = item
    while shown is not None and waiting and waiting[0] <= shown.pts_s + LATE_S:
        yield waiting.popleft(), shown.picture.rgb(max_side)


def content_of(video: Path) -> str:
    """A digest of a video file by its size, beginning and end: large files are not read whole."""
    digest = hashlib.blake2b(digest_size=16)
    size = video.stat().st_size
    digest.update(str(size).encode())
    with video.open("rb") as file:
        digest.update(file.read(EDGE_BYTES))
        if size > EDGE_BYTES:
            file.seek(max(EDGE_BYTES, size - EDGE_BYTES))
            digest.update(file.read(EDGE_BYTES))
    return digest.hexdigest()
