"""Colour, light, faces, codes and places on drawn pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from perception_world import START, crop, keyframe, noisy, plain, room, texture, view

from perstream.perception.codes import CodeObserver
from perstream.perception.color import NAMES, ColorObserver
from perstream.perception.light import LightObserver
from perstream.perception.people import PeopleObserver
from perstream.perception.place import PlaceObserver
from perstream.perception.view import View


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((10, 10, 12), "black"),
        ((128, 128, 130), "gray"),
        ((250, 250, 248), "white"),
        ((200, 25, 30), "red"),
        ((240, 130, 20), "orange"),
        ((110, 65, 35), "brown"),
        ((225, 205, 170), "beige"),
        ((245, 220, 40), "yellow"),
        ((40, 140, 50), "green"),
        ((40, 180, 180), "turquoise"),
        ((30, 60, 190), "blue"),
        ((120, 40, 150), "purple"),
        ((245, 150, 180), "pink"),
    ],
)
def test_colors_have_their_names(rgb, name):
    picture = np.full((90, 160, 3), rgb, np.uint8)
    (seen,) = ColorObserver().see(view(noisy(picture, 0)))
    assert seen.text == name
    assert seen.score > 0.9


def test_every_color_name_has_an_example():
    assert len(NAMES) == 13


def test_largest_area_first_and_small_gray_areas_unnamed():
    picture = plain(250)
    picture[:, :200] = (30, 60, 190)
    picture[:60, 400:460] = (10, 10, 10)
    picture[200:300, 500:600] = (200, 25, 30)
    (seen,) = ColorObserver().see(view(picture))
    assert seen.text == "white, blue" or seen.text == "white, blue, red"
    assert "black" not in seen.text


@pytest.mark.parametrize(("level", "names"), [(5, ["dark"]), (50, ["dim"]), (128, []), (240, ["bright"])])
def test_level_of_light(level, names):
    assert [one.text for one in LightObserver().see(view(plain(level)))] == names


def test_light_switched_on_and_off():
    observer, wall = LightObserver(), crop(room(3), 800, 450).astype(np.float32)
    assert observer.see(view((wall * 0.5).astype(np.uint8), 0.0)) == ()
    assert [one.text for one in observer.see(view(wall.astype(np.uint8), 1.0))] == ["brighter"]
    assert "darker" in [one.text for one in observer.see(view((wall * 0.4).astype(np.uint8), 2.0))]


def test_a_brighter_view_is_no_change_of_light():
    observer = LightObserver()
    observer.see(view(crop(room(3), 400, 450) // 2, 0.0))
    assert "brighter" not in [one.text for one in observer.see(view(crop(room(4), 800, 450), 1.0))]


def test_no_faces_in_texture_and_jumble():
    observer = PeopleObserver()
    pictures = [texture(1), texture(2), crop(room(1), 800, 450), crop(room(2), 500, 450)]
    assert [observer.see(view(picture, 2.0 * i)) for i, picture in enumerate(pictures)] == [()] * 4


def test_a_drawn_face_is_counted_and_looked_for_at_intervals():
    observer = PeopleObserver()
    (seen,) = observer.see(view(_face(plain(120)), 0.0))
    assert seen.text == "1"
    left, top, right, bottom = seen.box
    assert left < 0.5 < right and top < 0.5 < bottom
    assert observer.see(view(_face(plain(120)), 0.5)) == ()
    assert len(observer.see(view(_face(plain(120)), 1.6))) == 1


def _face(picture):
    """A shaded oval with brows, eyes, nose and mouth: enough for a Haar cascade."""
    cv2.ellipse(picture, (320, 180), (70, 95), 0, 0, 360, (205, 170, 150), -1)
    cv2.ellipse(picture, (320, 105), (74, 40), 0, 180, 360, (50, 40, 35), -1)
    for x in (290, 350):
        cv2.ellipse(picture, (x, 162), (20, 10), 0, 0, 360, (110, 85, 75), -1)
        cv2.ellipse(picture, (x, 164), (13, 6), 0, 0, 360, (240, 240, 240), -1)
        cv2.circle(picture, (x, 164), 6, (30, 20, 20), -1)
        cv2.ellipse(picture, (x, 148), (20, 4), 0, 0, 360, (60, 45, 40), -1)
    cv2.ellipse(picture, (320, 195), (9, 22), 0, 0, 360, (225, 190, 168), -1)
    cv2.ellipse(picture, (320, 212), (14, 4), 0, 0, 360, (140, 100, 90), -1)
    cv2.ellipse(picture, (320, 238), (26, 7), 0, 0, 360, (150, 70, 70), -1)
    return cv2.GaussianBlur(picture, (0, 0), 2.5)


@pytest.mark.parametrize("side", [110, 200])
def test_a_qr_code_is_read(side):
    picture = _with_qr(plain(200), "https://example.org/menu", side)
    (seen,) = CodeObserver().see(view(noisy(picture, 1)))
    assert (seen.text, seen.score) == ("https://example.org/menu", 1.0)
    assert seen.box[2] - seen.box[0] == pytest.approx(side / 640, rel=0.35)


def test_a_turned_qr_code_and_its_untrusted_content():
    picture = _with_qr(plain(200), "line one\nline two\x07", 200)
    turned = cv2.warpAffine(picture, cv2.getRotationMatrix2D((300, 180), 25, 1), (640, 360), borderValue=(200,) * 3)
    (seen,) = CodeObserver().see(view(turned))
    assert seen.text == "line one line two"


@pytest.mark.parametrize("module", [2, 4, 5])
def test_an_ean_bar_code_is_read_when_the_view_is_calm(module):
    picture = plain(255)
    _draw_ean(picture, "4006381333931", 70, 100, module, 140)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.8)
    observer = CodeObserver()
    assert observer.see(view(picture, 0.0, "motion")) == ()
    (seen,) = observer.see(view(picture, 0.1, "settled"))
    assert seen.text == "4006381333931"


def test_no_codes_in_texture():
    assert CodeObserver().see(view(texture(5))) == ()


def _with_qr(picture, content, side):
    code = cv2.QRCodeEncoder.create().encode(content)
    code = cv2.copyMakeBorder(code, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=255)
    code = cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST)
    picture[80 : 80 + side, 200 : 200 + side] = code[..., None]
    return picture


def _draw_ean(picture, digits, x, y, module, height):
    left = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
    right = ["".join("10"[int(bit)] for bit in code) for code in left]
    even = [code[::-1] for code in right]
    parity = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()[int(digits[0])]
    first = [(left if p == "L" else even)[int(d)] for p, d in zip(parity, digits[1:7], strict=True)]
    bars = "101" + "".join(first) + "01010" + "".join(right[int(d)] for d in digits[7:]) + "101"
    for i, bar in enumerate(bars):
        if bar == "1":
            picture[y : y + height, x + i * module : x + (i + 1) * module] = 0


def test_the_same_place_after_something_else():
    observer, kitchen, hall = PlaceObserver(), room(11), room(12)
    at, said = 0.0, []
    for wall, shift in ((kitchen, 0), (hall, 0), (kitchen, 30)):
        for step in range(4):
            picture = crop(wall, 800 + shift + step, 450, noise_seed=step)
            said += [(at, one.text) for one in observer.see(view(picture, at))]
            at += 9.0
    assert said == [(72.0, START.isoformat())]


def test_a_place_never_left_and_a_new_place_say_nothing():
    observer, kitchen = PlaceObserver(), room(11)
    for step in range(12):
        assert observer.see(view(crop(kitchen, 800 + 3 * step, 450, noise_seed=step), 9.0 * step)) == ()
    for seed in range(20, 26):
        assert observer.see(view(crop(room(seed), 800, 450), 130.0 + 20 * seed)) == ()


def test_a_blank_wall_is_never_recognised():
    observer = PlaceObserver()
    for at, picture in enumerate([plain(200), texture(1), plain(200), texture(2), plain(200)]):
        assert observer.see(view(noisy(picture, at), 60.0 * at)) == ()


def test_a_view_says_what_changed():
    wall = crop(room(5), 800, 450)
    first = view(wall)
    assert not view(noisy(wall, 9)).changed_since(first)
    patched = wall.copy()
    patched[100:130, 300:360] = 255 - patched[100:130, 300:360]
    assert view(patched).changed_since(first)
    assert view(crop(room(6), 800, 450)).changed_since(first)
    assert View(keyframe(texture(0, 200, 200))).changed_since(first)
