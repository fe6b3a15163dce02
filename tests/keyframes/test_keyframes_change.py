"""Cuts, and small things that change in a view at rest."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from keyframe_worlds import film, frames, reasons, sample, shot, wall

from perstream.types import ByteArray

ONE, TWO = wall(1), wall(2)
VIEW = shot(ONE, 300, 300)
SETTLED = ["first", "settled", "dwell"]


@pytest.mark.parametrize("mode", ["dis", "lk"])
def test_a_cut_is_kept_at_once_and_opens_a_scene(mode: str) -> None:
    kept = sample(film(lambda t: shot(TWO if t >= 3 else ONE, 300, 300), 6), mode=mode)
    assert reasons(kept) == [*SETTLED, "cut", "settled", "dwell"]
    assert [k.scene for k in kept] == [0, 0, 0, 1, 1, 1]
    assert 3.0 <= kept[3].pts_s <= 3.1


def test_a_cut_in_the_middle_of_a_pan() -> None:
    red = (TWO * np.array([1.0, 0.5, 0.4])).astype(np.uint8)
    kept = sample(film(lambda t: shot(red if t >= 2.5 else ONE, 300 + 90 * t, 300), 5))
    assert reasons(kept).count("cut") == 1
    assert {k.scene for k in kept} == {0, 1}


def test_a_camera_swung_round_in_one_room_is_no_cut() -> None:
    def look(t: float) -> ByteArray:
        turn = float(np.clip((t - 2) / 0.9, 0, 1))
        view = shot(ONE, 100 + 550 * (1 - np.cos(np.pi * turn)), 300)  # up to six picture widths per second
        return cv2.blur(view, (1 + int(60 * np.sin(np.pi * turn)), 1))

    kept = sample(film(look, 5))
    assert {k.scene for k in kept} == {0}
    assert reasons(kept)[-2:] == ["settled", "dwell"]
    assert kept[-2].pts_s > 2.8


def test_another_picture_size_is_a_cut() -> None:
    def look(i: int) -> ByteArray:
        return VIEW if i < 30 else shot(ONE, 300, 300, 200, 180)

    kept = sample(frames((i / 15, lambda i=i: look(i)) for i in range(60)))
    assert next(k.reason for k in kept if k.scene == 1) == "cut"
    assert kept[-1].rgb.shape == (180, 200, 3)


def test_another_room_in_like_colours_is_kept_at_once() -> None:
    a, b = (np.repeat(wall(seed)[:, :, :1], 3, axis=2) for seed in (3, 4))
    kept = sample(film(lambda t: shot(b if t >= 3 else a, 300, 300), 5))
    assert any(3.0 <= k.pts_s <= 3.2 for k in kept)


def with_object(t: float, size: int = 24, at: float = 3.0) -> ByteArray:
    picture = VIEW.copy()
    if t >= at:
        picture[90 : 90 + size, 150 : 150 + size] = (225, 215, 200)
    return picture


@pytest.mark.parametrize("size", [16, 24, 60])
@pytest.mark.parametrize("sigma", [0, 8])
def test_an_object_put_down_is_looked_at_twice(size: int, sigma: float) -> None:
    rng = np.random.default_rng(3)

    def look(t: float) -> ByteArray:
        picture = with_object(t, size) + rng.normal(0, sigma, VIEW.shape)
        return np.clip(picture, 0, 255).astype(np.uint8)

    kept = sample(film(look, 7, fps=10))
    assert reasons(kept) == [*SETTLED, "settled", "dwell"]
    assert 3.3 <= kept[3].pts_s <= 4.0
    assert {k.scene for k in kept} == {0}


def test_an_object_taken_away_again_is_a_change_too() -> None:
    kept = sample(film(lambda t: with_object(t if t < 6 else 0), 9, fps=10))
    assert reasons(kept) == [*SETTLED, "settled", "dwell", "settled", "dwell"]


def page(seed: int) -> ByteArray:
    rng = np.random.default_rng(seed)
    sheet = np.full((360, 640, 3), 235, np.uint8)
    for line in range(13):
        words = "".join(rng.choice(list("abcdefghij klmnop"), 42))
        cv2.putText(sheet, words, (150, 30 + 25 * line), 0, 0.45, (20, 20, 20), 1, cv2.LINE_AA)
    sheet[:, :130] = shot(ONE, 300, 300, 130, 360)
    sheet[:, 600:] = 90
    return sheet


def test_a_page_turned_by_a_hand_is_read_twice_and_the_hand_is_not() -> None:
    pages = [page(1), page(2)]

    def look(t: float) -> ByteArray:
        picture = pages[int(t >= 4)].copy()
        if 3 < t < 4:
            x = int(300 + 250 * np.sin((t - 3) * 6))
            picture[100:300, x - 50 : x + 50] = (190, 140, 110)
        return picture

    kept = sample(film(look, 7))
    assert reasons(kept) == [*SETTLED, "settled", "dwell"]
    assert 4.2 <= kept[3].pts_s <= 5.0


def test_something_that_passes_through_is_not_worth_a_keyframe() -> None:
    def look(t: float) -> ByteArray:
        picture = VIEW.copy()
        if t > 2:
            x = int(40 * (t - 2)) % 280
            picture[60:100, x : x + 30] = 220
        return picture

    assert reasons(sample(film(look, 9, fps=15))) == SETTLED


def test_a_fan_that_turns_for_ever_is_ignored() -> None:
    def look(t: float) -> ByteArray:
        picture = VIEW.copy()
        cv2.ellipse(picture, (200, 90), (30, 8), 700 * t, 0, 360, (230, 230, 230), -1)
        return picture

    assert reasons(sample(film(look, 20, fps=15))) == SETTLED
