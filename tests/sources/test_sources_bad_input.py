"""Bad input: one clear line each; what can be decoded of a damaged file is still yielded."""

from pathlib import Path

import av
import pytest
from video_maker import make_sound, make_video, noise

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources import open_source
from perstream.types import Frame


def refused(path: Path | str) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(str(path), SourceConfig())
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


def count(path: Path) -> tuple[int, dict[str, int]]:
    source = open_source(str(path), SourceConfig())
    frames = sum(isinstance(item, Frame) for item in source.stream())
    return frames, dict(source.dropped)


def test_missing(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nothing.mp4")


def test_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refused(tmp_path / "empty.mp4")


def test_empty_folder(tmp_path: Path) -> None:
    assert "no video and no image" in refused(tmp_path)


def test_folder_of_broken_files(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x" * 5000)
    (tmp_path / "b.jpg").write_bytes(b"x" * 5000)
    assert "b.jpg" in refused(tmp_path)


@pytest.mark.parametrize("name", ["text.mp4", "text.txt"])
def test_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Dear diary, today I filmed nothing.\n" * 40)
    assert "no video" in refused(tmp_path / name) or "text file" in refused(tmp_path / name)


def test_subtitles_under_a_video_name(tmp_path: Path) -> None:
    (tmp_path / "s.mp4").write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n\n")
    assert "holds no video" in refused(tmp_path / "s.mp4")


def test_sound_alone(tmp_path: Path) -> None:
    assert "no pictures" in refused(make_sound(tmp_path / "song.m4a"))


def test_no_frames(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "none.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    assert "none.mkv" in refused(tmp_path / "none.mkv")


def test_garbage(tmp_path: Path) -> None:
    (tmp_path / "g.mp4").write_bytes(bytes(range(256)) * 400)
    assert "no video that can be read" in refused(tmp_path / "g.mp4")


def test_pictures_that_are_all_garbage(tmp_path: Path) -> None:
    path = make_video(tmp_path / "g.mp4", frames=12)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    assert "not one picture" in refused(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "no regular file" in refused(tmp_path / "pipe.mp4")


def test_cut_off_before_the_index(tmp_path: Path) -> None:
    path = make_video(tmp_path / "cut.mp4", frames=30, paint=noise(64, 48))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "incomplete or damaged MP4" in refused(path)


@pytest.mark.parametrize(("suffix", "options"), [("mp4", {"movflags": "faststart"}), ("mkv", {})])
@pytest.mark.parametrize("tone_s", [0.0, 4.0])
def test_truncated_yields_what_is_there_and_counts_the_rest(
    tmp_path: Path, suffix: str, options: dict[str, str], tone_s: float
) -> None:
    path = make_video(tmp_path / f"t.{suffix}", frames=120, paint=noise(64, 48), options=options, tone_s=tone_s)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, dropped = count(path)
    assert 40 < frames < 80
    assert dropped.keys() == {"undecodable"}
    assert frames + dropped["undecodable"] == pytest.approx(120, abs=4)


def test_a_whole_file_counts_nothing(tmp_path: Path) -> None:
    assert count(make_video(tmp_path / "w.mkv", frames=45, tone_s=4)) == (45, {})


def test_damage_in_the_middle(tmp_path: Path) -> None:
    path = make_video(tmp_path / "d.mp4", frames=60, paint=noise(64, 48))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes((index * 37) % 256 for index in range(4000))
    path.write_bytes(data)
    frames, dropped = count(path)
    assert 50 <= frames < 60
    assert dropped["undecodable"] == pytest.approx(60 - frames, abs=2)


def test_metadata_that_is_no_utf8(tmp_path: Path) -> None:
    path = make_video(tmp_path / "m.mkv", metadata={"title": "QQQQQQQQ"})
    path.write_bytes(path.read_bytes().replace(b"QQQQQQQQ", b"\xff\xfe\xe9\xe8QQQQ"))
    assert count(path)[0] == 30


def test_a_name_that_looks_like_a_protocol(tmp_path: Path) -> None:
    assert count(make_video(tmp_path / "a.mp4").rename(tmp_path / "concat:10-30%d.mp4"))[0] == 30
