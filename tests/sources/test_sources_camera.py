"""A camera and its reader process: what hangs is killed, what is killed comes back, nothing is left."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stream_server import until_after_a_gap

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources.device import Input
from perstream.sources.live import LiveSource
from perstream.types import Frame

QUICK = SourceConfig(open_deadline_s=5.0, read_deadline_s=1.0, backoff_min_s=0.05, backoff_max_s=0.2)
CAMERA = [Input("testsrc2=size=64x48:rate=30,realtime", "lavfi")]
"""FFmpeg's test picture in real time stands in for a camera."""


@pytest.fixture
def camera() -> Iterator[LiveSource]:
    source = LiveSource(CAMERA, QUICK, "webcam:9")
    yield source
    source.close()


def test_a_slow_consumer_gets_the_newest_frame(camera: LiveSource) -> None:
    items = camera.stream()
    next(items)
    time.sleep(1.0)
    stale, newest = next(items), next(items)
    assert isinstance(stale, Frame) and isinstance(newest, Frame)
    assert camera.dropped["behind"] > 10
    assert newest.pts_s > 0.5
    assert newest.index == 2
    items.close()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "reason"), [("SIGKILL", "lost"), ("SIGSTOP", "stalled")])
def test_a_camera_that_vanishes_or_hangs_in_its_driver(camera: LiveSource, number: str, reason: str) -> None:
    items = camera.stream()
    next(items)
    process = camera._connection._process  # type: ignore[union-attr]
    os.kill(process.pid, getattr(signal, number))
    _, gap, after = until_after_a_gap(items)
    assert gap.reason == reason
    assert gap.end_s == after.pts_s
    assert process.poll() is not None  # the stuck reader is gone
    items.close()
    assert not camera.connected


def test_nothing_is_left_behind(camera: LiveSource) -> None:
    items = camera.stream()
    next(items)
    process = camera._connection._process  # type: ignore[union-attr]
    items.close()
    assert process.poll() is not None
    assert not [thread for thread in threading.enumerate() if thread.name == "perstream-live"]
    with pytest.raises(SourceError, match="already read"):
        next(camera.stream())


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_reader_shows_no_password_and_does_not_outlive_its_parent() -> None:
    program = (
        "import os, signal; from perstream.config import SourceConfig; from perstream.sources.device import Input\n"
        "from perstream.sources.live import LiveSource\n"
        "camera = Input('testsrc2=size=64x48:rate=30,realtime,drawbox=0:0:1:1', 'lavfi')\n"
        "source = LiveSource([camera], SourceConfig(), 'c')\n"
        "print(source._connection._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    line = Path(f"/proc/{int(parent.stdout)}/cmdline")
    until = time.monotonic() + 20
    while line.exists() and b"perstream" in (text := _read(line)) and time.monotonic() < until:
        assert b"drawbox" not in text
        time.sleep(0.05)
    assert time.monotonic() < until


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
