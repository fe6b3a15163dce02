"""Live sources: nothing a peer or a camera does can wedge them, and the timeline tells what was missed."""

import dataclasses
import functools
import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from stream_server import StreamServer, say_nothing, send_rtsp, send_stream, until_after_a_gap
from video_maker import make_video

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources import open_source
from perstream.sources.rtsp_relay import RtspRelay
from perstream.types import AudioChunk, Frame, Gap, SourceItem

QUICK = SourceConfig(open_deadline_s=5.0, read_deadline_s=1.0, backoff_min_s=0.05, backoff_max_s=0.2)
Serve = Callable[..., StreamServer]


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Twelve seconds of MPEG-TS with sound."""
    path = make_video(tmp_path_factory.mktemp("ts") / "live.ts", frames=360, tone_s=12, container="mpegts")
    return path.read_bytes()


@pytest.fixture
def serve(broadcast: bytes) -> Iterator[Serve]:
    servers: list[StreamServer] = []

    def start(*acts: object, port: int = 0) -> StreamServer:
        servers.append(StreamServer(acts, broadcast, 12.0, port))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def url_of(server: StreamServer, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.port}/live"


def check_gap(before: list[SourceItem], gap: Gap, after: Frame) -> None:
    frames = [item for item in before if isinstance(item, Frame)]
    assert gap.start_s == frames[-1].pts_s
    assert gap.started_at == frames[-1].captured_at
    assert gap.end_s == after.pts_s > gap.start_s
    assert gap.ended_at == after.captured_at
    assert after.index == frames[-1].index + 1
    # Time went on over the gap: the timeline and the wall clock agree.
    wall_s = (gap.ended_at - gap.started_at).total_seconds()
    assert gap.end_s - gap.start_s == pytest.approx(wall_s, abs=0.5)


def test_frames_and_sound_of_a_stream(serve: Serve) -> None:
    server = serve(send_stream(60))
    source = open_source(url_of(server).replace("//", "//me:secret@") + "?key=secret", QUICK)
    assert source.live
    assert source.duration_s is None
    assert source.name == f"http://127.0.0.1:{server.port}/live"
    items = []
    for item in source.stream():
        items.append(item)
        if sum(isinstance(item, Frame) for item in items) >= 40:
            source.close()
    frames = [item for item in items if isinstance(item, Frame)]
    assert [frame.index for frame in frames] == list(range(len(frames)))
    times = [frame.pts_s for frame in frames]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert frames[0].captured_at == source.start_time
    assert abs((datetime.now(timezone.utc) - frames[-1].captured_at).total_seconds()) < 5
    assert frames[0].picture.rgb(64).shape == (48, 64, 3)
    chunks = [item for item in items if isinstance(item, AudioChunk)]
    assert chunks
    assert all(chunk.samples.dtype.name == "int16" for chunk in chunks)


def test_an_rtsp_camera_that_stops_and_comes_back(serve: Serve) -> None:
    server = serve(send_rtsp(0.8, then_wait=True), send_rtsp(60))
    source = open_source(url_of(server, "rtsp"), QUICK)
    before, gap, after = until_after_a_gap(source.stream())
    source.close()
    check_gap(before, gap, after)
    assert gap.reason == "stalled"
    assert after.picture.gray(64).shape == (48, 64)


def test_a_camera_behind_a_relay(serve: Serve) -> None:
    server = serve(send_rtsp(60))
    relay = RtspRelay(lambda: socket.create_connection(("127.0.0.1", server.port)))
    source = open_source(relay.url(urlsplit(url_of(server, "rtsp"))), QUICK)
    frames = [item for item, _ in zip(source.stream(), range(20), strict=False) if isinstance(item, Frame)]
    source.close()
    relay.close()
    assert frames and frames[-1].picture.gray(64).shape == (48, 64)


def test_a_server_that_falls_silent(serve: Serve) -> None:
    source = open_source(url_of(serve(send_stream(0.5, then_wait=True), send_stream(60))), QUICK)
    before, gap, after = until_after_a_gap(source.stream())
    source.close()
    check_gap(before, gap, after)
    assert gap.reason == "stalled"
    assert gap.end_s - gap.start_s >= 0.9


def test_a_server_that_hangs_up(serve: Serve) -> None:
    source = open_source(url_of(serve(send_stream(0.5), send_stream(60))), QUICK)
    before, gap, after = until_after_a_gap(source.stream())
    source.close()
    check_gap(before, gap, after)
    assert gap.reason == "lost"


def test_a_server_that_is_gone_for_a_while(serve: Serve) -> None:
    first = serve(send_stream(0.5))
    source = open_source(url_of(first), dataclasses.replace(QUICK, open_deadline_s=1.5))

    def replace() -> None:
        first.close()
        time.sleep(0.8)
        serve(say_nothing, send_stream(60), port=first.port)

    items = source.stream()
    next(items)
    thread = threading.Thread(target=replace)
    thread.start()
    _, gap, _ = until_after_a_gap(items)
    thread.join()
    source.close()
    assert gap.reason == "lost"
    assert gap.end_s - gap.start_s > 0.8


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp"])
def test_a_server_that_accepts_and_never_answers(serve: Serve, scheme: str) -> None:
    server = serve(say_nothing)
    config = SourceConfig(open_deadline_s=0.5)
    with pytest.raises(SourceError, match=r"no picture within 0\.5 s"):
        open_source(url_of(server, scheme), config)
    assert server.connections == 1


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_nobody_listens(serve: Serve, scheme: str) -> None:
    server = serve(say_nothing)
    server.close()
    with pytest.raises(SourceError, match=r"cannot open .*refused"):
        open_source(url_of(server, scheme), QUICK)


def test_close_while_the_peer_is_silent(serve: Serve) -> None:
    source = open_source(url_of(serve(send_stream(0.5, then_wait=True))), SourceConfig(read_deadline_s=60))
    closing: list[float] = []

    def close() -> None:
        closing.append(time.monotonic())
        source.close()

    timer = threading.Timer(1.5, close)
    timer.start()
    items = list(source.stream())
    assert time.monotonic() - closing[0] < 1.0
    assert isinstance(items[-1], Frame | AudioChunk)
    timer.join()


def test_close_while_it_is_being_opened_again(serve: Serve) -> None:
    source = open_source(
        url_of(serve(send_stream(0.3), say_nothing)), SourceConfig(open_deadline_s=60, backoff_min_s=0.01)
    )
    timer = threading.Timer(2.0, source.close)
    timer.start()
    began = time.monotonic()
    assert not [item for item in source.stream() if isinstance(item, Gap)]
    timer.join()
    assert time.monotonic() - began < 20


def test_a_recording_on_a_web_server_loses_nothing_and_ends(tmp_path: Path) -> None:
    make_video(tmp_path / "day.mp4", frames=90, tone_s=3)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        start = datetime(2026, 5, 1, tzinfo=timezone.utc)
        source = open_source(f"http://127.0.0.1:{server.server_port}/day.mp4", QUICK, start_time=start)
        assert not source.live
        assert source.duration_s == pytest.approx(3.0, abs=0.1)
        frames = []
        for item in source.stream():
            if isinstance(item, Frame):
                frames.append(item)
                time.sleep(0.002)
        with pytest.raises(SourceError, match="cannot open"):
            open_source(f"http://127.0.0.1:{server.server_port}/missing.mp4", QUICK)
        server.shutdown()
    assert [frame.pts_s for frame in frames] == pytest.approx([index / 30 for index in range(90)], abs=1e-3)
    assert frames[0].captured_at == start
    assert source.dropped == {}


def test_a_page_is_no_stream(serve: Serve) -> None:
    def page(server: StreamServer, connection: object) -> None:
        connection.recv(4096)  # type: ignore[attr-defined]
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n<html>hello</html>")  # type: ignore[attr-defined]

    with pytest.raises(SourceError, match="cannot open"):
        open_source(url_of(serve(page)), QUICK)
