"""The recall index: what it finds, what it leaves out, and what it forgets."""

from __future__ import annotations

import threading
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recall_world import NOW, ask, entry, ids, index_of

from perstream.types import Provenance, Query

KEYS = "My keys are in the blue bowl"
BREAD = "The bakery sells rye bread"
TRAIN = "The train to Basel leaves from platform nine"


def test_finds_the_memory_the_question_is_about() -> None:
    index = index_of(entry(1, BREAD), entry(2, KEYS), entry(3, TRAIN))
    best = ask(index, "Where are my keys?")[0]
    assert best.id == 2
    assert {"late", "words"} <= best.score_parts.keys()
    assert {"dense", "words"} <= set(best.path)
    assert best.score > 0.5


def test_a_question_about_something_else_scores_low() -> None:
    index = index_of(entry(1, BREAD), entry(2, KEYS), entry(3, TRAIN))
    found = ask(index, "Which dentist treated my tooth?")
    assert all(scored.score < 0.35 for scored in found)


def test_results_are_best_first_and_at_most_k() -> None:
    index = index_of(*(entry(i, f"note {i} about apples") for i in range(1, 30)))
    found = ask(index, "note about apples", k=7)
    assert len(found) == 7
    assert len(set(ids(found))) == 7


@pytest.mark.parametrize(
    "text", ["", " ", "?", "keys", "🙂🙂", "the of and", "a" * 10_000, "word " * 2000, "\x00\ud800"]
)
def test_odd_questions_are_answered_or_not_but_never_fail(text: str) -> None:
    assert ask(index_of(), text) == []
    found = ask(index_of(entry(1, KEYS), entry(2, "")), text)
    assert all(0 <= scored.score <= 1 for scored in found)


def test_without_vectors_words_still_find() -> None:
    index = index_of(entry(1, BREAD), entry(2, KEYS))
    assert ids(ask(index, "bakery", vectors=None))[0] == 1


def test_a_memory_without_vectors_is_still_found_by_its_words() -> None:
    index = index_of(entry(1, BREAD, pooled=None, tokens=None), entry(2, TRAIN))
    assert ids(ask(index, "rye bread"))[0] == 1


def test_a_memory_without_tokens_is_ranked_by_its_pooled_vector() -> None:
    index = index_of(entry(1, BREAD, tokens=None), entry(2, TRAIN, tokens=None))
    assert ids(ask(index, "train to Basel"))[0] == 2


def test_filters() -> None:
    index = index_of(
        entry(1, "red door", 1, source="a.mp4", provenance=Provenance.SEEN),
        entry(2, "red door", 5, source="b.mp4", provenance=Provenance.READ),
        entry(3, "red door", 9, superseded=True),
    )
    assert set(ids(ask(index, "red door"))) == {1, 2}
    assert set(ids(ask(index, "red door", include_superseded=True))) == {1, 2, 3}
    assert ids(ask(index, "red door", since=NOW - timedelta(days=2))) == [1]
    assert ids(ask(index, "red door", until=NOW - timedelta(days=2))) == [2]
    assert ids(ask(index, "red door", sources=frozenset({"b.mp4"}))) == [2]
    assert ids(ask(index, "red door", provenances=frozenset({Provenance.SEEN}))) == [1]
    assert ask(index, "red door", sources=frozenset({"nowhere"})) == []
    assert ask(index, "red door", k=0) == []


def test_the_day_asked_for_comes_first() -> None:
    index = index_of(*(entry(i, "I had soup for lunch", days) for i, days in enumerate((9, 1, 3), start=1)))
    assert ids(ask(index, "What soup did I have yesterday?"))[0] == 2


def test_a_day_the_memory_tells_of_counts_as_its_day() -> None:
    # Told on Wednesday a week ago: "last Saturday" is 2 March.
    index = index_of(entry(1, "Last Saturday I ran a race", 7), entry(2, "I ran a race", 4))
    assert ids(ask(index, "Which race did I run on 2 March 2024?"))[0] == 1


def test_a_question_for_a_day_alone_is_sure_of_that_day() -> None:
    index = index_of(entry(1, BREAD, 1), entry(2, TRAIN, 20))
    best = ask(index, "What happened yesterday?")[0]
    assert best.id == 1
    assert best.score >= 0.5


def test_who_said_it_counts() -> None:
    index = index_of(
        entry(1, "I adopted a puppy", speaker="Anna"),
        entry(2, "I adopted a puppy", speaker="Ben"),
        entry(3, "I adopted a puppy"),
    )
    assert ids(ask(index, "When did Ben adopt a puppy?"))[0] == 2
    assert ids(ask(index, "When did Anna adopt a puppy?"))[0] == 1
    assert ids(ask(index, "When did I adopt a puppy?"))[0] == 3


def test_a_question_about_the_wrong_person_is_less_sure() -> None:
    index = index_of(
        entry(1, "I adopted a puppy called Rex", speaker="Anna"),
        entry(2, "I planted tomatoes today", speaker="Ben"),
        entry(3, "I went swimming", speaker="Ben"),
        entry(4, "I like swimming", speaker="Anna"),
    )
    right = ask(index, "What is Anna's puppy called?")[0].score
    wrong = ask(index, "What is Ben's puppy called?")[0].score
    assert wrong < right / 2


