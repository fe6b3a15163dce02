"""The pictures of one video file, decoded by PyAV with true timestamps."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import av
from av.container.input import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from perstream.errors import SourceError
from perstream.sources.formats import of_files
from perstream.sources.picture import AvPicture, quarter_turns
from perstream.sources.timeline import Timeline

log = logging.getLogger(__name__)

DECODER_THREADS = 2
MAX_PIXELS = 8192 * 8192
DEFAULT_RATE = 25.0
MAX_READ_ERRORS = 16
"""Places in a damaged container where reading is taken up again before it is given up."""
SHORT_S = 0.5
SHORT_SHARE = 0.05
"""A file that ends earlier than it claims by more than both of these was cut off."""
TEXT_CODECS = frozenset({"ansi", "bintext", "xbin", "idf"})
"""FFmpeg can draw text files as pictures; nobody who points at one wants that."""
OLDEST = datetime(1990, 1, 1, tzinfo=timezone.utc)


class VideoClip:
    """One open video file whose first frame could be decoded.

    Raises SourceError when there is nothing to see in it. ``undecodable`` counts frames that are in
    the file, or that the file promises, and that could not be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.undecodable = 0
        self.end_s = 0.0
        """Seconds from the first frame to the end of the last one yielded so far."""
        _check_file(path)
        try:
            self._container: InputContainer = av.open(f"file:{path}", options=of_files(), metadata_errors="replace")
        except FFmpegError as error:
            raise SourceError(_why_unreadable(path, error)) from error
        try:
            self._stream = _video_stream(self._container, path.name)
            self._frames = self._decoded()
            self._first = next(self._frames, None)
            if self._first is None:
                raise SourceError(f"{path.name}: not one picture in it can be decoded; the file is empty or damaged")
        except BaseException:
            self._container.close()
            raise
        rate = float(self._stream.average_rate or self._stream.guessed_rate or DEFAULT_RATE)
        self._timeline = Timeline(step_s=1 / rate)
        self._timeline.place(_claimed_s(self._first))
        self.origin_s = self._timeline.origin_s or 0.0
        """The file's own time of the first frame."""

    @property
    def started_s(self) -> float:
        """First frame relative to the start of the presentation, which side-car transcripts count from."""
        start = self._container.start_time
        return max(0.0, self.origin_s - start / av.time_base) if start is not None else 0.0

    @property
    def duration_s(self) -> float | None:
        """Length of the pictures from the first one on as the file claims it, or None."""
        whole, pictures = self._container.duration, self._stream.duration
        lengths = [whole / av.time_base - self.started_s] if whole else []
        if pictures and self._stream.time_base:
            lengths.append(float(pictures * self._stream.time_base))
        return max(0.0, min(lengths)) if lengths else None

    @property
    def created_at(self) -> datetime | None:
        """When the recording began, if the file says so and it is believable."""
        for tags in (self._container.metadata, self._stream.metadata):
            for key in ("com.apple.quicktime.creationdate", "creation_time", "date"):
                found = _sane_time(tags.get(key, ""))
                if found is not None:
                    return found
        return None

    def frames(self) -> Iterator[tuple[float, AvPicture]]:
        """(seconds since the first frame, picture) of everything that can be decoded, once."""
        frame = self._first
        self._first = None
        placed = 0.0
        while frame is not None:
            self.end_s = placed + max(self._timeline.step_s, self._shown_s(frame))
            yield placed, AvPicture(frame, quarter_turns(frame))
            frame = next(self._frames, None)
            if frame is not None:
                placed = self._timeline.place(_claimed_s(frame))

    def count_missing(self, sound_end_s: float | None) -> None:
        """After the last frame: count what the file promised and did not hold.

        ``sound_end_s`` is where its sound ended; None when there is sound that was not read, which
        leaves the end of the file unknown.
        """
        promised = self.duration_s
        if promised is None or sound_end_s is None:
            return
        short_s = promised - max(self.end_s, sound_end_s)
        if short_s > max(SHORT_S, SHORT_SHARE * promised):
            missing = round(short_s / self._timeline.step_s)
            log.warning("%s ends %.1f s early: it was cut off", self.path.name, short_s)
            self.undecodable += max(1, missing)

    @property
    def has_sound(self) -> bool:
        return bool(self._container.streams.audio)

    @property
    def has_subtitles(self) -> bool:
        return bool(self._container.streams.subtitles)

    def close(self) -> None:
        self._frames.close()
        self._container.close()

    @staticmethod
    def _shown_s(frame: VideoFrame) -> float:
        """How long the file shows a frame; a recording of a screen may show its last one for minutes."""
        ticks = getattr(frame, "duration", None)  # not in every PyAV
        return float(ticks * frame.time_base) if ticks and frame.time_base else 0.0

    def _decoded(self) -> Generator[VideoFrame, None, None]:
        for packet in self._packets():
            if packet.is_corrupt and packet.size:
                self.undecodable += 1
                continue
            try:
                frames = self._stream.decode(packet)
            except FFmpegError:
                self.undecodable += 1
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self.undecodable += 1
                else:
                    yield frame

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets of the pictures; goes on behind damage as long as the container lets it."""
        for _ in range(MAX_READ_ERRORS):
            try:
                yield from self._container.demux(self._stream)
                return
            except FFmpegError as error:
                self.undecodable += 1
                log.warning("%s is damaged: %s", self.path.name, error.strerror)
            except IndexError:
                # PyAV stumbles at the end of a file where damage looked like a new stream; all was read by then.
                log.warning("%s is damaged: a stream in it appears from nowhere", self.path.name)
                return


def _check_file(path: Path) -> None:
    """Say what is wrong with a path before FFmpeg puts it less clearly."""
    try:
        if not path.exists():
            raise SourceError(f"no such file or folder: {path}; check the path")
        if not path.is_file():
            raise SourceError(f"{path} is no regular file; give a video file, a folder, webcam:N or a stream's URL")
        if path.stat().st_size == 0:
            raise SourceError(f"{path.name} is empty (0 bytes); copy or record it again")
        with path.open("rb"):
            pass
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not pictures:
        if container.streams.audio:
            raise SourceError(f"{name} has sound but no pictures; PerStream needs a video")
        raise SourceError(f"{name} holds no video; PerStream needs a video, a folder of images, a camera or a stream")
    stream = pictures[0]
    context = stream.codec_context
    if context is None:
        raise SourceError(f"{name}: no decoder for its video; convert it to H.264 first")
    if context.name in TEXT_CODECS:
        raise SourceError(f"{name} is a text file, not a video")
    if stream.width * stream.height > MAX_PIXELS:
        raise SourceError(f"{name}: {stream.width} x {stream.height} pixels are too many; scale it down first")
    stream.thread_type = "AUTO"
    context.thread_count = DECODER_THREADS
    return stream


def _why_unreadable(path: Path, error: FFmpegError) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        head = b""
    if head[4:8] == b"ftyp":
        return f"{path.name} is an incomplete or damaged MP4 (no index in it); copy it again or repair it"
    if isinstance(error, av.error.InvalidDataError):
        return f"{path.name} is no video that can be read: not a known format, or damaged"
    return f"cannot open {path.name}: {error.strerror}"


def _claimed_s(frame: VideoFrame) -> float | None:
    return None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)


def _sane_time(text: str) -> datetime | None:
    text = text.strip().replace("Z", "+00:00")
    if "T" not in text and " " not in text:
        return None  # a mere date is no time of day
    try:
        found = datetime.fromisoformat(re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", text))
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone.utc)
    found = found.astimezone(timezone.utc)
    return found if OLDEST <= found <= datetime.now(timezone.utc) + timedelta(days=1) else None
