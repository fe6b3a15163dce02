"""What a user types: every kind is recognised, everything else is refused with what is supported."""

import subprocess
import sys
from pathlib import Path

import pytest
from video_maker import make_video

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources import open_source
from perstream.sources.device import Input, camera_inputs
from perstream.sources.opener import _public_name


@pytest.mark.parametrize("uri", ["ftp://host/file", "gopher://x", "concat://a|b", "no/such/file.mp4", "0", "", "  "])
def test_refused_with_what_is_supported(uri: str) -> None:
    with pytest.raises(SourceError, match=r"webcam:N, rtsp://…, rtmp://… or http\(s\)://…"):
        open_source(uri, SourceConfig())


@pytest.mark.parametrize("uri", ["http://", "rtsp:///path", "http://host:99999999/x", "http://ho\nst/", "a\0b"])
def test_broken_names_are_refused(uri: str) -> None:
    with pytest.raises(SourceError):
        open_source(uri, SourceConfig())


def test_a_name_of_ten_thousand_letters() -> None:
    with pytest.raises(SourceError):
        open_source("x" * 10_000, SourceConfig())


def test_a_file_by_path_url_and_name(tmp_path: Path) -> None:
    path = make_video(tmp_path / "my day.mp4", frames=3)
    for uri in (str(path), path.as_uri(), f"  {path} "):
        source = open_source(uri, SourceConfig())
        assert source.name == "my day.mp4"
        source.close()
    assert open_source(str(path), SourceConfig(), name="glasses").name == "glasses"


@pytest.mark.skipif(sys.platform != "linux", reason="cameras are files on Linux")
def test_a_camera_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="webcam:97 is not there"):
        open_source("webcam:97", SourceConfig())


def test_cameras_of_other_platforms() -> None:
    assert camera_inputs(1, "darwin")[0] == Input(
        "1:none", "avfoundation", {"video_size": "1280x720", "framerate": "30"}
    )


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        ("rtsp://me:secret@10.0.0.5:554/cam?token=abc", "rtsp://10.0.0.5:554/cam"),
        ("https://host/a/b.m3u8#x", "https://host/a/b.m3u8"),
        ("rtsp://[::1]:8554/x", "rtsp://[::1]:8554/x"),
    ],
)
def test_names_hold_no_secret(uri: str, public: str) -> None:
    assert _public_name(uri) == public


def test_errors_hold_no_secret() -> None:
    with pytest.raises(SourceError) as caught:
        open_source("rtsp://me:secret@127.0.0.1:1/cam?token=secret", SourceConfig())
    assert "secret" not in str(caught.value)


def test_importing_the_room_is_free() -> None:
    program = "import perstream.sources, sys; print([m for m in ('av', 'cv2', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"
