"""Masked regions: how they are named, and that nothing of them is left at any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perstream.errors import ConfigError
from perstream.privacy.cover import cover
from perstream.privacy.masks import MaskedPicture, Masks, Region, mask_of, region_of
from perstream.sources.pixels import PixelPicture
from perstream.types import ArrayPicture

SECRET = 255
NO_MASKS = (
    *("", "=", "webcam:0", "webcam:0=", "webcam:0=0 0 1", "webcam:0=0 0 1 1 1", "webcam:0=a b c d", "=0 0 1 1"),
    *("c=0 0 0 1", "c=0 0 1 -1", "c=-0.1 0 1 1", "c=1 0 1 1", "c=0 0 2 1", "c=nan 0 1 1", "c=0 0 inf 1"),
    "c=50 50 10 10",
)


def test_a_mask_names_a_source_by_name_or_address() -> None:
    masks = Masks(["webcam:0=0 0 0.5 1", "rtsp://cam/1?a=b=0.5 0.5 1 1", "*=0 0 .1 .1"])
    everywhere = Region(0, 0, 0.1, 0.1)
    assert masks.of(["webcam:0"]) == (Region(0, 0, 0.5, 1), everywhere)
    assert masks.of(["garden", "RTSP://cam/1?a=b"]) == (Region(0.5, 0.5, 1, 1), everywhere)
    assert masks.of(["another"]) == masks.of([]) == (everywhere,)


@pytest.mark.parametrize("entry", NO_MASKS)
def test_what_is_no_mask_is_refused_with_its_words(entry: str) -> None:
    with pytest.raises(ConfigError, match="mask") as refused:
        mask_of(entry)
    assert repr(entry) in str(refused.value) and "\n" not in str(refused.value)


def test_commas_do_too_and_a_region_says_itself() -> None:
    assert region_of(" 0.25,0, .5 ,1 ") == Region(0.25, 0, 0.5, 1)
    assert str(region_of("0.25 0 0.50 1")) == "0.25 0 0.5 1"


share = st.floats(0, 0.99)
size = st.floats(0.01, 1.0)


@given(st.integers(1, 90), st.integers(1, 90), share, share, size, size, st.integers(1, 100), st.booleans())
def test_nothing_of_a_region_is_left_at_any_size(
    width: int, height: int, x: float, y: float, w: float, h: float, asked: int, quick: bool
) -> None:
    """Two pictures that differ inside the region only look alike; outside they are as they were."""
    region = Region(x, y, w, h)
    left, top, right, bottom = (round(v, 9) for v in region.box())
    plain = np.full((height, width, 3), 40, np.uint8)
    secret = plain.copy()
    rows, columns = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    inside = np.ix_((rows >= top) & (rows <= bottom), (columns >= left) & (columns <= right))
    secret[inside] = SECRET
    make = PixelPicture if quick else ArrayPicture
    one, other = MaskedPicture(make(plain), (region,)), MaskedPicture(make(secret), (region,))
    assert np.array_equal(one.gray(asked), other.gray(asked))
    assert np.array_equal(one.rgb(asked), other.rgb(asked))
    assert (one.width, one.height) == (width, height)
    assert np.array_equal(secret[inside], np.full_like(secret[inside], SECRET)), "the source's own buffer is untouched"


def test_outside_a_region_the_picture_is_as_it_was() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    seen = MaskedPicture(ArrayPicture(pixels), (Region(0.5, 0.5, 0.25, 0.25),)).rgb(80)
    assert np.array_equal(seen[:28], pixels[:28]) and np.array_equal(seen[:, :38], pixels[:, :38])
    patch = seen[30:45, 40:60]
    assert (patch == patch[0, 0]).all(), "one flat colour"
    assert np.abs(patch[0, 0].astype(int) - 127).max() < 15, "that of the rest"


def test_a_picture_that_is_all_covered_says_nothing() -> None:
    for level in (0, 255):
        assert (cover(np.full((9, 9), level, np.uint8), [(0, 0, 1, 1)]) == 128).all()


def test_too_many_masks_are_a_mistake() -> None:
    masks = Masks([f"*=0 0 0.{n} 0.5" for n in range(1, 100)])
    with pytest.raises(ConfigError, match="64 masks"):
        masks.of([])