def test_an_answer_is_found_by_the_words_of_the_memory_before_it() -> None:
    talk = [
        entry(1, "Which pet do you want?", source="tape", session="tape", days_ago=1.0),
        entry(2, "An iguana, for sure.", source="tape", session="tape", days_ago=0.9999),
        entry(3, "Nice weather", source="tape", session="tape", days_ago=0.5),
    ]
    assert set(ids(ask(index_of(*talk), "pet", vectors=None))) == {1, 2}


def test_neighbours_of_the_best_are_shown_with_the_way_to_them() -> None:
    chatter = [entry(i, f"chatter {i} about soup and soap", 40 + i) for i in range(10, 120)]
    pair = [
        entry(1, "Soup soup soup", source="s", session="s", days_ago=2.0),
        entry(2, "It was Tuesday's leftover", source="s", session="s", days_ago=1.9999),
    ]
    index = index_of(*chatter, *pair, delta_dfs_threshold=0.0)
    found = {scored.id: scored for scored in ask(index, "soup", k=200, vectors=None)}
    assert found[2].path in (("words",), ("neighbour:1",))


def test_memories_that_share_an_entity_are_reached_over_it() -> None:
    chatter = [entry(i, f"soup with Anna {i} times", 40) for i in range(10, 120)]
    index = index_of(
        *chatter,
        entry(1, "Which soup with Anna", entities=("Anna", "recipe card")),
        entry(2, "blue drawer upstairs", entities=("Recipe Card",)),
        delta_dfs_threshold=0.0,
    )
    found = {scored.id: scored for scored in ask(index, "Which soup with Anna?", k=200)}
    assert found[2].path == ("from:1", "entity:recipe card")
    closed = index_of(
        *chatter, entry(1, "Which soup with Anna", entities=("r",)), entry(2, "blue", entities=("r",)), graph_depth=0
    )
    assert 2 not in ids(ask(closed, "Which soup with Anna?", k=200))


def test_pictures_find_moments_like_them() -> None:
    rng = np.random.default_rng(0)
    rooms = rng.standard_normal((3, 4, 16)).astype(np.float16)
    index = index_of(*(entry(i + 1, f"room {i}", mean_vector=rooms[i]) for i in range(3)), entry(9, "told"))
    found = ask(index, "", vectors=None, picture=rooms[1] + np.float16(0.1))
    assert found[0].id == 2
    assert found[0].path == ("picture",)
    assert found[0].score > 0.9
    assert 9 not in ids(found)
    assert ask(index, "", vectors=None, picture=np.ones((4, 7), np.float16))  # another camera's size: by recency


def test_adding_an_id_again_replaces_it() -> None:
    index = index_of(entry(1, BREAD), entry(2, KEYS))
    index.add(entry(1, TRAIN))
    assert len(index) == 2
    assert ids(ask(index, "train to Basel"))[0] == 1
    assert "words" not in ask(index, "rye bread")[0].score_parts


def test_removed_memories_are_gone_and_their_place_is_used_again() -> None:
    index = index_of(*(entry(i, f"note {i} about pears", source="s", session="s") for i in range(1, 40)))
    before = index.nbytes
    index.remove([*range(1, 39), 4711, 2])
    assert ids(ask(index, "pears", k=50)) == [39]
    index.add_many(entry(i, f"note {i} about pears") for i in range(100, 138))
    assert len(index) == 39
    assert index.nbytes < 1.3 * before
    index.remove(list(range(1, 200)))
    assert ask(index, "pears") == []


def test_nearest_is_what_a_float_scan_finds() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((400, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = index_of(*(entry(i, "x", pooled=vector) for i, vector in enumerate(vectors, start=1)))
    for query in vectors[:20] + 0.05 * rng.standard_normal((20, 384)).astype(np.float32):
        exact = vectors @ query / np.linalg.norm(query)
        found = index.nearest(query, 5)
        assert [i - 1 for i, _ in found] == np.argsort(-exact)[:5].tolist()
        assert [value for _, value in found] == pytest.approx(np.sort(exact)[::-1][:5], abs=1e-5)


def test_searching_while_adding() -> None:
    index = index_of(entry(1, KEYS))
    failures: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(30):
                assert ids(ask(index, "keys in the blue bowl"))[0] == 1
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for i in range(2, 150):
        index.add(entry(i, f"note {i} about pears"))
        if i % 3 == 0:
            index.remove([i - 1])
    for reader in readers:
        reader.join()
    assert not failures


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 12), st.sampled_from(["pear", "plum", "fig", "kiwi"])), max_size=40
    )
)
def test_after_any_adds_and_removes_it_finds_what_is_there(steps: list[tuple[bool, int, str]]) -> None:
    index, model = index_of(), dict[int, str]()
    for add, number, word in steps:
        if add:
            index.add(entry(number, f"one {word}", source="s", session="s", days_ago=1 - number / 1e5))
            model[number] = word
        else:
            index.remove([number])
            model.pop(number, None)
    assert len(index) == len(model)
    for word in ("pear", "plum", "fig", "kiwi"):
        found = index.search(Query(text=word, vectors=None, now=NOW, k=50))
        own = {scored.id for scored in found if "words" in scored.path}
        assert {i for i, w in model.items() if w == word} <= own
        assert {scored.id for scored in found} <= model.keys()
