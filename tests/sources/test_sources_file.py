"""Files: true timestamps, sound and words in order, one timeline over a folder, pacing, closing."""

import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from video_maker import bars, make_video, rotate

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources import open_source
from perstream.sources.file import FileSource
from perstream.types import AudioChunk, Cue, Frame, SourceItem

START = datetime(2026, 5, 1, 9, 0, tzinfo=timezone.utc)


def read(path: Path, **config: bool) -> list[SourceItem]:
    return list(open_source(str(path), SourceConfig(**config), start_time=START).stream())


def frames_of(items: list[SourceItem]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def time_of(item: SourceItem) -> float:
    return item.start_s if isinstance(item, Cue) else item.pts_s


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_every_frame_once_in_order(tmp_path: Path, suffix: str) -> None:
    codec = "mpeg4" if suffix == "avi" else "libx264"
    times = [index / 12 for index in range(24)] if suffix == "avi" else None  # AVI knows one rate alone
    path = make_video(tmp_path / f"a.{suffix}", frames=24, rate=12, codec=codec, times=times)
    source = open_source(str(path), SourceConfig(), start_time=START)
    assert not source.live
    frames = frames_of(list(source.stream()))
    assert [frame.index for frame in frames] == list(range(24))
    assert [frame.pts_s for frame in frames] == pytest.approx([index / 12 for index in range(24)], abs=2e-3)
    assert all(frame.captured_at == START + timedelta(seconds=frame.pts_s) for frame in frames)
    assert {frame.source for frame in frames} == {path.name}
    assert source.duration_s == pytest.approx(2.0, abs=0.1)
    assert source.dropped == {}


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_rate_keeps_true_times(tmp_path: Path, suffix: str) -> None:
    times = [0.0, 0.033, 0.5, 0.52, 0.9, 3.0]
    path = make_video(tmp_path / f"v.{suffix}", times=times)
    assert [frame.pts_s for frame in frames_of(read(path))] == pytest.approx(times, abs=1e-3)


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    path = make_video(tmp_path / "late.mkv", times=[1.5, 1.6, 1.7])
    assert [frame.pts_s for frame in frames_of(read(path))] == pytest.approx([0, 0.1, 0.2], abs=1e-3)


@pytest.mark.parametrize(("rate", "count"), [(1, 3), (240, 48)])
def test_slow_and_fast_rates(tmp_path: Path, rate: int, count: int) -> None:
    frames = frames_of(read(make_video(tmp_path / "r.mp4", rate=rate, frames=count)))
    assert [frame.pts_s for frame in frames] == pytest.approx([index / rate for index in range(count)], abs=1e-4)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("ffv1", "yuv420p10le", "mkv"),
        ("ffv1", "gray", "mkv"),
        ("ffv1", "bgr0", "mkv"),
        ("mjpeg", "yuvj420p", "mp4"),
        ("libx264", "yuv444p", "mp4"),
    ],
)
def test_odd_sizes_and_formats(tmp_path: Path, codec: str, pix_fmt: str, suffix: str) -> None:
    path = make_video(tmp_path / f"o.{suffix}", frames=4, size=(35, 27), codec=codec, pix_fmt=pix_fmt)
    frames = frames_of(read(path))
    assert len(frames) == 4
    gray = frames[0].picture.gray(35)
    assert gray.shape == (27, 35)
    assert gray[:, :8].mean() > gray[:, -8:].mean() + 80


@pytest.mark.parametrize(("degrees", "bright"), [(90, "top"), (180, "right"), (270, "bottom")])
def test_a_phone_held_upright(tmp_path: Path, degrees: int, bright: str) -> None:
    path = rotate(make_video(tmp_path / "r.mp4", frames=2), degrees)
    picture = frames_of(read(path))[0].picture
    assert (picture.width, picture.height) == ((64, 48) if degrees == 180 else (48, 64))
    image = picture.gray(1000)
    means = {"left": image[:, 4], "right": image[:, -5], "top": image[6], "bottom": image[-6]}
    assert max(means, key=lambda name: means[name].mean()) == bright


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_sound_and_frames_in_time_order(tmp_path: Path, suffix: str) -> None:
    items = read(make_video(tmp_path / f"s.{suffix}", frames=60, tone_s=2.6))
    assert [time_of(item) for item in items] == sorted(time_of(item) for item in items)
    chunks = [item for item in items if isinstance(item, AudioChunk)]
    assert all(chunk.samples.dtype == np.int16 and chunk.samples.ndim == 1 for chunk in chunks)
    assert all(len(chunk.samples) == 8000 for chunk in chunks[1:-1])
    assert sum(len(chunk.samples) for chunk in chunks) / 16_000 == pytest.approx(2.6, abs=0.15)
    starts = [chunk.pts_s for chunk in chunks]
    assert np.diff(starts)[1:] == pytest.approx(0.5, abs=0.03)
    assert np.abs(chunks[1].samples).max() > 4000
    assert frames_of(items)[-1].index == 59


def test_recordings_joined_end_to_end_are_one_timeline(tmp_path: Path) -> None:
    one = make_video(tmp_path / "one.ts", frames=60, tone_s=2).read_bytes()
    (tmp_path / "both.ts").write_bytes(one + one)
    items = read(tmp_path / "both.ts")
    frames = frames_of(items)
    assert [time_of(item) for item in items] == sorted(time_of(item) for item in items)
    assert len(frames) >= 119
    assert frames[-1].pts_s == pytest.approx(4.0, abs=0.2)
    samples = sum(len(item.samples) for item in items if isinstance(item, AudioChunk))
    assert samples / 16_000 == pytest.approx(4.0, abs=0.3)


