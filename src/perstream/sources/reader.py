"""The process that reads a live source: FFmpeg's blocking calls happen here, where they can be killed.

A camera driver or a network peer can hold a read for ever, and no thread can be taken out of such a
call. So each connection is a process of its own: the parent watches its messages and kills it when
they stop. It reads its order (one JSON line) from stdin and ends by itself when stdin closes, so it
never outlives a parent that was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import av
from av.container.input import InputContainer
from av.error import FFmpegError
from av.packet import Packet

from perstream.errors import SourceError
from perstream.sources.device import Input
from perstream.sources.reach import Reach
from perstream.sources.relay import Relay
from perstream.sources.rtsp_relay import RtspRelay
from perstream.sources.sound import SoundChunker
from perstream.sources.wire import pack_frame, send

ALIVE_S = 0.2
"""At most this often a sign of life is sent while packets come that give no picture yet."""
DECODER_THREADS = 2
RTSP_PORT = 554
CLOCKLESS = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v", "image2pipe", "jpeg_pipe"})
"""Formats without timestamps, for which FFmpeg makes up a steady 25 frames a second."""


def main() -> None:
    """Read the order, stream until the source ends, say why it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the parent decides
    out = sys.stdout.buffer
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        send(out, {"kind": "hello"})
        _read(out, [Input(**way) for way in order["inputs"]], bool(order["sound"]))
    except OSError:
        pass  # the parent does not listen any more
    finally:
        os._exit(0)  # closing a dead connection in good order could block


def _read(out: BinaryIO, inputs: list[Input], want_sound: bool) -> None:
    try:
        container = _open(inputs)
    except FFmpegError as error:
        _say_end(out, error)
        return
    except SourceError as error:
        send(out, {"kind": "end", "clean": False, "why": str(error)})
        return
    try:
        video = next((s for s in container.streams.video if s.codec_context is not None), None)
        if video is None:
            send(out, {"kind": "end", "clean": False, "why": "it sends no video"})
            return
        video.thread_type = "AUTO"
        video.codec_context.thread_count = DECODER_THREADS
        sound = next((s for s in container.streams.audio if s.codec_context is not None), None) if want_sound else None
        finite = container.duration / av.time_base if container.duration else None
        send(out, {"kind": "opened", "duration_s": finite, "rate": float(video.average_rate or 0)})
        pump = _Pump(out, has_clock=not set(container.format.name.split(",")) & CLOCKLESS)
        for packet in container.demux([video, sound] if sound else [video]):
            if packet.stream is video:
                pump.see(packet)
            else:
                pump.hear(packet)
        send(out, {"kind": "end", "clean": True, "why": "it ended"})
    except FFmpegError as error:
        _say_end(out, error)
    except IndexError:  # PyAV at the end of a stream that grew a further track in between
        send(out, {"kind": "end", "clean": True, "why": "it ended"})


def _open(inputs: list[Input]) -> InputContainer:
    for way in inputs[:-1]:
        try:
            return av.open(way.url, format=way.format, options=way.options, metadata_errors="replace")
        except FFmpegError:
            continue  # a camera that does not offer this size or format
    way = inputs[-1]
    if way.allow is None:
        return av.open(way.url, format=way.format, options=way.options, metadata_errors="replace")
    return _connect(way, way.allow)


def _connect(way: Input, allow: tuple[str, ...]) -> InputContainer:
    """Open what lies on another machine, with every address checked. SourceError for one that is not fine."""
    parts = urlsplit(way.url)
    host, url = parts.hostname or "", way.url
    relay = Relay(Reach(host, allow))
    relay.install()
    options, rtsp = way.options, None
    if parts.scheme.lower() == "rtsp" and host not in allow:
        rtsp = RtspRelay(lambda: relay.dial(host, parts.port or RTSP_PORT))
        url, options = rtsp.url(parts), {**options, "rtsp_transport": "tcp"}
    try:
        return av.open(url, format=way.format, options=options, metadata_errors="replace")
    except FFmpegError as error:
        problem = rtsp.problem if rtsp is not None else relay.problem
        if problem is not None:
            raise SourceError(problem) from error
        raise


class _Pump:
    """Packets in, messages out."""

    def __init__(self, out: BinaryIO, *, has_clock: bool) -> None:
        self._out = out
        self._has_clock = has_clock
        self._chunker = SoundChunker()
        self._said_s = 0.0

    def see(self, packet: Packet[Any]) -> None:
        frames: list[Any] = []
        lost = packet.is_corrupt and bool(packet.size)
        try:
            frames = [] if lost else packet.decode()
        except FFmpegError:
            lost = True
        if lost or any(frame.is_corrupt for frame in frames):
            send(self._out, {"kind": "undecodable", "count": max(1, sum(f.is_corrupt for f in frames))})
        whole = [frame for frame in frames if not frame.is_corrupt]
        for frame in whole:
            known = self._has_clock and frame.pts is not None and frame.time_base is not None
            claimed = float(frame.pts * frame.time_base) if known else None
            head, planes = pack_frame(frame)
            send(self._out, {"kind": "frame", "claimed_s": claimed, **head}, planes)
        now = time.monotonic()
        if whole or now - self._said_s > ALIVE_S:
            self._said_s = now
            if not whole and packet.size:
                send(self._out, {"kind": "alive"})

    def hear(self, packet: Packet[Any]) -> None:
        try:
            frames: list[Any] = packet.decode() if packet.size else []
            for frame in frames:
                for claimed, samples in self._chunker.offer(frame):
                    send(self._out, {"kind": "sound", "claimed_s": claimed}, [samples])
        except (FFmpegError, ValueError):
            self._chunker = SoundChunker()  # broken sound does not stop the pictures


def _say_end(out: BinaryIO, error: FFmpegError) -> None:
    send(out, {"kind": "end", "clean": False, "why": (error.strerror or str(error))[:500]})


def _leave_with_parent() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)
