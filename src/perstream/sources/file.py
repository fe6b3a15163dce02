"""Files as a source: one video or image, or a folder of them one after the other."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from av.error import FFmpegError

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources.clip import VideoClip
from perstream.sources.folder import is_image, load_image
from perstream.sources.pacer import Pacer
from perstream.sources.side_tracks import SideTracks
from perstream.sources.transcript import read_sidecar
from perstream.types import ArrayPicture, AudioChunk, Cue, Frame, Picture, SourceItem

log = logging.getLogger(__name__)


class FileSource:
    """Everything that can be decoded in a list of files, on one timeline, nothing left out for speed.

    Raises SourceError when none of them holds a picture. A file of a folder that cannot be read is
    counted once as ``undecodable`` and passed over.
    """

    live = False

    def __init__(
        self,
        files: Sequence[Path],
        config: SourceConfig,
        name: str,
        *,
        start_time: datetime | None = None,
        realtime: bool = False,
    ) -> None:
        self.name = name
        self._config = config
        self._files = list(files)
        self._stop = threading.Event()
        self._pacer = Pacer(self._stop) if realtime else None
        self._dropped: Counter[str] = Counter()
        self._index = 0
        self._clip: VideoClip | None = None
        self._started = False
        self._lock = threading.Lock()
        self._first: VideoClip | ArrayPicture | None = self._open_first()
        self.duration_s = self._known_duration()
        self.start_time = start_time.astimezone(timezone.utc) if start_time else self._guessed_start()

    @property
    def dropped(self) -> Mapping[str, int]:
        clip = self._clip
        total = self._dropped + Counter(undecodable=clip.undecodable if clip else 0)
        return dict(total)

    def stream(self) -> Iterator[SourceItem]:
        with self._lock:
            if self._started:
                raise SourceError(f"{self.name} was already read; open it again")
            self._started = True
        offset_s = 0.0
        opened: VideoClip | ArrayPicture | None = self._first
        self._first = None
        try:
            for path in self._files:
                opened = opened or self._open(path)
                if isinstance(opened, VideoClip):
                    yield from self._items_of(opened, offset_s)
                    offset_s += opened.end_s
                elif opened is not None:
                    frame = self._frame(offset_s, opened)
                    if self._due(frame):
                        yield frame
                    offset_s += self._config.image_s
                opened = None
                if self._stop.is_set():
                    return
        finally:
            if isinstance(opened, VideoClip):
                opened.close()

    def close(self) -> None:
        self._stop.set()
        with self._lock:
            unused, started = self._first, self._started
            self._started = True
        if not started and isinstance(unused, VideoClip):
            unused.close()

    def _items_of(self, clip: VideoClip, offset_s: float) -> Iterator[SourceItem]:
        """All items of one video; the clip is closed and its losses are counted at the end."""
        side: SideTracks | None = None
        self._clip = clip
        try:
            cues = self._sidecar(clip)
            side = self._side_tracks(clip, subtitles=not cues)
            for item in self._merged(clip, side, cues, offset_s):
                if not self._due(item):
                    return
                yield item
        finally:
            if side is not None:
                side.close()
            self._clip = None
            self._dropped["undecodable"] += clip.undecodable
            clip.close()

    def _merged(
        self, clip: VideoClip, side: SideTracks | None, cues: list[Cue], offset_s: float
    ) -> Iterator[SourceItem]:
        waiting = list(reversed(cues))
        for pts_s, picture in clip.frames():
            yield from _in_order(side.until(pts_s) if side else (), _begun(waiting, pts_s), offset_s)
            yield self._frame(offset_s + pts_s, picture)
        last = list(side.rest()) if side else []
        sound_end_s = side.end_s if side else 0.0
        whole = (side is not None or not clip.has_sound) and not clip.has_subtitles
        clip.count_missing(sound_end_s if whole else None)
        clip.end_s = max(clip.end_s, sound_end_s)
        yield from _in_order(last, _begun(waiting, clip.end_s), offset_s)

    def _due(self, item: SourceItem) -> bool:
        """Wait for an item's time where the source is paced; False when the source was closed."""
        if self._stop.is_set():
            return False
        due_s = item.pts_s if isinstance(item, Frame | AudioChunk) else item.start_s
        return self._pacer is None or self._pacer.wait(due_s)

    def _frame(self, pts_s: float, picture: Picture) -> Frame:
        frame = Frame(self.name, self._index, pts_s, self.start_time + timedelta(seconds=pts_s), picture)
        self._index += 1
        return frame

    def _sidecar(self, clip: VideoClip) -> list[Cue]:
        """Cues of the transcript beside the video, on the clock of its first frame."""
        if not self._config.transcript:
            return []
        cues = read_sidecar(clip.path, self.name)
        return [_moved(cue, -clip.started_s) for cue in cues if cue.end_s > clip.started_s]

    def _side_tracks(self, clip: VideoClip, *, subtitles: bool) -> SideTracks | None:
        sound = self._config.audio and clip.has_sound
        subtitles = subtitles and self._config.transcript and clip.has_subtitles
        if not sound and not subtitles:
            return None
        try:
            return SideTracks(clip.path, self.name, clip.origin_s, sound=sound, subtitles=subtitles)
        except FFmpegError as error:
            log.warning("the sound and subtitles of %s cannot be opened: %s", clip.path.name, error.strerror)
            return None

    def _open_first(self) -> VideoClip | ArrayPicture:
        """Open the first file that can be read, so that a source that opened has something to show."""
        while True:
            path = self._files[0]
            try:
                return self._open_strictly(path)
            except SourceError as error:
                if len(self._files) == 1:
                    raise
                log.warning("passed over: %s", error)
                self._dropped["undecodable"] += 1
                self._files.pop(0)

    def _open(self, path: Path) -> VideoClip | ArrayPicture | None:
        try:
            return self._open_strictly(path)
        except SourceError as error:
            log.warning("passed over: %s", error)
            self._dropped["undecodable"] += 1
            return None

    @staticmethod
    def _open_strictly(path: Path) -> VideoClip | ArrayPicture:
        if not is_image(path):
            return VideoClip(path)
        picture = load_image(path)
        if picture is None:
            raise SourceError(f"{path.name} is no image that can be read; the file is empty or damaged")
        return picture

    def _known_duration(self) -> float | None:
        if isinstance(self._first, VideoClip) and len(self._files) == 1:
            return self._first.duration_s
        return self._config.image_s * len(self._files) if all(map(is_image, self._files)) else None

    def _guessed_start(self) -> datetime:
        """What the first file says of its making, else its age on disk, else now."""
        if isinstance(self._first, VideoClip) and self._first.created_at is not None:
            return self._first.created_at
        length_s = (self._first.duration_s or 0.0) if isinstance(self._first, VideoClip) else 0.0
        try:
            written = datetime.fromtimestamp(self._files[0].stat().st_mtime, timezone.utc)
        except (OSError, OverflowError, ValueError):
            return datetime.now(timezone.utc)
        return written - timedelta(seconds=length_s)


def _begun(waiting: list[Cue], time_s: float) -> list[Cue]:
    """Take the cues that begin at or before this time off the end of the reversed list."""
    due: list[Cue] = []
    while waiting and waiting[-1].start_s <= time_s:
        due.append(waiting.pop())
    return due


def _in_order(
    side: Iterator[AudioChunk | Cue] | Sequence[AudioChunk | Cue], cues: list[Cue], offset_s: float
) -> Iterator[SourceItem]:
    items = [*side, *cues]
    items.sort(key=lambda item: item.start_s if isinstance(item, Cue) else item.pts_s)
    for item in items:
        yield _shifted(item, offset_s) if offset_s else item


def _shifted(item: AudioChunk | Cue, by_s: float) -> AudioChunk | Cue:
    if isinstance(item, Cue):
        return _moved(item, by_s)
    return AudioChunk(item.source, item.pts_s + by_s, item.samples)


def _moved(cue: Cue, by_s: float) -> Cue:
    return Cue(cue.source, max(0.0, cue.start_s + by_s), cue.end_s + by_s, cue.text, cue.speaker)
