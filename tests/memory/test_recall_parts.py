"""The parts of recall, each by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from recall_world import NOW

from perstream.errors import BackendError
from perstream.memory.best import best_slots
from perstream.memory.compress import compress_tokens, decompress_tokens, project_tokens
from perstream.memory.dense import DenseIndex
from perstream.memory.expand import HUB, REACHED, walk
from perstream.memory.late import TokenStore
from perstream.memory.lexical import K1, B, LexicalIndex, Stemmer, words_of
from perstream.memory.links import Links
from perstream.memory.phrasing import embedding_text, last_question, parse_question, question_to_embed, without_preamble
from perstream.memory.places import Places
from perstream.memory.postings import MOST, Postings
from perstream.memory.times import Times
from perstream.memory.whole import BLOCK
from perstream.vectors import normalized

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("asked", "embedded"),
    [
        ("When did Anna's train leave?", "When did my train leave?"),
        ("Do you remember what Anna and Ben ate?", "what we ate?"),
        ("What do Anna Lee and Ben like?", "What do we like?"),
        ("What does Ben’s dog eat?", "What does my dog eat?"),
        ("Can you tell me where I put the keys?", "where I put the keys?"),
        ("Hello, please remind me of the PIN", "the PIN"),
        ("I was wondering if the shop is open", "the shop is open"),
        ("What does Joanna like?", "What does Joanna like?"),
        ("Do you know?", "Do you know?"),
        ("", ""),
    ],
)
def test_a_question_as_the_one_it_is_about_would_put_it(asked: str, embedded: str) -> None:
    assert question_to_embed(asked, ["anna", "ben", "anna lee", ""]) == embedded


def test_a_question_is_taken_apart() -> None:
    question = parse_question("Do you recall when Anna's dog barked yesterday?", {"": 0, "anna": 1}, NOW, Stemmer())
    assert question.names == {"anna"}
    assert question.terms == ("dog", "bark")
    assert question.asks_when
    assert not question.owner
    assert len(question.times) == 1
    assert parse_question("How many eggs did I buy?", {"": 0}, NOW, Stemmer()).asks_count


def test_the_last_question_of_a_turn() -> None:
    assert last_question("Hi! How are you? And where is Bo? Bye.") == "And where is Bo?"
    assert last_question("No question here.") == ""
    assert embedding_text("At home.", "Ann", "And where is Bo?") == "And where is Bo? Ann: At home."
    assert without_preamble("So, could you please tell me who called?") == "who called?"


def test_words_are_lower_case_without_endings() -> None:
    assert words_of("Anna's DON’T rock'n'roll 9:40 naïve_x") == ["anna", "don", "rock", "roll", "9", "40", "naïve", "x"]
    assert len(words_of("w " * 10_000)) == 400


def test_bm25_is_what_the_formula_says() -> None:
    index = LexicalIndex()
    texts = [["pear", "pear", "plum"], ["plum"], ["fig", "fig", "fig", "kiwi"]]
    for slot, terms in enumerate(texts):
        index.add(slot, terms)
    alone = np.full(3, -1, np.int32)
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    mean = 8 / 3
    tf = 2.0
    wanted = idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * 3 / mean))
    assert index.scores(["pear"], alone, alone) == pytest.approx([wanted, 0, 0])
    # With slots 0 and 1 as neighbours, 1 hears half of it.
    after, before = np.array([1, -1, -1], np.int32), np.array([-1, 0, -1], np.int32)
    tf = 1.0
    heard = idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * 1 / mean))
    assert index.scores(["pear"], before, after) == pytest.approx([wanted, heard, 0])


def test_bm25_after_removal_is_that_of_an_index_without_it() -> None:
    one, other = LexicalIndex(), LexicalIndex()
    texts = [list(RNG.choice(["a1", "b2", "c3", "d4"], 6)) for _ in range(30)]
    for slot, terms in enumerate(texts):
        one.add(slot, terms)
        if slot % 3:
            other.add(slot, terms)
    one.remove(range(0, 30, 3))
    alone = np.full(30, -1, np.int32)
    assert one.scores(["a1", "c3"], alone, alone) == pytest.approx(other.scores(["a1", "c3"], alone, alone))
    one.remove(range(30))
    assert one.frequency("a1") == 0
    assert len(one) == 0


@pytest.mark.parametrize("size", [0, 3, 64, 5000, 20_001])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 1.0])
def test_the_best_slots_are_those_of_a_sort(size: int, share: float) -> None:
    score = RNG.standard_normal(size).astype(np.float32)
    allowed = RNG.random(size) < share
    wanted = sorted(np.flatnonzero(allowed).tolist(), key=lambda slot: -score[slot])[:50]
    assert sorted(best_slots(score, allowed, 50).tolist()) == sorted(wanted)
    assert len(best_slots(np.zeros(size), allowed, 50)) == min(50, int(allowed.sum()))


def test_times_of_a_slot_used_again_are_the_new_ones() -> None:
    times = Times()
    for slot in range(200):
        times.add([slot, slot], [(slot, slot + 1.0), (slot, slot + 2.0)])
    for slot in range(0, 200, 2):
        times.remove(slot)
    times.add([4], [(7.0, 8.0)])
    slots, starts, ends = times.flat()
    assert sorted(slots.tolist()) == sorted([4, *range(1, 200, 2), *range(1, 200, 2)])
    assert (starts[-1], ends[-1], slots[-1]) == (7.0, 8.0, 4)
    assert all(end - start in (1.0, 2.0) for start, end in zip(starts, ends, strict=True))
    times.remove(4)
    assert 4 not in times.flat()[0]


def test_dense_search_crosses_blocks_and_skips_what_was_cleared() -> None:
    index = DenseIndex(32)
    vectors = normalized(RNG.standard_normal((BLOCK + 50, 32)))
    for slot, vector in enumerate(vectors):
        index.put(slot, vector)
    query = vectors[BLOCK + 7]
    slots, values = index.search(query, 5)
    assert slots[0] == BLOCK + 7
    assert values == pytest.approx(vectors[slots] @ query, abs=1e-5)
    index.clear(BLOCK + 7)
    assert BLOCK + 7 not in index.search(query, 5)[0]
    assert index.exact(query, np.array([BLOCK + 7, 10**6])).tolist() == [-1.0, -1.0]


def test_maxsim_is_the_weighted_mean_of_the_best_matches() -> None:
    store = TokenStore()
    memories = [normalized(RNG.standard_normal((n, 64))) for n in (3, 7)]
    for slot, tokens in enumerate(memories):
        store.put(slot, compress_tokens(tokens))
    question, weights = normalized(RNG.standard_normal((4, 64))), np.array([1.0, 0, 2, 1], np.float32)
    wanted = [float(((question @ tokens.T).max(axis=1) * weights).sum() / 4) for tokens in memories]
    assert store.maxsim(question, weights, [0, 1, 5]) == pytest.approx([*wanted, -1.0], abs=0.02)
    store.put(0, None)
    assert store.maxsim(question, weights, [0]) == pytest.approx([-1.0])
    assert store.nbytes == 7 * 64


def test_compression_keeps_cosines() -> None:
    tokens = normalized(RNG.standard_normal((20, 384)))
    projected = project_tokens(tokens)
    assert projected.shape == (20, 64)
    codes = compress_tokens(tokens)
    assert codes.codes.dtype == np.int8
    assert codes.nbytes == 20 * 64
    kept = normalized(decompress_tokens(codes))
    assert float((kept * projected).sum(axis=1).min()) > 0.99
    assert len(compress_tokens(np.zeros((0, 384), np.float32)).codes) == 0
    with pytest.raises(BackendError, match="100 dimensions"):
        project_tokens(np.ones((1, 100), np.float32))


def test_a_walk_is_bounded_and_leaves_out_the_owner_and_hubs() -> None:
    links = Links()
    for slot in range(HUB + 2):
        links.add(slot, ("I", "hub"))
    assert list(walk(links, 0, 2)) == []
    for slot in range(100, 100 + HUB - 1):
        links.add(slot, ("card", f"own {slot}"))
    assert len(list(walk(links, 100, 3))) == REACHED
    links.add(500, ("Own 100",))
    assert [reached for _, reached in walk(links, 500, 1)] == [100]
    links.remove(100)
    assert list(walk(links, 500, 1)) == []


def test_places_are_a_dictionary_in_a_table() -> None:
    places, model = Places(), dict[int, int]()
    ids = [int(i) for i in [*RNG.permutation(3000)[:2000], 10**12, -5, 2**40, 50_000]]
    for slot, memory in enumerate(ids):
        places.put(memory, slot)
        model[memory] = slot
    for memory in [*ids[::3], 10**12]:
        if memory in model:
            places.remove(memory)
            del model[memory]
    places.extend([60_000, 60_001], 7)
    places.extend([], 9)
    model |= {60_000: 7, 60_001: 8}
    assert len(places) == len(model)
    assert all(places.get(memory) == model.get(memory) for memory in [*ids, 1, 60_000, 60_001, 60_002, -1])
    assert 50_000 in places
    assert places.nbytes < 40 * len(model)


def test_postings_take_slots_in_any_order_and_give_them_back_in_theirs() -> None:
    postings = Postings()
    slots = RNG.permutation(200).tolist()
    for slot in slots:
        postings.add(slot, {"pear": slot + 1} | ({"fig": 1} if slot % 5 == 0 else {}))
    found, counts = postings.of("pear")
    assert found.tolist() == list(range(200))
    assert counts.tolist() == [min(slot + 1, MOST) for slot in range(200)]
    assert postings.counts("fig", np.array([7, 5, -1, 10**6, 195])).tolist() == [0, 1, 0, 0, 1]
    assert postings.counts("kiwi", np.array([1])).tolist() == [0]
    postings.remove({"pear": range(50, 150), "fig": [0, 195]})
    assert postings.of("pear")[0].tolist() == [*range(50), *range(150, 200)]
    assert postings.frequency("fig") == 38
    assert postings.entries == 138
    postings.remove({"fig": range(5, 195, 5)})
    assert len(postings) == 1


def test_numbers_have_no_endings() -> None:
    stemmer = Stemmer()
    assert [stemmer.stem(word) for word in ("9", "1999", "running", "9th", "1" * 60)] == [
        "9",
        "1999",
        "run",
        "9th",
        "1" * 40,
    ]


@pytest.mark.parametrize("seed", range(4))
def test_links_are_two_dictionaries(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perstream.memory.links._DEAD", 10)
    rng = np.random.default_rng(seed)
    links, model, free = Links(), dict[int, list[str]](), list(range(300))
    names = {number: f"{'Thing' if number % 3 else 'thing'} {number // 2}" for number in range(40)} | {40: "I", 41: " "}
    count = 60
    places, mentioned = np.sort(rng.integers(0, count, 150)), rng.integers(0, 43, 150)
    links.extend(0, places, mentioned, names)
    for place, entity in zip(places.tolist(), mentioned.tolist(), strict=True):
        model.setdefault(place, []).append(names.get(entity, ""))
    free = free[count:]
    for _ in range(300):
        if rng.random() < 0.5 and free:
            slot = free.pop(int(rng.integers(len(free))))
            model[slot] = [f"thing {number}" for number in rng.integers(0, 30, rng.integers(0, 5))]
            links.add(slot, model[slot])
        elif model:
            slot = int(rng.choice(list(model)))
            links.remove(slot)
            free.append(slot)
            del model[slot]
    said = {slot: list(dict.fromkeys(name.strip().lower() for name in found)) for slot, found in model.items()}
    said = {slot: [name for name in found if name not in ("", "i")] for slot, found in said.items()}
    for slot in range(300):
        entities = links.entities(slot)
        assert [links.name(entity).lower() for entity in entities] == said.get(slot, [])
        for entity in entities:
            sharing = {other for other, found in said.items() if links.name(entity).lower() in found}
            assert sorted(links.memories(entity)) == sorted(sharing)
            assert links.count(entity) == len(sharing)
    assert links.nbytes < 200 * 30 + 12 * 2 * sum(map(len, said.values())) + 12 * 10 + 4 * 300
