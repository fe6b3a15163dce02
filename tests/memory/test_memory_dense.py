"""The nearest vectors: those of a plain float32 scan, whatever the vectors and whichever are allowed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perstream.memory.dense as dense
from perstream.memory.dense import DenseIndex
from perstream.memory.sketch import WIDTH, Sketcher
from perstream.memory.sketches import BLOCK
from perstream.types import FloatArray
from perstream.vectors import normalized

RNG = np.random.default_rng(11)
CLOSE = 4e-5
"""Of vectors with few, large components; 384 even ones give 5e-6."""


def clusters(count: int, dimension: int, spread: float, topics: int = 20) -> FloatArray:
    centres = normalized(RNG.standard_normal((topics, dimension)))
    noise = RNG.standard_normal((count, dimension)) / np.sqrt(dimension)
    return normalized(centres[np.arange(count) % topics] + spread * noise)


def one_hot(count: int, dimension: int) -> FloatArray:
    values = np.zeros((count, dimension), np.float32)
    values[np.arange(count), np.arange(count) % dimension] = 1
    values[np.arange(count), (7 * np.arange(count) + 1) % dimension] += RNG.random(count).astype(np.float32) / 2
    return normalized(values)


def filled(vectors: FloatArray) -> DenseIndex:
    index = DenseIndex(vectors.shape[1])
    index.put_many(np.arange(len(vectors)), vectors)
    return index


def assert_nearest(index: DenseIndex, vectors: FloatArray, query: FloatArray, k: int, among: np.ndarray) -> None:
    """What is found is the best there is, in order; cosines that differ by less than CLOSE are no order."""
    slots, values = index.candidates(query, k, among)
    cosines = vectors @ query
    wanted = np.sort(cosines[among[: len(cosines)]])[::-1][:k]
    assert len(set(slots.tolist())) == len(slots)
    assert among[slots].all()
    assert values == pytest.approx(cosines[slots], abs=CLOSE)
    assert values == pytest.approx(wanted, abs=CLOSE)


@pytest.mark.parametrize(
    "vectors",
    [
        clusters(9000, 384, 0.9),
        clusters(6000, 384, 0.05, topics=3),
        normalized(RNG.standard_normal((6000, 384)) + 3.0),
        normalized(RNG.standard_normal((3000, 384))),
        one_hot(3000, 384),
        clusters(3000, 200, 0.5),
        clusters(3000, 24, 0.5),
    ],
    ids=["clusters", "near duplicates", "off centre", "no structure", "one-hot", "200 dimensions", "24 dimensions"],
)
def test_the_nearest_are_those_of_a_plain_scan_whatever_the_vectors(vectors: FloatArray) -> None:
    index = filled(vectors)
    noise = 0.3 * RNG.standard_normal((12, vectors.shape[1])) / np.sqrt(vectors.shape[1])
    for query in normalized(vectors[RNG.choice(len(vectors), 12)] + noise):
        for k, share in ((5, 1.0), (10, 0.5), (50, 0.01), (5, 0.0)):
            assert_nearest(index, vectors, query, k, RNG.random(len(vectors)) < share)
    strange = normalized(RNG.standard_normal(vectors.shape[1]))
    assert_nearest(index, vectors, strange, 5, np.ones(len(vectors), np.bool_))


def test_what_lies_beyond_the_mask_is_not_allowed() -> None:
    vectors = clusters(4000, 64, 0.5)
    index = filled(vectors)
    slots, _ = index.candidates(vectors[3999], 10, np.ones(2000, np.bool_))
    assert len(slots) == 10
    assert slots.max() < 2000
    assert_nearest(index, vectors, vectors[5], 10, np.concatenate([np.ones(4000, np.bool_), np.ones(9000, np.bool_)]))


def test_fewer_come_back_where_fewer_have_a_vector() -> None:
    index = DenseIndex(32)
    assert index.candidates(np.ones(32, np.float32), 3)[0].tolist() == []
    vectors = clusters(3, 32, 0.5)
    index.put(BLOCK + 5, vectors[0])
    index.put(2, vectors[1])
    index.put(700, vectors[2])
    slots, values = index.candidates(vectors[0], 10)
    assert slots[0] == BLOCK + 5
    assert sorted(slots.tolist()) == [2, 700, BLOCK + 5]
    assert values[0] == pytest.approx(1.0, abs=1e-6)
    assert index.candidates(vectors[0], 0)[0].tolist() == []
    assert index.exact(vectors[0], np.array([2, 3, 700, BLOCK + 6])).tolist()[1::2] == [-1.0, -1.0]
    index.clear(BLOCK + 5)
    assert sorted(index.candidates(vectors[0], 10)[0].tolist()) == [2, 700]


def test_cosines_are_given_in_the_order_asked_for() -> None:
    vectors = clusters(BLOCK + 300, 48, 0.5)
    index = filled(vectors)
    slots = RNG.permutation(len(vectors))[:2500]
    assert index.exact(vectors[9], slots) == pytest.approx(vectors[slots] @ vectors[9], abs=CLOSE)


def test_a_vector_of_another_dimension_is_refused_at_once() -> None:
    index = DenseIndex(16)
    with pytest.raises(ValueError, match="16"):
        index.put(0, np.ones(17))
    assert index.candidates(np.ones(16, np.float32), 1)[0].tolist() == []


def test_a_vector_without_a_direction_is_near_nothing() -> None:
    index = DenseIndex(16)
    index.put(0, np.zeros(16))
    index.put(1, np.eye(16)[0])
    slots, values = index.candidates(np.eye(16, dtype=np.float32)[0], 2)
    assert slots.tolist() == [1, 0]
    assert values == pytest.approx([1.0, 0.0], abs=1e-6)


def test_where_very_many_could_be_meant_the_first_ten_are_still_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "MANY", 100)
    vectors = clusters(6000, 384, 0.9)
    index = filled(vectors)
    found = 0
    for query in normalized(vectors[:20] + 0.05 * RNG.standard_normal((20, 384))):
        slots, values = index.candidates(query, 100)
        best = np.argsort(-(vectors @ query))
        assert values[:10] == pytest.approx((vectors @ query)[best[:10]], abs=CLOSE)
        found += len(set(slots.tolist()) & set(best[:100].tolist()))
    assert found >= 0.98 * 20 * 100


@pytest.mark.parametrize("dimension", [24, WIDTH, 384])
def test_the_bound_of_sketches_holds_as_often_as_it_says(dimension: int) -> None:
    sketcher = Sketcher(dimension)
    assert int(sketcher.query(normalized(RNG.standard_normal(dimension)))[0].max()) < 128
    for cosine in (0.1, 0.5, 0.9):
        scores = []
        for query, other in zip(*normalized(RNG.standard_normal((2, 1500, dimension))), strict=True):
            across = normalized(other - (other @ query) * query)
            sketch = sketcher.code((cosine * query + np.sqrt(1 - cosine**2) * across).astype(np.float32)[None])
            codes, one = sketcher.query(query)
            scores.append(int(sketcher.product(codes, sketch.T.copy())[0] - sketcher.sums(sketch)[0]) / one)
        assert float(np.mean(scores < np.float64(sketcher.bound(cosine, 2.0)))) < 0.035
        assert 0.4 < float(np.mean(scores < np.float64(sketcher.bound(cosine, 0.0)))) < 0.6


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "clear", "many"]), st.integers(0, 700), st.integers(0, 10**6)), max_size=40
    ),
    st.integers(0, 10**6),
)
def test_any_order_of_changes_leaves_what_a_dictionary_would_hold(
    changes: list[tuple[str, int, int]], seed: int
) -> None:
    index, plain = DenseIndex(40), dict[int, FloatArray]()
    for change, slot, number in changes:
        values = normalized(np.random.default_rng(number).standard_normal((30, 40)))
        if change == "put":
            index.put(slot, values[0])
            plain[slot] = values[0]
        elif change == "many":
            slots = slot + 3 * np.arange(30)
            index.put_many(slots, values)
            plain.update(zip(slots.tolist(), values, strict=True))
        else:
            index.clear(slot)
            plain.pop(slot, None)
    query = normalized(np.random.default_rng(seed).standard_normal(40))
    slots, values = index.candidates(query, 10)
    wanted = sorted((float(vector @ query) for vector in plain.values()), reverse=True)[:10]
    assert values == pytest.approx(wanted, abs=CLOSE)
    assert values.tolist() == pytest.approx([float(plain[slot] @ query) for slot in slots.tolist()], abs=CLOSE)
