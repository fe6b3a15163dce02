"""The keyframe benchmark on a small clip of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from perstream.errors import SourceError
from perstream.lab.bench_keyframes import FPS, bench_keyframes, write_clip


def test_a_clip_is_measured(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, seconds=3, width=320, height=180)
    result = bench_keyframes(clip, 1)
    assert result.frames == 3 * FPS
    assert 3 <= result.keyframes <= 15
    assert result.decode_cpu_s > 0
    assert result.ratio == pytest.approx(result.total_cpu_s / result.decode_cpu_s, rel=0.01)


def test_a_missing_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        bench_keyframes(tmp_path / "none.mp4", 1)
