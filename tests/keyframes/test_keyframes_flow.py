"""The two flows measure known shifts; the parts of a check do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from keyframe_worlds import shot, wall

from perstream.keyframes.cells import FLOOR, NOISE_WINDOW_S, Noise, cell_means, exposed_like, quartiles
from perstream.keyframes.cuts import colours, hellinger, likeness
from perstream.keyframes.flow import lucas_kanade, optical_flow, warped
from perstream.types import ByteArray

WALL = wall(1)


def gray(x: float, y: float, width: int = 160, height: int = 90) -> ByteArray:
    return np.ascontiguousarray(shot(WALL, x, y, width, height)[..., 1])


@pytest.mark.parametrize("mode", ["dis", "lk"])
@pytest.mark.parametrize(
    "shift", [(0.0, 0.0), (1.5, 0.0), (0.0, -1.5), (6.0, 0.0), (0.0, 6.0), (-9.0, 5.0), (16.0, 0.0)]
)
def test_a_known_shift_is_measured(mode: str, shift: tuple[float, float]) -> None:
    flow = optical_flow(mode)(gray(300, 300), gray(300 - shift[0], 300 - shift[1]), (0, 0))  # type: ignore[arg-type]
    assert flow.shape == (90, 160, 2)
    middle = np.median(flow[20:-20, 20:-20], axis=(0, 1))
    assert middle == pytest.approx(shift, abs=max(0.35, 0.06 * max(map(abs, shift))))


@pytest.mark.parametrize("mode", ["dis", "lk"])
def test_a_guess_helps_to_find_what_is_far_away(mode: str) -> None:
    flow = optical_flow(mode)(gray(300, 300), gray(250, 290), (48, 9))  # type: ignore[arg-type]
    assert np.median(flow[20:-20, 60:-60], axis=(0, 1)) == pytest.approx((50, 10), abs=1.0)


@pytest.mark.parametrize("mode", ["dis", "lk"])
@pytest.mark.parametrize("width,height", [(16, 16), (1, 1), (160, 2), (5, 300)])
def test_tiny_pictures_have_a_flow(mode: str, width: int, height: int) -> None:
    flow = optical_flow(mode)(gray(300, 300, width, height), gray(301, 300, width, height), (0, 0))  # type: ignore[arg-type]
    assert flow.shape == (height, width, 2)
    assert np.isfinite(flow).all()


def test_lucas_kanade_invents_no_motion_where_there_is_nothing_to_see() -> None:
    bare = np.full((90, 160), 100, np.uint8)
    assert np.abs(lucas_kanade(bare, bare + 20)).max() < 0.5


def test_warped_takes_the_motion_out() -> None:
    a, b = gray(300, 300), gray(305, 302)
    aligned = warped(b, optical_flow("dis")(a, b, (0, 0)))
    assert likeness(a, aligned) > 0.97
    assert likeness(a, b) < 0.8


def test_likeness_hears_structure_and_not_light() -> None:
    a = gray(300, 300)
    assert likeness(a, (a * 0.5 + 60).astype(np.uint8)) > 0.99
    assert abs(likeness(a, gray(900, 700))) < 0.5
    assert likeness(np.full_like(a, 3), np.full_like(a, 200)) == 1.0


def test_hellinger_is_zero_for_the_same_and_one_for_nothing_in_common() -> None:
    red, green = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60, 3), np.uint8)
    red[..., 0], green[..., 1] = 250, 90
    assert hellinger(colours(red), colours(red)) == pytest.approx(0, abs=1e-3)
    assert hellinger(colours(red), colours(green)) > 0.9
    assert colours(red).sum() == pytest.approx(1.0)


def test_exposure_is_matched() -> None:
    a = gray(300, 300)
    b = np.clip(a * 0.6 + 70, 0, 255).astype(np.uint8)
    matched = exposed_like(a, quartiles(a), quartiles(b))
    assert np.abs(matched.astype(int) - b).mean() < 3


def test_cells_cover_every_pixel() -> None:
    picture = np.zeros((90, 160), np.float32)
    picture[-1, -1] = 640
    cells = cell_means(picture)
    assert cells.shape == (11, 20)
    assert cells[-1, -1] > 0
    assert cell_means(np.ones((1, 1), np.float32)).shape == (1, 1)


def test_noise_is_that_of_the_calmest_recent_check() -> None:
    noise = Noise()
    assert noise.level == 0
    assert noise.threshold == FLOOR
    noise.learn(0.0, np.full((4, 5), 3.0, np.float32))
    noise.learn(1.0, np.full((4, 5), 9.0, np.float32))
    assert noise.level == 3.0
    noise.learn(1.0 + NOISE_WINDOW_S, np.full((4, 5), 7.0, np.float32))
    assert noise.level == 7.0
    noise.learn(2.0 + NOISE_WINDOW_S, np.full((4, 5), 0.1, np.float32))
    assert noise.threshold == FLOOR
