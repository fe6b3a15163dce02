"""Cutting pictures into patches: the library's own numbers."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")
cv2 = pytest.importorskip("cv2", reason="needs opencv")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.patching import cut, patching_of, size_within  # noqa: E402
from perstream.models.omni.pixels import LONGEST_RATIO, sturdy  # noqa: E402


@pytest.mark.parametrize("size", [(56, 56), (112, 84), (28, 280)])
def test_without_resizing_the_numbers_are_the_librarys(loaded_omni: Loaded, size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    processor = loaded_omni.processor.image_processor
    theirs = processor(images=[picture], return_tensors="pt")
    how = patching_of(processor)
    assert how is not None
    values, grid = cut(picture, how, 10**9, "cpu")
    assert list(grid) == theirs["image_grid_thw"][0].tolist()
    torch.testing.assert_close(values, theirs["pixel_values"], rtol=0, atol=1e-6)


def test_resized_it_is_nearly_the_same_picture(loaded_omni: Loaded) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    picture = cv2.resize(noise, (960, 540), interpolation=cv2.INTER_CUBIC)
    processor = loaded_omni.processor.image_processor
    theirs = processor(images=[picture], return_tensors="pt")
    how = patching_of(processor)
    assert how is not None
    values, grid = cut(picture, how, 10**9, "cpu")
    assert list(grid) == theirs["image_grid_thw"][0].tolist()
    assert (values - theirs["pixel_values"]).abs().mean() < 0.01


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([4, 16, 256]))
def test_any_size_stays_within_its_bounds(height: int, width: int, vectors: int) -> None:
    shape = sturdy(np.zeros((height, width, 3), np.uint8)).shape
    assert max(shape[:2]) <= LONGEST_RATIO * min(shape[:2])
    most = vectors * 28 * 28
    tall, wide = size_within(shape[0], shape[1], 28, min(3136, most), most)
    assert tall % 28 == wide % 28 == 0 and tall > 0 and wide > 0
    assert tall * wide <= max(most, LONGEST_RATIO * 28 * 28 * 2)


def test_other_processors_do_it_themselves() -> None:
    assert patching_of(object()) is None
