"""Sound and embedded subtitles of a video file, read apart from its pictures.

A container of its own keeps the order in time whatever the file's interleaving is, and what is broken
here cannot stop the pictures.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.packet import Packet

from perstream.sources.cue_text import of_ass
from perstream.sources.formats import of_files
from perstream.sources.sound import CHUNK, RATE_HZ, SoundChunker
from perstream.sources.timeline import Timeline
from perstream.sources.transcript import MAX_CUES, cues_of, decode_text
from perstream.types import AudioChunk, Cue, SampleArray

log = logging.getLogger(__name__)

LOOK_AHEAD_S = 2.0
"""Packets may be out of order by about this much."""
BREAK_S = 10.0
"""Packets out of order by more than this come from recordings that were joined."""
PLAIN_SUBTITLES = frozenset({"subrip", "srt", "webvtt", "text"})
STYLED_SUBTITLES = frozenset({"ass", "ssa", "mov_text"})
MAX_ERRORS = 50
"""Broken sound packets in a row before the sound is given up."""


class SideTracks:
    """Yields chunks and cues up to a time; times are seconds since the first frame."""

    def __init__(self, path: Path, source: str, origin_s: float, *, sound: bool, subtitles: bool) -> None:
        self.end_s = 0.0
        """Where the sound ends, as far as it was read."""
        self._source = source
        self._origin_s = origin_s
        self._ready: list[tuple[float, int, AudioChunk | Cue]] = []
        self._order = itertools.count()
        self._read_to = Timeline(step_s=0.0, origin_s=origin_s, rewind_s=BREAK_S)
        self._heard = Timeline(step_s=CHUNK / RATE_HZ, origin_s=origin_s)
        self._errors = 0
        self._cues = 0
        self._chunker = SoundChunker()
        self._container = av.open(f"file:{path}", options=of_files(), metadata_errors="replace")
        streams = self._container.streams
        self._sound = next((s for s in streams.audio if s.codec_context is not None), None) if sound else None
        known = PLAIN_SUBTITLES | STYLED_SUBTITLES
        self._subtitle = (
            next((s for s in streams.subtitles if s.codec_context is not None and s.codec_context.name in known), None)
            if subtitles
            else None
        )
        self._packets: Iterator[Packet[Any]] | None = self._container.demux() if self._sound or self._subtitle else None

    def until(self, time_s: float) -> Iterator[AudioChunk | Cue]:
        """What begins at or before this time, in order."""
        while self._packets is not None and self._read_to.last_s <= time_s + LOOK_AHEAD_S:
            self._read()
        while self._ready and self._ready[0][0] <= time_s:
            yield heapq.heappop(self._ready)[2]

    def rest(self) -> Iterator[AudioChunk | Cue]:
        """The sound after the last frame, and the cues that begin while it lasts."""
        while self._packets is not None:
            self._read()
        yield from self.until(self.end_s)

    def close(self) -> None:
        self._packets = None
        self._container.close()

    def _read(self) -> None:
        """Take in one packet."""
        assert self._packets is not None
        try:
            packet = next(self._packets)
        except StopIteration:
            self._give_up(None)
            return
        except (FFmpegError, IndexError) as error:  # IndexError: damage that looks like a new stream
            self._give_up(error)
            return
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is not None and packet.time_base is not None:
            self._read_to.place(float(stamp * packet.time_base))
        if self._sound is not None and packet.stream.index == self._sound.index:
            self._hear(packet)
        elif self._subtitle is not None and packet.stream.index == self._subtitle.index and packet.size:
            self._read_subtitle(packet)

    def _give_up(self, error: Exception | None) -> None:
        if error is not None:
            log.warning("the sound or subtitles of %s cannot be read further: %s", self._source, error)
        self._packets = None
        for start_s, samples in self._chunker.finish():
            self._keep_sound(start_s, samples)

    def _hear(self, packet: Packet[Any]) -> None:
        assert self._sound is not None
        try:
            for frame in self._sound.decode(packet) if packet.size else ():
                for start_s, samples in self._chunker.offer(frame):
                    self._keep_sound(start_s, samples)
            self._errors = 0
        except (FFmpegError, ValueError) as error:
            self._errors += 1
            if self._errors >= MAX_ERRORS:
                log.warning("the sound of %s is not usable: %s", self._source, error)
                self._sound = None

    def _keep_sound(self, claimed_s: float, samples: SampleArray) -> None:
        early = round((self._origin_s - claimed_s) * RATE_HZ) if self.end_s == 0.0 else 0
        if early >= len(samples):
            return  # from before the first frame
        if early > 0:
            samples, claimed_s = samples[early:], self._origin_s
        chunk = AudioChunk(self._source, self._heard.place(claimed_s), samples)
        self.end_s = max(self.end_s, chunk.pts_s + len(chunk.samples) / RATE_HZ)
        heapq.heappush(self._ready, (chunk.pts_s, next(self._order), chunk))

    def _read_subtitle(self, packet: Packet[Any]) -> None:
        assert self._subtitle is not None
        if packet.pts is None or packet.time_base is None or self._cues >= MAX_CUES:
            return
        start_s = round(float(packet.pts * packet.time_base) - self._origin_s, 3)
        end_s = round(start_s + float((packet.duration or 0) * packet.time_base), 3)
        try:
            if self._subtitle.codec_context.name in PLAIN_SUBTITLES:
                payload = decode_text(bytes(packet))
            else:
                rects = self._subtitle.decode(packet)
                payload = "\n".join(of_ass(decode_text(rect.ass)) for rect in rects if hasattr(rect, "ass"))
        except FFmpegError:
            return
        for cue in cues_of(payload, start_s, end_s, self._source):
            self._cues += 1
            if cue.end_s > 0:  # one that was begun before the first frame begins with it
                cue = replace(cue, start_s=max(0.0, cue.start_s))
                heapq.heappush(self._ready, (cue.start_s, next(self._order), cue))
