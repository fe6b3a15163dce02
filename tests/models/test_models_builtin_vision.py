"""Patch vectors: the same place looks alike, another does not; light does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from perstream.models.builtin_vision import BuiltinVision
from perstream.types import ByteArray
from perstream.vectors import cosine

SIZE = (360, 640)


def room(seed: int) -> ByteArray:
    """A picture [450, 800, 3] of coloured boxes before a two-tone wall, with a little texture."""
    rng = np.random.default_rng(seed)
    picture = np.empty((450, 800, 3), np.float32)
    horizon = int(rng.integers(150, 350))
    picture[:horizon], picture[horizon:] = rng.uniform(60, 220, 3), rng.uniform(40, 200, 3)
    for _ in range(14):
        x, y, w, h = rng.integers((0, 0, 40, 40), (700, 380, 220, 220))
        picture[y : y + h, x : x + w] = rng.uniform(20, 240, 3)
    return np.asarray(np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255), dtype=np.uint8)


def seen(picture: ByteArray, x: int = 40, y: int = 40, zoom: float = 1.0) -> ByteArray:
    """A view [360, 640, 3] of the room from (x, y), the middle enlarged by ``zoom``."""
    h, w = SIZE
    rows = np.clip(y + h / 2 + (np.arange(h) - h / 2) / zoom, 0, picture.shape[0] - 1).astype(int)
    columns = np.clip(x + w / 2 + (np.arange(w) - w / 2) / zoom, 0, picture.shape[1] - 1).astype(int)
    return picture[rows][:, columns]


def alike(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    left, right = BuiltinVision(8).encode([np.clip(p, 0, 255).astype(np.uint8) for p in (a, b)])
    return cosine(left, right)


SEEDS = range(12)


@pytest.mark.parametrize(
    "change,least",
    [
        (lambda p: seen(p, x=72), 0.85),
        (lambda p: seen(p, y=58), 0.85),
        (lambda p: seen(p, zoom=1.1), 0.85),
        (lambda p: seen(p, x=104), 0.7),
        (lambda p: seen(p, zoom=1.25), 0.7),
        (lambda p: seen(p) + 25.0, 0.9),
        (lambda p: seen(p) * 0.5, 0.95),
        (lambda p: seen(p) + np.random.default_rng(1).normal(0, 12, (*SIZE, 3)), 0.9),
    ],
    ids=["5 % right", "5 % down", "10 % nearer", "10 % right", "25 % nearer", "brighter", "half the light", "noise"],
)
def test_the_same_place_looks_alike(change, least: float) -> None:  # type: ignore[no-untyped-def]
    assert min(alike(seen(room(seed)), change(room(seed))) for seed in SEEDS) > least


def test_another_place_does_not() -> None:
    views = BuiltinVision(8).encode([seen(room(seed)) for seed in SEEDS])
    others = [cosine(a, b) for i, a in enumerate(views) for b in views[i + 1 :]]
    assert max(others) < 0.7
    assert np.median(others) < 0.45


@pytest.mark.parametrize("pool", [2, 7, 8, 16])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (16, 16), (97, 161), (540, 960), (960, 540)])
def test_shapes(pool: int, shape: tuple[int, int]) -> None:
    encoder = BuiltinVision(pool)
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    (vectors,) = encoder.encode([pixels])
    assert vectors.shape == (pool * pool, encoder.dimension)
    assert vectors.dtype == np.float16
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors.astype(np.float32)) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_bare_picture_has_finite_vectors(level: int) -> None:
    (vectors,) = BuiltinVision(8).encode([np.full((90, 160, 3), level, np.uint8)])
    assert np.isfinite(vectors).all()


def test_the_hues_of_a_grey_picture_are_no_signature() -> None:
    rng = np.random.default_rng(4)
    gray = np.repeat(seen(room(3)).mean(axis=2, keepdims=True), 3, axis=2)
    tinted = [gray + rng.normal(0, 1.0, (1, 1, 3)) for _ in range(2)]
    assert alike(*tinted) > 0.9


def test_deterministic_and_in_order() -> None:
    pictures = [seen(room(seed)) for seed in range(3)]
    together = BuiltinVision(8).encode(pictures)
    alone = [BuiltinVision(8).encode([picture])[0] for picture in pictures]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))
    assert BuiltinVision(8).encode([]) == []


def test_the_picture_is_left_as_it_was() -> None:
    picture = seen(room(1)).copy()
    before = picture.copy()
    BuiltinVision(8).encode([picture])
    assert np.array_equal(picture, before)


def test_a_patch_says_where() -> None:
    picture = np.full((320, 320, 3), 120, np.uint8)
    picture[40:80, 240:280] = (230, 30, 30)
    grid = BuiltinVision(8).encode([picture])[0].astype(np.float32).reshape(8, 8, -1)
    strongest = np.unravel_index(np.argmax((grid**2).sum(axis=2)), (8, 8))
    assert strongest == (1, 6)
