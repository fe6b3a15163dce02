"""What recall finds without looking at every memory is what the plain definition finds by looking at them all."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recall_world import EMBEDDER, NOW, ask, entry, index_of

from perstream.memory import bm25, candidates
from perstream.memory.bm25 import WordSearch
from perstream.memory.candidates import Candidates
from perstream.memory.lexical import LexicalIndex
from perstream.memory.phrasing import parse_question
from perstream.memory.recall import RecallIndex
from perstream.memory.signals import WEIGHTS, Days, Who, _made, _match
from perstream.types import FloatArray, Query
from perstream.vectors import normalized

WORDS = [f"word{i}" for i in range(40)]
WEIGHT = [1 / (i + 1) for i in range(40)]
DAYS = ("", "", "", " yesterday", " on 2 March 2024", " in February 2024")
QUESTIONS = (
    "What about {a} and {b}?",
    "Did Anna see {a} with {b} yesterday?",
    "Where did I put the {a} in February?",
    "{a} {b} {c} on 2 March 2024",
    "Did Ben and Anna buy {c} last week?",
)


def world(count: int, seed: int) -> RecallIndex:
    """Memories of few words, some of them in sessions, some late, some removed, some superseded."""
    rng = random.Random(seed)
    index = index_of()
    for i in range(count):
        text = " ".join(rng.choices(WORDS, WEIGHT, k=rng.randrange(1, 9))) + rng.choice(DAYS)
        session = rng.choice(["", "walk", "talk"])
        index.add(
            entry(
                i,
                text,
                40 * (1 - i / count) + rng.choice([0.0, 0.0, 0.01]),
                speaker=rng.choice([None, "Anna", "Ben"]),
                source=session or None,
                session=session,
                superseded=rng.random() < 0.05,
            )
        )
        if rng.random() < 0.1:
            index.remove([rng.randrange(i + 1)])
    return index


def signals(index: RecallIndex, query: Query) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Cosine, BM25 relative to the best, who and when of every slot, each by its definition."""
    rows = index._rows
    question = parse_question(query.text, rows.speakers, query.now, index._stemmer)
    cosines = np.full(rows.size, -1.0, np.float32)
    if query.vectors is not None and index._dense is not None:
        cosines = index._dense.exact(normalized(query.vectors.pooled), np.arange(rows.size))
    words = index._words.scores(question.terms, rows.before, rows.after)
    words = words / max(float(words.max(initial=0.0)), 1e-9)
    speaker, date = np.full(rows.size, 0.5), np.zeros(rows.size)
    codes = rows.speaker[: rows.size]
    if question.names:
        speaker = np.isin(codes, [rows.speakers[name] for name in question.names]).astype(float)
    elif question.owner:
        speaker[codes == 0] = 1.0
    for when in question.times:
        since, until = when.since.timestamp(), when.until.timestamp()
        observed = rows.observed[: rows.size]
        date = np.maximum(date, _match(observed, observed + 1.0, since, until))
        slots, starts, ends = rows.times()
        np.maximum.at(date, slots, _match(starts, ends, since, until))
    return cosines, words, np.asarray(speaker, np.float32), np.asarray(date, np.float32)


def check(index: RecallIndex, text: str, **more: object) -> None:
    """Each first-stage ranking holds as much as the best 50 of the plain one."""
    values = {"vectors": EMBEDDER.embed_tokens(index.to_embed(text)), **more}
    query = Query(text=text, now=NOW, k=5, **values)  # type: ignore[arg-type]
    rows = index._rows
    mask = index._rows.allowed(query)
    found, _ = index._candidates(query, mask)
    allowed = rows.alive[: rows.size] if mask is None else mask
    cosines, words, speaker, date = signals(index, query)
    plain = {
        "dense": (cosines + WEIGHTS.speaker_dense * speaker + WEIGHTS.date_first * date, allowed & (cosines > -1)),
        "words": (words + WEIGHTS.speaker_words * speaker + WEIGHTS.date_first * date, allowed & (words > 0)),
        "time": (cosines + words + date, allowed & (date >= WEIGHTS.date_candidates)),
    }
    for name, (score, where) in plain.items():
        wanted = np.sort(score[where])[::-1][: WEIGHTS.candidates]
        slots = [slot for slot, names in found.items() if name in names]
        assert where[slots].all(), name
        assert np.sort(score[slots])[::-1] == pytest.approx(wanted, abs=2e-5), name


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(0, 10**6),
    st.sampled_from(QUESTIONS),
    st.sampled_from([1, 30, 20_000]),
    st.sampled_from([3, 60, 4096]),
    st.booleans(),
)
def test_the_first_stage_is_the_plain_one(
    count: int, seed: int, question: str, rare: int, too_many: int, filtered: bool
) -> None:
    index = world(count, seed)
    rng = random.Random(seed)
    a, b, c = rng.choices(WORDS, k=3)
    more = {"since": NOW - timedelta(days=15)} if filtered else {}
    with pytest.MonkeyPatch.context() as patch:
        # Small limits take the ways that a large store takes.
        patch.setattr(bm25, "RARE", rare)
        patch.setattr(bm25, "TOO_MANY", too_many)
        patch.setattr(candidates, "AHEAD", 60)
        check(index, question.format(a=a, b=b, c=c), **more)


