"""Camera motion in words: the right word, or none."""

from __future__ import annotations

import pytest
from perception_world import crop, noisy, plain, room, view

from perstream.perception.motion import MotionObserver


def words(before, after, seconds=0.5, scene=0):
    observer = MotionObserver()
    assert observer.see(view(before, 10.0)) == ()
    return [one.text for one in observer.see(view(after, 10.0 + seconds, scene=scene))]


@pytest.mark.parametrize(
    ("move", "word"),
    [
        ({"x": 830}, "turning right"),
        ({"x": 900}, "turning right"),
        ({"x": 700}, "turning left"),
        ({"y": 380}, "looking up"),
        ({"y": 520}, "looking down"),
        ({"zoom": 1.1}, "moving forward"),
        ({"zoom": 0.9}, "moving backward"),
        ({"angle": 6.0}, "tilting"),
    ],
)
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_the_word_for_a_move(move, word, seed):
    wall = room(seed)
    assert words(crop(wall, 800, 450, noise_seed=1), crop(wall, **{"x": 800, "y": 450, **move}, noise_seed=2)) == [word]


def test_a_camera_at_rest_says_nothing():
    wall = room(1)
    assert words(crop(wall, 800, 450, noise_seed=1), crop(wall, 801, 450, noise_seed=2)) == []


@pytest.mark.parametrize("seed", [2, 4])
def test_a_passing_thing_is_not_the_camera(seed):
    before, after = crop(room(seed), 800, 450, noise_seed=1), crop(room(seed), 800, 450, noise_seed=2)
    thing = crop(room(77), 400, 300)[:120, :120]
    before[100:220, 150:270] = thing
    after[100:220, 200:320] = thing
    assert words(before, after) == ["something moves"]


def test_a_hand_before_a_wall_with_something_fixed_on_it():
    before = plain(190)
    for x in (30, 430, 520):
        before[40:140, x : x + 70] = (40, 60, 90)
    after = before.copy()
    after[120:300, 200:320] = (150, 90, 70)
    assert words(noisy(before, 1), noisy(after, 2)) == ["something moves"]


def test_a_bare_wall_tells_nothing():
    """Without anything fixed in view it could as well be the camera that moved."""
    before, after = plain(190), plain(190)
    after[60:260, 200:320] = (150, 90, 70)
    assert words(noisy(before, 1), noisy(after, 2)) == []


def test_another_view_or_light_is_no_motion():
    wall = crop(room(1), 800, 450)
    assert words(wall, crop(room(2), 800, 450)) == []
    assert words(wall, (wall * 0.7 + 40).astype("uint8")) == []


def test_too_far_apart_or_another_scene_is_not_compared():
    wall = room(1)
    moved = crop(wall, 830, 450)
    assert words(crop(wall, 800, 450), moved, seconds=5.0) == []
    assert words(crop(wall, 800, 450), moved, scene=1) == []
