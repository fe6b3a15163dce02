"""The vision encoder on a tiny Qwen2.5-Omni: the tower's own vectors, pooled, in batches, in bounds."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from perstream.errors import BackendError, BadOutput, Interrupted  # noqa: E402
from perstream.models.chat.messages import Message, Picture, Sampling  # noqa: E402
from perstream.models.omni import faults  # noqa: E402
from perstream.models.omni.faults import OutOfMemory, in_batches, numpy_half  # noqa: E402
from perstream.models.omni.generation import stops  # noqa: E402
from perstream.models.omni.loaded import Loaded  # noqa: E402
from perstream.models.omni.model import OmniChat  # noqa: E402
from perstream.models.omni.vision import OmniVision, square  # noqa: E402
from perstream.types import ByteArray  # noqa: E402


def noise(height: int, width: int, seed: int = 0) -> ByteArray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_unpooled_vectors_are_the_towers_own(loaded_omni: Loaded) -> None:
    picture = noise(112, 112)
    inputs = loaded_omni.processor.image_processor(images=[picture], return_tensors="pt")
    with torch.inference_mode():
        (expected,) = loaded_omni.model.get_image_features(**inputs).pooler_output
    (found,) = OmniVision(loaded_omni, 4).encode([picture])
    assert found.dtype == np.float16 and found.shape == (16, loaded_omni.hidden_size)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-3, atol=1e-3)


def test_pooling_is_the_mean_of_neighbours(loaded_omni: Loaded) -> None:
    picture = noise(112, 112)
    (fine,) = OmniVision(loaded_omni, 4).encode([picture])
    (coarse,) = OmniVision(loaded_omni, 2).encode([picture])
    means = fine.astype(np.float32).reshape(2, 2, 2, 2, -1).mean(axis=(1, 3)).reshape(4, -1)
    np.testing.assert_allclose(coarse, means, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), (1, 4000), (4000, 1), (27, 300), (540, 960)])
def test_pictures_of_any_size(loaded_omni: Loaded, size: tuple[int, int]) -> None:
    (found,) = OmniVision(loaded_omni, 2).encode([noise(*size)])
    assert found.shape == (4, loaded_omni.hidden_size) and np.isfinite(found).all()


def test_several_at_once_are_what_each_is_alone(loaded_omni: Loaded) -> None:
    pictures = [noise(60, 90, n) for n in range(3)] + [noise(200, 50, 3), noise(60, 90, 4)]
    vision = OmniVision(loaded_omni, 2, batch=4)
    together = vision.encode(pictures)
    for picture, vectors in zip(pictures, together, strict=True):
        np.testing.assert_allclose(vectors, vision.encode([picture])[0], atol=2e-3)
    assert vision.encode([]) == []


def test_different_pictures_differ(loaded_omni: Loaded) -> None:
    one, other = OmniVision(loaded_omni, 2).encode([noise(56, 56, 0), noise(56, 56, 1)])
    assert np.abs(one.astype(np.float32) - other).max() > 0.01


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_what_is_no_picture_is_refused(loaded_omni: Loaded, picture: Any) -> None:
    with pytest.raises(BackendError, match="RGB bytes"):
        OmniVision(loaded_omni, 2).encode([picture])


@contextmanager
def tower(loaded: Loaded, change: Any) -> Iterator[None]:
    """The vision tower with something done to its output."""
    hook = loaded.model.model.visual.register_forward_hook(change)
    try:
        yield
    finally:
        hook.remove()


def test_vectors_that_are_no_numbers_are_refused(loaded_omni: Loaded) -> None:
    def spoil(module: Any, args: Any, output: Any) -> None:
        output.pooler_output[0, 0] = float("nan")

    with tower(loaded_omni, spoil), pytest.raises(BadOutput, match="no numbers"):
        OmniVision(loaded_omni, 2).encode([noise(56, 56)])


def test_out_of_memory_halves_the_batch_and_goes_on(loaded_omni: Loaded, caplog: pytest.LogCaptureFixture) -> None:
    sizes: list[int] = []

    def small(module: Any, args: Any, output: Any) -> None:
        pictures = output.pooler_output.shape[0] // 4
        sizes.append(pictures)
        if pictures > 2:
            raise torch.OutOfMemoryError("no room")

    vision = OmniVision(loaded_omni, 2, batch=8)
    with tower(loaded_omni, small):
        found = vision.encode([noise(56, 56, n) for n in range(7)])
        assert sizes == [7, 3, *[1] * 7]
        assert len(found) == 7 and vision.batch == 1
        sizes.clear()
        vision.encode([noise(56, 56, n) for n in range(2)])
        assert sizes == [1, 1]
    said = [record.getMessage() for record in caplog.records]
    assert [text.removesuffix(" from now on") for text in said] == [
        f"out of GPU memory with {loaded_omni.name}: pictures go in by {n}" for n in (3, 1)
    ]


def test_what_did_not_fit_is_let_go_before_memory_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[Any]] = []
    alive: list[bool] = []

    def make(batch: Sequence[int]) -> list[int]:
        large = np.zeros(3)
        held.append(weakref.ref(large))
        if len(batch) > 1:
            raise OutOfMemory("no room")
        return list(batch)

    monkeypatch.setattr(faults, "free_memory", lambda: alive.append(held[-1]() is not None))
    assert in_batches([1, 2], 2, make) == [1, 2]
    assert alive == [False]


def test_not_even_one_fits() -> None:
    def never(batch: Any) -> list[int]:
        raise OutOfMemory("no room")

    with pytest.raises(OutOfMemory):
        in_batches([1, 2, 3], 2, never)


def test_large_numbers_are_kept_within_fp16() -> None:
    np.testing.assert_array_equal(numpy_half(torch.tensor([1e9, -1e9, 2.0])), np.array([65504, -65504, 2], np.float16))


def test_stored_grids_are_checked(loaded_omni: Loaded) -> None:
    size = loaded_omni.hidden_size
    assert square(np.zeros((16, size), np.float16), size) == 4
    for wrong in ((15, size), (0, size), (16, size + 1)):
        with pytest.raises(BackendError, match="another vision encoder"):
            square(np.zeros(wrong, np.float16), size)
    with pytest.raises(BackendError, match="no numbers"):
        square(np.full((4, size), np.nan, np.float16), size)


def test_towers_that_see_a_square() -> None:
    from perstream.models.omni.pixels import Pixels
    from perstream.models.omni.vision import pool

    vectors = torch.arange(16 * 2).float().reshape(16, 2)
    pooled = pool(vectors, Pixels({}, None, 2), 2)
    assert pooled[:, 0].tolist() == [5, 9, 21, 25]
    with pytest.raises(BackendError, match="do not make a grid"):
        pool(vectors[:15], Pixels({}, None, 2), 2)


def test_pictures_do_not_wait_for_a_caption(loaded_omni: Loaded) -> None:
    """Encoded while another thread holds the decoder, and the numbers are the same."""
    vision = OmniVision(loaded_omni, 2)
    picture = noise(56, 56)
    (alone,) = vision.encode([picture])
    begun, stop = threading.Event(), threading.Event()

    def caption() -> None:
        with pytest.raises(Interrupted):
            OmniChat(loaded_omni).reply(
                [Message("user", (Picture(picture), "Go on"))],
                Sampling(max_new_tokens=4000, temperature=1.5),
                lambda _: begun.set(),
                stop.is_set,
            )

    ends = stops(loaded_omni)

    def forbid(module: Any, args: Any, scores: Any) -> Any:
        scores[..., ends] = -1e9
        return scores

    hook = loaded_omni.model.lm_head.register_forward_hook(forbid)
    writer = threading.Thread(target=caption)
    writer.start()
    try:
        assert begun.wait(20)
        for _ in range(5):
            np.testing.assert_allclose(vision.encode([picture])[0], alone, atol=2e-3)
        assert writer.is_alive()
    finally:
        stop.set()
        writer.join(20)
        hook.remove()
