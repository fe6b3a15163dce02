"""A camera at rest: almost nothing, whatever the sensor, the lamp and the exposure do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from keyframe_worlds import film, frames, reasons, sample, shot, wall

from perstream.types import ByteArray

WALL = wall(1)
VIEW = shot(WALL, 300, 300)
SETTLED = ["first", "settled", "dwell"]


def noisy(picture: ByteArray, sigma: float, rng: np.random.Generator) -> ByteArray:
    return np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("mode", ["dis", "lk"])
@pytest.mark.parametrize("sigma", [0, 4, 10, 25])
def test_a_noisy_still_room_is_looked_at_and_looked_at_again_and_no_more(sigma: float, mode: str) -> None:
    rng = np.random.default_rng(5)
    kept = sample(film(lambda t: noisy(VIEW, sigma, rng), 10, fps=10), mode=mode)
    assert reasons(kept) == SETTLED
    assert all(k.motion < 0.02 for k in kept)


@pytest.mark.parametrize("sigma", [0, 4, 25])
def test_noise_on_a_bare_wall_is_not_followed(sigma: float) -> None:
    rng = np.random.default_rng(6)
    bare = np.full_like(VIEW, 90)
    assert reasons(sample(film(lambda t: noisy(bare, sigma, rng), 8, fps=10))) == SETTLED


def test_noise_in_a_dark_room_is_not_followed() -> None:
    rng = np.random.default_rng(7)
    dark = shot(wall(1, contrast=0.15) // 3, 300, 300)
    assert reasons(sample(film(lambda t: noisy(dark, 12, rng), 8, fps=10))) == SETTLED


@pytest.mark.parametrize(
    "light",
    [
        pytest.param(lambda v, t: v + (20 if t > 3 else 0), id="20 brighter at once"),
        pytest.param(lambda v, t: v + (60 if t > 3 else 0), id="60 brighter, partly clipped"),
        pytest.param(lambda v, t: v * (0.4 if t > 3 else 1), id="lamp off"),
        pytest.param(lambda v, t: v * (1 + 0.4 * np.sin(t)), id="auto exposure"),
        pytest.param(
            lambda v, t: v * (1 + 0.08 * np.sin(46 * t + np.arange(len(v)) / 20))[:, None, None], id="mains flicker"
        ),
    ],
)
def test_light_alone_is_no_motion(light) -> None:  # type: ignore[no-untyped-def]
    def look(t: float) -> ByteArray:
        return np.clip(light(VIEW.astype(np.float32), t), 0, 255).astype(np.uint8)

    assert reasons(sample(film(look, 6))) == SETTLED


def test_a_hand_held_rest_is_a_rest() -> None:
    def look(t: float) -> ByteArray:
        return shot(WALL, 300 + 3 * np.sin(5 * t) + 2 * np.sin(11 * t), 300 + 3 * np.cos(4 * t))

    assert reasons(sample(film(look, 8))) == SETTLED


def test_the_sharpest_frame_of_the_stretch_is_kept() -> None:
    blurred = cv2.blur(VIEW, (9, 9))

    def look(i: int) -> ByteArray:
        return VIEW if i == 5 else blurred

    kept = sample(frames((i / 10, lambda i=i: look(i)) for i in range(20)))
    assert kept[1].reason == "settled"
    assert kept[1].index == 5
    assert kept[1].sharpness > 1.2 * kept[0].sharpness


def test_a_rest_too_short_to_settle_is_kept_when_the_source_ends() -> None:
    settings = {"settle_s": 5.0, "dwell_s": 60.0}
    stream = list(film(lambda t: VIEW, 2, fps=10))
    assert reasons(sample(stream, finish=False, **settings)) == ["first"]
    assert reasons(sample(stream, **settings)) == ["first", "settled"]


def test_dwell_waits_as_long_as_told() -> None:
    kept = sample(film(lambda t: VIEW, 6, fps=10), dwell_s=4.0)
    assert reasons(kept) == SETTLED
    assert 3.0 <= kept[2].pts_s <= 4.2


def test_a_covered_lens_and_back_is_one_new_look_at_most() -> None:
    kept = sample(film(lambda t: VIEW * 0 if 3 < t < 5 else VIEW, 8))
    assert len(kept) <= 6
    assert all(k.rgb.any() for k in kept)


def test_a_flash_is_no_cut() -> None:
    kept = sample(film(lambda t: np.full_like(VIEW, 250) if 3 < t < 3.04 else VIEW, 6))
    assert reasons(kept) == SETTLED
    assert kept[-1].scene == 0
