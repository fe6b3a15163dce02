"""A camera that moves: keyframes by distance, not by frame rate, size or direction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from keyframe_worlds import HEIGHT, WIDTH, LazyPicture, film, frames, reasons, sample, shot, wall

from perstream.config import KeyframeConfig
from perstream.keyframes.sampler import KeyframeSampler
from perstream.types import ByteArray

WALL = wall(1)


def pan(speed: float, seconds: float, fps: float = 30, direction: tuple[float, float] = (1, 0), **settings):  # type: ignore[no-untyped-def]
    """Keyframes of a pan at ``speed`` picture widths per second."""
    dx, dy = WIDTH * speed * direction[0], WIDTH * speed * direction[1]
    return sample(film(lambda t: shot(WALL, 100 + dx * t, 100 + dy * t), seconds, fps), **settings)


def walk(t: float) -> ByteArray:
    return shot(WALL, 300 + 100 * np.sin(0.9 * t), 300 + 60 * np.sin(1.7 * t))


@pytest.mark.parametrize("mode", ["dis", "lk"])
@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (0.7, 0.7)])
def test_both_components_count(direction: tuple[float, float], mode: str) -> None:
    kept = pan(0.25, 6, direction=direction, mode=mode)
    assert 8 <= len(kept) <= 13  # 1.5 widths at 0.15 widths each, the first, and the end
    assert kept[3].motion == pytest.approx(0.25, rel=0.3)


@pytest.mark.parametrize("mode", ["dis", "lk"])
def test_keyframes_grow_with_the_distance(mode: str) -> None:
    counts = [reasons(pan(speed, 6, mode=mode)).count("motion") for speed in (0.1, 0.2, 0.4)]
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] >= 2.5 * counts[0]


def test_a_lower_threshold_keeps_more() -> None:
    assert len(pan(0.2, 6, motion_threshold=0.12)) > 1.6 * len(pan(0.2, 6, motion_threshold=0.3))


def test_a_creeping_pan_is_not_missed() -> None:
    kept = pan(0.02, 20, fps=10)
    later = [k for k in kept if k.pts_s > 3]
    assert len(later) >= 2
    assert len(kept) <= 10


def test_a_pan_too_fast_to_follow_is_still_kept() -> None:
    kept = pan(1.5, 1.6)
    assert reasons(kept).count("motion") >= 2
    assert kept[-1].scene == 0


def test_a_walk_gives_a_steady_trickle() -> None:
    kept = sample(film(walk, 12))
    gaps = np.diff([k.pts_s for k in kept])
    assert 12 <= len(kept) <= 24
    assert gaps.max() <= 1.5
    assert gaps.min() >= 0.5 - 1e-6


@pytest.mark.parametrize("fps", [5, 30, 240])
def test_the_frame_rate_does_not_matter(fps: float) -> None:
    assert len(sample(film(walk, 6, fps))) == pytest.approx(len(sample(film(walk, 6, 15))), abs=2)


def test_a_variable_frame_rate_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.choice([1 / 60, 1 / 30, 1 / 7], 120))
    times = times[times < 6] - times[0]
    kept = sample(frames((float(t), lambda t=float(t): walk(t)) for t in times))
    assert len(kept) == pytest.approx(len(sample(film(walk, 6, 15))), abs=3)


def test_one_frame_per_second_is_enough_to_see_a_walk() -> None:
    kept = sample(film(walk, 10, fps=1))
    assert 6 <= len(kept) <= 10


def test_frames_between_two_checks_are_not_even_looked_at() -> None:
    stream = list(film(walk, 2, fps=240))
    sample(stream)
    touched = sum(not f.picture.untouched for f in stream if isinstance(f.picture, LazyPicture))
    assert touched <= 2 * 10 + 2


@pytest.mark.parametrize("width,height", [(16, 16), (1, 1), (3, 200), (400, 2), (91, 160), (161, 97), (33, 31)])
def test_odd_sizes_work(width: int, height: int) -> None:
    kept = sample(film(lambda t: shot(WALL, 300 + width * 0.4 * t, 300, width, height), 3, 15))
    assert kept[0].reason == "first"
    assert kept[0].rgb.shape == (height, width, 3)
    if min(width, height) > 30:
        assert reasons(kept).count("motion") >= 4


def test_a_large_picture_counts_as_a_small_one_does() -> None:
    big = film(lambda t: shot(WALL, 100 + 2 * WIDTH * 0.25 * t, 100, 2 * WIDTH, 2 * HEIGHT), 4, 15)
    assert len(sample(big)) == pytest.approx(len(pan(0.25, 4, 15)), abs=1)


def test_a_repeated_or_standing_time_stamp_does_no_harm() -> None:
    stream = list(frames((t, lambda t=t: walk(t)) for t in (0.0, 0.0, 0.1, 0.1, 0.1, 0.2)))
    assert sample(stream)[0].index == 0


def test_two_samplers_share_nothing() -> None:
    alone = sample(film(walk, 4, 15))
    first, second = (KeyframeSampler(KeyframeConfig()) for _ in range(2))
    other = wall(9)
    kept, others = [], []
    pairs = itertools.zip_longest(film(walk, 4, 15), film(lambda t: shot(other, 90 + 80 * t, 50, 200, 100), 4, 15))
    for a, b in pairs:
        kept += first.offer(a)
        others += second.offer(b)
    kept += first.finish()
    assert [(k.index, k.reason) for k in kept] == [(k.index, k.reason) for k in alone]
    assert others


def test_a_second_run_is_the_same_to_the_bit() -> None:
    runs = [sample(film(walk, 4, 15)) for _ in range(2)]
    for a, b in zip(*runs, strict=True):
        assert (a.index, a.reason, a.motion, a.sharpness) == (b.index, b.reason, b.motion, b.sharpness)
        assert np.array_equal(a.rgb, b.rgb)


def test_a_keyframe_says_where_it_is_from() -> None:
    stream = list(film(walk, 3))
    for k in sample(stream, max_side_px=100):
        frame = stream[k.index]
        assert (k.source, k.pts_s, k.captured_at) == (frame.source, frame.pts_s, frame.captured_at)
        assert max(k.rgb.shape) <= 100
        assert k.sharpness > 0
