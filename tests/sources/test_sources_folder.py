"""A folder of videos and images is one timeline."""

from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
from video_maker import make_video

from perstream.config import SourceConfig
from perstream.sources import open_source
from perstream.types import Cue, Frame, SourceItem

START = datetime(2026, 5, 1, 9, 0, tzinfo=timezone.utc)


def frames_of(items: list[SourceItem]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def time_of(item: SourceItem) -> float:
    return item.start_s if isinstance(item, Cue) else item.pts_s


def test_a_folder_is_one_timeline(tmp_path: Path) -> None:
    make_video(tmp_path / "clip2.mp4", frames=10, rate=10, tone_s=1)
    (tmp_path / "clip2.srt").write_text("1\n00:00:00,300 --> 00:00:00,900\nsecond clip\n")
    make_video(tmp_path / "clip10.mp4", frames=10, rate=10)
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30, 3), (0, 0, 255), np.uint8))
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    (tmp_path / "notes.txt").write_text("not for us")
    source = open_source(str(tmp_path), SourceConfig(image_s=3.0), start_time=START)
    items = list(source.stream())
    frames = frames_of(items)
    assert [time_of(item) for item in items] == sorted(time_of(item) for item in items)
    assert [frame.index for frame in frames] == list(range(21))
    assert frames[0].picture.rgb(30)[5, 5].tolist() == [255, 0, 0]
    assert [frame.pts_s for frame in frames[:3]] == pytest.approx([0, 3.0, 3.1])
    assert frames[11].pts_s == pytest.approx(4.0, abs=0.1)
    assert next(item for item in items if isinstance(item, Cue)).start_s == pytest.approx(3.3, abs=0.01)
    assert source.dropped == {"undecodable": 1}
    assert source.name == tmp_path.name


def test_images_have_a_sane_duration(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f"shot{number}.jpg"), np.full((16, 16, 3), number * 20, np.uint8))
    source = open_source(str(tmp_path), SourceConfig())
    frames = frames_of(list(source.stream()))
    assert [frame.pts_s for frame in frames] == [0.0, 2.0, 4.0]
    assert [round(frame.picture.gray(16).mean(), -1) for frame in frames] == [20, 40, 200]
    assert source.duration_s == 6.0


def test_an_image_file_alone(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "big.png"), np.full((300, 4000, 3), 120, np.uint8))
    (frame,) = frames_of(list(open_source(str(tmp_path / "big.png"), SourceConfig()).stream()))
    assert (frame.picture.width, frame.picture.height) == (1920, 144)


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.full((40, 60, 3), 20, np.uint8)
    pixels[:, :30] = 230
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # orientation 6: turn right
    (tmp_path / "p.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:])
    (frame,) = frames_of(list(open_source(str(tmp_path), SourceConfig()).stream()))
    gray = frame.picture.gray(100)
    assert gray.shape == (60, 40)
    assert gray[:20].mean() > 200 > 60 > gray[-20:].mean()
