"""The video windows of an evaluation's cases: each video is decoded once for many cases, and missing ones are named first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from perstream.errors import ConfigError, SourceError
from perstream.lab.kit.cases import Case
from perstream.lab.kit.frames import find_video, frames_at, window
from perstream.types import ByteArray

MAX_SIDE_PX = 640
"""Longer side of a frame: what a model is shown at most."""
TOGETHER = 16
"""Cases whose frames are held at a time: about 90 MB at 640 x 360."""
NAMED = 10

Look = tuple[float, ByteArray]
"""Seconds on the video's clock, and the frame shown then as RGB [h, w, 3]."""


class Views:
    """Frames of the cases that have a video. Thread-safe: one thread decodes a video, the others wait for it."""

    def __init__(self, folder: Path, cases: Sequence[Case], before_s: float, after_s: float, most: int) -> None:
        """``most`` frames from ``before_s`` before a case's time to ``after_s`` after it.

        ConfigError that names the videos which are not in ``folder``.
        """
        if not folder.is_dir():
            raise ConfigError(f"there is no folder of videos {folder}: set VIDEO_DIR, or evaluate with --memory-only")
        self._times = {case.id: window(case.time_s, before_s, after_s, most) for case in cases if case.video}
        self._waiting: dict[str, list[Case]] = {}
        for case in sorted(cases, key=lambda case: case.time_s):
            if case.video:
                self._waiting.setdefault(case.video, []).append(case)
        found = {video: find_video(folder, video) for video in self._waiting}
        missing = sorted(video for video, path in found.items() if path is None)
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise ConfigError(
                f"{len(missing)} of {len(found)} videos are not in {folder}: {', '.join(missing[:NAMED])}{more}. "
                "Set VIDEO_DIR, or evaluate without videos with --memory-only"
            )
        self._files = {video: path for video, path in found.items() if path is not None}
        self._locks = {video: threading.Lock() for video in found}
        self._ready: dict[str, tuple[Look, ...] | SourceError] = {}

    def of(self, case: Case) -> tuple[Look, ...]:
        """The frames of one case; each case once. SourceError for a video that cannot be read or ends before."""
        with self._locks[case.video]:
            if case.id not in self._ready:
                self._decode(case)
            looks = self._ready.pop(case.id)
        if isinstance(looks, SourceError):
            raise looks
        if not looks:
            raise SourceError(f"{case.video} ends before {case.time_s:.1f} s, where sample {case.id} happens")
        return looks

    def _decode(self, case: Case) -> None:
        waiting = self._waiting[case.video]
        batch = [case, *[other for other in waiting if other is not case][: TOGETHER - 1]]
        self._waiting[case.video] = [other for other in waiting if other not in batch]
        times = {t for one in batch for t in self._times[one.id]}
        try:
            frames = dict(frames_at(self._files[case.video], sorted(times), MAX_SIDE_PX))
        except SourceError as error:
            for one in batch:
                self._ready[one.id] = error
            return
        for one in batch:
            self._ready[one.id] = tuple((t, frames[t]) for t in self._times[one.id] if t in frames)