def test_a_stretch_of_time_with_very_many_memories_is_searched_by_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    index = world(500, 3)
    every = [{s.id: s.score for s in ask(index, "word3 and word17 last week", k=10)}]
    monkeypatch.setattr(candidates, "FEW", 20)
    every.append({s.id: s.score for s in ask(index, "word3 and word17 last week", k=10)})
    assert every[0] == pytest.approx(every[1])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([1, 50, 20_000]))
def test_the_best_by_words_are_those_of_the_formula(count: int, seed: int, k: int, rare: int) -> None:
    rng = np.random.default_rng(seed)
    index, order = LexicalIndex(), rng.permutation(count)
    for slot in range(count):
        index.add(slot, rng.choice(WORDS, rng.integers(0, 12), p=np.array(WEIGHT) / sum(WEIGHT)).tolist())
    index.remove(rng.choice(count, count // 5, replace=False).tolist())
    before, after = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    joined = np.flatnonzero(rng.random(count - 1) < 0.8)
    before[order[joined + 1]], after[order[joined]] = order[joined], order[joined + 1]
    allowed = rng.random(count) < 0.7
    terms = tuple(dict.fromkeys([*rng.choice(WORDS, 4).tolist(), "unheard"]))
    plain = index.scores(terms, before, after)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bm25, "RARE", rare)
        search = WordSearch(index, terms, before, after)
        assert search.top == pytest.approx(max(float(plain.max()), 1e-9))
        slots = search.best(k, allowed)
    assert allowed[slots].all()
    assert (plain[slots] > 0).all()
    assert np.sort(plain[slots]) == pytest.approx(np.sort(plain[allowed & (plain > 0)])[::-1][:k][::-1])
    assert np.array_equal(search.scores(np.arange(count)), plain)


def test_days_near_and_fitting_are_where_the_signal_says() -> None:
    index = world(400, 5)
    rows = index._rows
    every = np.arange(rows.size)
    for text in ("yesterday", "last week", "in February", "on 2 March 2024 or yesterday", "last year", "nothing"):
        days = Days(parse_question(text, {"": 0}, NOW, index._stemmer).times, rows)
        value = days.at(every)
        assert bool(days) == (text != "nothing")
        assert set(np.flatnonzero(value > 0)) <= set(days.near().tolist())
        assert np.array_equal(np.flatnonzero(value >= 0.8), days.fitting(0.8))


def test_who_matters_only_where_somebody_else_speaks() -> None:
    alone = index_of(entry(1, "a pear"))._rows
    both = index_of(entry(1, "a pear"), entry(2, "a fig", speaker="Anna"))._rows
    stemmer = index_of()._stemmer
    assert not Who(parse_question("Where is my pear?", alone.speakers, NOW, stemmer), alone).matters
    who = Who(parse_question("Where is my pear?", both.speakers, NOW, stemmer), both)
    assert who.matters
    assert who.at(np.array([0, 1])).tolist() == [1.0, 0.5]
    who = Who(parse_question("Where is Anna's pear?", both.speakers, NOW, stemmer), both)
    assert who.at(np.array([1, 0])).tolist() == [1.0, 0.0]
    assert who.favoured().tolist() == [False, True]


def test_candidates_of_an_empty_index() -> None:
    none = Candidates(0, None)
    none.by_age(np.zeros(0))
    assert none.found == {}
    assert none.cosines(np.zeros(0, np.int64)).tolist() == []


@pytest.mark.parametrize("days", [0.01, 1.0, 7.0, 31.0, 90.0, 300.0])
def test_when_a_memory_was_made_matches_as_a_second_that_it_names(days: float) -> None:
    since, until = 1e9, 1e9 + days * 86400
    moments = np.concatenate([since + np.arange(-500_000.0, days * 86400 + 500_000, 3333.3), [since - 1, since, until]])
    assert np.array_equal(_made(moments, since, until), _match(moments, moments + 1.0, since, until))
