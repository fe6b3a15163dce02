"""Between perception and memory: lines of one look, pictures around a finding, what is said."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from perstream.privacy.lines import screened
from perstream.privacy.redact import KINDS
from perstream.privacy.screen import COARSE_PX, Screen, coarse
from perstream.types import Keyframe, Observation, ObservationKind, Withheld

START = datetime(2026, 3, 5, 9, 0, tzinfo=timezone.utc)
CARD = "4111 1111 1111 1111"
BOX = (0.2, 0.4, 0.8, 0.5)


def line(text, box=BOX, pts_s=0.0, kind=ObservationKind.TEXT, votes=2):
    return Observation(kind, text, 0.95, pts_s, pts_s, votes, box)


def picture(seed=1, shift=0):
    """Noise: what is covered must not look like it any more."""
    noise = np.random.default_rng(seed).integers(0, 256, (36, 64, 3)).astype(np.uint8)
    return np.roll(np.repeat(np.repeat(noise, 10, 0), 10, 1), shift, axis=1)


def keyframe(pts_s=0.0, rgb=None, scene=0, reason="settled"):
    shown = picture() if rgb is None else rgb
    return Keyframe("cam", int(pts_s * 30), pts_s, START + timedelta(seconds=pts_s), shown, reason, 0.0, 9.0, scene)


def inside(rgb, box=BOX):
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    return rgb[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]


def is_covered(rgb, box=BOX):
    part = inside(rgb, box)
    return bool((part == part[0, 0]).all())


# --- lines ------------------------------------------------------------------------------------


def test_a_card_in_four_lines():
    groups = [line(part, (0.1, 0.1 + 0.06 * i, 0.3, 0.15 + 0.06 * i)) for i, part in enumerate(CARD.split())]
    found = screened([line("LOCKER 4417", (0.6, 0.1, 0.9, 0.15)), *groups], KINDS)
    assert [one.text for one in found] == ["LOCKER 4417", *["[card number]"] * 4]
    assert [one.found for one in found] == [(), (("card", CARD.replace(" ", "\n")),), (), (), ()]


def test_a_card_in_pieces_of_one_row():
    pieces = [line("1111 1111", (0.5, 0.41, 0.8, 0.49)), line("4111 1111", (0.2, 0.4, 0.48, 0.48))]
    assert [one.kind for one in screened(pieces, KINDS)] == ["card", "card"]


def test_a_label_above_its_value_and_one_beside():
    above = [line("Password", (0.2, 0.40, 0.4, 0.45)), line("latte2024", (0.2, 0.46, 0.4, 0.51))]
    assert [one.text for one in screened(above, KINDS)] == ["Password", "[password]"]
    beside = [line("Password:", (0.2, 0.40, 0.4, 0.45)), line("banana", (0.5, 0.40, 0.7, 0.45))]
    assert [one.text for one in screened(beside, KINDS)] == ["Password:", "[password]"]


def test_lines_far_apart_are_not_one_text():
    apart = [line("Password", (0.1, 0.1, 0.3, 0.15)), line("B12 to Altona", (0.1, 0.8, 0.3, 0.85))]
    assert [one.kind for one in screened(apart, KINDS)] == [None, None]


def test_a_key_that_goes_on_in_the_next_line():
    key = [line("sk-abcdEFGH1234ijklMNOP5678", (0.1, 0.1, 0.9, 0.15)), line("qrST90uvWX12yz", (0.1, 0.16, 0.5, 0.21))]
    assert [one.text for one in screened(key, KINDS)] == ["[access key]", "[access key]"]
    words = [line("sk-abcdEFGH1234ijklMNOP5678", (0.1, 0.1, 0.9, 0.15)), line("Settings", (0.1, 0.16, 0.5, 0.21))]
    assert screened(words, KINDS)[1].text == "Settings"


# --- pictures ---------------------------------------------------------------------------------


def test_a_line_with_a_secret_is_covered_and_counted_once():
    screen = Screen(KINDS)
    shown, kept, withheld = screen.see(keyframe(), [line(f"VISA {CARD}"), line("LOCKER 4417", (0.1, 0.1, 0.4, 0.2))])
    assert [one.text for one in kept] == ["VISA [card number]", "LOCKER 4417"]
    assert withheld == (Withheld("card", 1, "read"),)
    assert is_covered(shown.rgb)
    assert (inside(shown.rgb, (0.1, 0.1, 0.15, 0.3)) == inside(picture(), (0.1, 0.1, 0.15, 0.3))).all()
    _, kept, again = screen.see(keyframe(1.0), [line(f"VISA {CARD}", pts_s=1.0)])
    assert kept[0].text == "VISA [card number]"
    assert again == ()


def test_a_view_at_rest_stays_covered_while_nothing_is_read():
    screen = Screen(KINDS)
    screen.see(keyframe(), [line(CARD)])
    later, _, _ = screen.see(keyframe(5.0, reason="dwell"), [])
    assert is_covered(later.rgb)
    assert (later.rgb[:50] == picture()[:50]).all()


def test_another_reading_of_the_same_place_is_the_same_secret():
    screen = Screen(KINDS)
    screen.see(keyframe(), [line("password: hunter2")])
    shown, kept, withheld = screen.see(keyframe(1.0), [line("passvvord: hunter2", pts_s=1.0)])
    assert "hunter2" not in kept[0].text
    assert withheld == ()
    assert is_covered(shown.rgb)


def test_a_secret_read_again_elsewhere_is_known():
    screen = Screen(KINDS)
    screen.see(keyframe(), [line("Password: sunny-otter-42")])
    moved = (0.1, 0.1, 0.7, 0.2)
    shown, kept, _ = screen.see(keyframe(1.0, picture(1, 100)), [line("Passwurd: sunny-otter-42", moved, 1.0)])
    assert "otter" not in kept[0].text
    assert is_covered(shown.rgb, moved)


def test_pictures_around_it_in_which_it_was_not_read_are_coarse():
    screen = Screen(KINDS)
    before, _, _ = screen.see(keyframe(0.0, picture(1, 200), reason="motion"), [])
    at_rest, _, _ = screen.see(keyframe(0.6), [])
    assert (before.rgb == picture(1, 200)).all()
    screen.see(keyframe(1.0), [line(CARD, pts_s=1.0)])
    assert (before.rgb == coarse(picture(1, 200))).all()
    assert is_covered(at_rest.rgb)
    after, _, _ = screen.see(keyframe(2.0, picture(1, 300), reason="motion"), [])
    assert (after.rgb == coarse(picture(1, 300))).all()
    gone, _, _ = screen.see(keyframe(9.0, picture(1, 300), reason="motion"), [])
    assert (gone.rgb == picture(1, 300)).all()


def test_another_scene_is_left_alone():
    screen = Screen(KINDS)
    first, _, _ = screen.see(keyframe(0.0, picture(5), scene=0), [])
    screen.see(keyframe(1.0, scene=1), [line(CARD, pts_s=1.0)])
    assert (first.rgb == picture(5)).all()


def test_what_is_coarse_holds_no_letter():
    shown = coarse(picture())
    assert shown.shape == (360, 640, 3)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) <= COARSE_PX * COARSE_PX
    assert coarse(np.zeros((3, 2, 3), np.uint8)).shape == (3, 2, 3)


def test_a_picture_that_cannot_be_written_to():
    fixed = picture()
    fixed.flags.writeable = False
    screen = Screen(KINDS)
    before, _, _ = screen.see(keyframe(0.0, fixed), [])
    screen.see(keyframe(0.5), [line(CARD, pts_s=0.5)])
    assert is_covered(before.rgb)


def test_codes():
    screen = Screen(KINDS)
    wifi = line("WIFI:S:Harbour;T:WPA;P:pear-21;;", (0.4, 0.3, 0.6, 0.7), kind=ObservationKind.CODE)
    product = line("4006381333931", (0.1, 0.8, 0.3, 0.9), kind=ObservationKind.CODE)
    shown, kept, withheld = screen.see(keyframe(), [wifi, product])
    assert [one.text for one in kept] == ["WIFI:S:Harbour;T:WPA;P:[password];;", "4006381333931"]
    assert is_covered(shown.rgb, wifi.box)
    assert not is_covered(shown.rgb, product.box)
    assert withheld == (Withheld("password", 1, "read"),)


def test_other_observations_pass():
    screen = Screen(KINDS)
    others = [line("2", None, kind=ObservationKind.PEOPLE), line("red", None, kind=ObservationKind.COLOR)]
    rgb = picture()
    shown, kept, withheld = screen.see(keyframe(0.0, rgb), others)
    assert kept == tuple(others)
    assert shown.rgb is rgb
    assert withheld == ()


def test_switched_off():
    screen = Screen(())
    kept = [line(CARD)]
    frame = keyframe()
    assert screen.see(frame, kept) == (frame, tuple(kept), ())
    said = [line(f"my card is {CARD}", None, kind=ObservationKind.TRANSCRIPT)]
    assert screen.hear(said) == (tuple(said), ())


# --- what is said -----------------------------------------------------------------------------


def said(text, pts_s=0.0, speaker=None):
    return Observation(ObservationKind.TRANSCRIPT, text, 1.0, pts_s, pts_s + 1, speaker=speaker)


def test_a_question_and_its_answer_in_two_lines():
    screen = Screen(KINDS)
    (first,), none = screen.hear([said("What's the wifi password?")])
    (second,), withheld = screen.hear([said("It's sunny-otter-42, all small.", 2.0)])
    assert first.text == "What's the wifi password?"
    assert none == ()
    assert second.text == "It's [password], all small."
    assert withheld == (Withheld("password", 1, "heard"),)


def test_a_card_in_two_lines():
    screen = Screen(KINDS)
    screen.hear([said("The number is 4111 1111")])
    (second,), _ = screen.hear([said("1111 1111, until May.", 2.0)])
    assert second.text == "[card number], until May."


@pytest.mark.parametrize("speaker", ["Password", "PIN"])
def test_a_speaker_that_is_none(speaker):
    (one,), withheld = Screen(KINDS).hear(
        [said("4417", speaker=speaker) if speaker == "PIN" else said("hunter2", speaker=speaker)]
    )
    assert one.text in ("[password]", "[PIN]")
    assert withheld


def test_names_of_speakers_stay():
    (one,), _ = Screen(KINDS).hear([said("my pin is 4417", speaker="Anna")])
    assert (one.speaker, one.text) == ("Anna", "my pin is [PIN]")