def test_sound_can_be_left_out(tmp_path: Path) -> None:
    path = make_video(tmp_path / "s.mp4", tone_s=1)
    assert {type(item) for item in read(path, audio=False)} == {Frame}


def test_broken_sound_does_not_stop_the_pictures(tmp_path: Path) -> None:
    path = make_video(tmp_path / "b.mp4", frames=60, tone_s=2)
    data = bytearray(path.read_bytes())
    import av

    with av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            if packet.size and packet.pos is not None:
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    assert len(frames_of(read(path))) == 60


def test_embedded_subtitles(tmp_path: Path) -> None:
    words = [(0.2, 0.5, "Anna: Hi <i>you</i>"), (0.6, 0.9, "bye")]
    items = read(make_video(tmp_path / "e.mkv", tone_s=1, subtitles=words))
    assert [item for item in items if isinstance(item, Cue)] == [
        Cue("e.mkv", 0.2, 0.5, "Hi you", "Anna"),
        Cue("e.mkv", 0.6, 0.9, "bye"),
    ]
    assert [time_of(item) for item in items] == sorted(time_of(item) for item in items)
    assert not [item for item in read(tmp_path / "e.mkv", transcript=False) if isinstance(item, Cue)]


def test_a_subtitle_from_before_the_first_frame_begins_with_it(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "e.mkv", times=[1.0, 1.1, 1.2], subtitles=[(0.2, 0.5, "gone"), (0.6, 1.1, "still here")]
    )
    cues = [item for item in read(path) if isinstance(item, Cue)]
    assert [(cue.start_s, cue.end_s, cue.text) for cue in cues] == [(0.0, 0.1, "still here")]


def test_a_side_car_wins_and_is_yielded_when_its_time_comes(tmp_path: Path) -> None:
    path = make_video(tmp_path / "day.mkv", subtitles=[(0.1, 0.4, "inside")])
    (tmp_path / "day.vtt").write_text(
        "WEBVTT\n\n00:00.500 --> 00:00.800\n<v Tom>Second\n\n00:00.200 --> 00:00.400\nFirst\n\n"
        "10:00.000 --> 10:01.000\nlong after the end\n"
    )
    items = read(path)
    cues = [item for item in items if isinstance(item, Cue)]
    assert [(cue.text, cue.speaker) for cue in cues] == [("First", None), ("Second", "Tom")]
    for cue in cues:
        following = next(item for item in items[items.index(cue) :] if isinstance(item, Frame))
        before = next(item for item in items[items.index(cue) :: -1] if isinstance(item, Frame))
        assert before.pts_s < cue.start_s <= following.pts_s


def test_a_side_car_counts_from_the_start_of_the_presentation(tmp_path: Path) -> None:
    path = make_video(tmp_path / "late.mkv", times=[1.0, 1.5, 2.0], tone_s=2)
    (tmp_path / "late.srt").write_text("1\n00:00:01,500 --> 00:00:01,900\nhello\n")
    items = read(path, audio=False)
    assert next(item for item in items if isinstance(item, Cue)).start_s == pytest.approx(0.5, abs=0.05)


def test_start_time_from_the_file_else_from_its_age(tmp_path: Path) -> None:
    told = make_video(tmp_path / "t.mp4", metadata={"creation_time": "2024-03-02T10:00:00Z"})
    assert open_source(str(told), SourceConfig()).start_time == datetime(2024, 3, 2, 10, tzinfo=timezone.utc)
    silly = make_video(tmp_path / "s.mp4", metadata={"creation_time": "1904-01-01T00:00:00Z"})
    age = datetime.fromtimestamp(silly.stat().st_mtime, timezone.utc)
    guessed = open_source(str(silly), SourceConfig()).start_time
    assert guessed == pytest.approx(age - timedelta(seconds=1), abs=timedelta(seconds=0.1))


def test_real_time_paces_and_never_drops(tmp_path: Path) -> None:
    path = make_video(tmp_path / "p.mp4", frames=6, rate=20)
    source = open_source(str(path), SourceConfig(), realtime=True)
    began = time.monotonic()
    ages = []
    for item in source.stream():
        ages.append(time.monotonic() - began)
        assert time.monotonic() - began >= time_of(item) - 0.01
        if len(ages) == 2:
            time.sleep(0.12)  # a slow consumer
    assert len(ages) == 6
    assert source.dropped == {}


def test_close_from_another_thread_ends_a_paced_stream(tmp_path: Path) -> None:
    path = make_video(tmp_path / "p.mp4", times=[0.0, 60.0])
    source = open_source(str(path), SourceConfig(), realtime=True)
    threading.Timer(0.2, source.close).start()
    began = time.monotonic()
    assert len(list(source.stream())) == 1
    assert time.monotonic() - began < 5


def test_stopping_early_releases_the_file(tmp_path: Path) -> None:
    path = make_video(tmp_path / "x.mp4", tone_s=1)
    source = FileSource([path], SourceConfig(), "x")
    items = source.stream()
    next(items)
    items.close()
    with pytest.raises(SourceError, match="already read"):
        next(source.stream())
    unused = FileSource([path], SourceConfig(), "x")
    unused.close()
    unused.close()


def test_gray_shows_the_frame_of_its_time(tmp_path: Path) -> None:
    path = make_video(tmp_path / "g.mp4", frames=12, size=(128, 96), paint=lambda i: bars(128, 96)(0) // 2 + 8 * i)
    levels = [float(frame.picture.gray(32).mean()) for frame in frames_of(read(path))]
    assert np.diff(levels) == pytest.approx(6.9, abs=1.5)  # 8 levels of RGB in video range
