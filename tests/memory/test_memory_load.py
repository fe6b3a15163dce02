"""The recall index loaded from the store at once is the one built memory by memory."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from memory_world import T0, ask, at, fact, has, opened, seen, told, vector, vectors

from perstream.config import MemoryConfig
from perstream.memory import derived
from perstream.memory.columns import ENTRY_QUERY, entry_of
from perstream.memory.lexical import Stemmer, stems_of, words_of
from perstream.memory.memory import Memory
from perstream.memory.migrations import MIGRATIONS
from perstream.memory.reads import entities_of
from perstream.memory.recall import RecallIndex
from perstream.types import NewMemory, Provenance, Query, Selector

WORDS = "pear train key lamp Anna Zürich bread 9:40 two piano running cities don't café 日本 garden ticket".split()
TIMES = ["", "yesterday", "on Tuesday at 5 pm", "in May", "two weeks ago", "next month", "on 3 April 2026"]
QUESTIONS = [
    "where is the key",
    "What did I do yesterday?",
    "when did Ben take the train to Zürich?",
    "how many pears in May",
    "café garden",
    "what happened two weeks ago",
]


def fill(memory: Memory, count: int, seed: int = 0) -> None:
    rng = random.Random(seed)
    news: list[NewMemory] = []
    for i in range(count):
        words = " ".join(rng.choices(WORDS, k=rng.randrange(0, 12)))
        text = f"{words} {rng.choice(TIMES)}{rng.choice(['', '.', '?', '? '])}"
        hours = i * 0.3 + rng.choice([0.0, 0.0, -40.0])
        triplets = [has(rng.choice(WORDS)) for _ in range(rng.randrange(3))]
        new = seen(text, hours, *triplets) if rng.random() < 0.4 else told(text, hours, *triplets)
        if rng.random() < 0.3:
            new = replace(new, provenance=Provenance.HEARD, speaker=rng.choice(["Anna", " Ben ", "anna"]), source="mic")
        if rng.random() < 0.1:
            new = replace(new, triplets=(fact("lives in", rng.choice(WORDS)),))
        news.append(new)
    memory.remember_all(news)


def built(memory: Memory) -> RecallIndex:
    """One memory at a time, everything derived anew."""
    index = RecallIndex(MemoryConfig())
    with memory._store.reading() as connection:
        rows = connection.execute(ENTRY_QUERY + "ORDER BY m.id").fetchall()
        labels = entities_of(connection, [row[0] for row in rows])
    for row in rows:
        index.add(replace(entry_of(row, labels.get(row[0], ())), derived=None))
    return index


def same(one: RecallIndex, other: RecallIndex) -> None:
    """Results to the last bit, and the parts of the index themselves."""
    assert one.nbytes == other.nbytes
    for i, text in enumerate(QUESTIONS):
        for k in (3, 40):
            query = Query(text, vectors(text), at(10.0 * i), k)
            found, wanted = one.search(query), other.search(query)
            assert wanted
            for a, b in zip(found, wanted, strict=True):
                assert all(getattr(a, field.name) == getattr(b, field.name) for field in fields(a))
    size = one._rows.size
    for name in ("ids", "observed", "speaker", "source", "group", "provenance", "alive", "current", "asks", "timed"):
        assert np.array_equal(getattr(one._rows, name)[:size], getattr(other._rows, name)[:size]), name
    for name in ("before", "after"):
        assert np.array_equal(getattr(one._rows, name), getattr(other._rows, name)), name
    assert np.array_equal(one._rows.counted[:size], other._rows.counted[:size])
    for a, b in zip(one._rows.times(), other._rows.times(), strict=True):
        assert np.array_equal(a, b)
    assert one._words.postings == other._words.postings
    assert one._words._terms == other._words._terms


@pytest.mark.parametrize("page", [7, 10_000])
def test_loaded_at_once_is_built_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr("perstream.memory.live.PAGE", page)
    with opened(tmp_path, ram_budget_mb=0) as memory:
        fill(memory, 300)
        memory.reduce(50_000)
    with opened(tmp_path, ram_budget_mb=0) as memory:
        loaded = memory._index.ready()
        same(loaded, built(memory))
        # And both take further changes alike.
        memory.forget(Selector(ids=(3, 50, 299)))
        loaded.remove([10, 200])
        other = built(memory)
        other.remove([10, 200])
        for text in QUESTIONS:
            found, wanted = (index.search(ask(text, k=300)) for index in (loaded, other))
            assert {s.id: s.score for s in found} == pytest.approx({s.id: s.score for s in wanted})


def test_what_is_kept_is_what_would_be_derived(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        fill(memory, 100)
        memory.correct(5, "The train left two days ago?", vectors("train"), ())
        with memory._store.reading() as connection:
            rows = connection.execute(
                "SELECT m.text, m.observed_at, d.terms, d.times, d.flags FROM memories m JOIN derived d ON d.memory_id = m.id"
            ).fetchall()
        assert len(rows) == memory.count()
    stemmer = Stemmer()
    for text, micros, *columns in rows:
        assert derived.unpacked(*columns) == derived.derive(text, micros / 1e6, stemmer)


def test_a_store_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        fill(memory, 30)
        wanted = [hit.memory.id for hit in memory.recall(ask(QUESTIONS[2]))]
    old = sqlite3.connect(tmp_path / "memory.db")
    later = "derived words_about words topics reminders speech redactions".split()
    old.executescript(
        "DROP TRIGGER forget_words; DROP TRIGGER forget_source; " + "".join(f"DROP TABLE {name}; " for name in later)
    )
    old.executescript("DELETE FROM marks WHERE name = 'derived'; PRAGMA user_version = 1")
    old.close()
    with opened(tmp_path) as memory:
        assert memory.status().schema_version == len(MIGRATIONS)
        with memory._store.reading() as connection:
            kept = connection.execute("SELECT count(*), total(length(terms)) > 0 FROM derived").fetchone()
        assert kept == (memory.count(), 1)
        same(memory._index.ready(), built(memory))
        assert [hit.memory.id for hit in memory.recall(ask(QUESTIONS[2]))] == wanted


def test_what_another_version_derived_is_not_believed(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        fill(memory, 30)
    other = sqlite3.connect(tmp_path / "memory.db")
    other.executescript("UPDATE derived SET terms = 'nonsense'; UPDATE marks SET value = '0' WHERE name = 'derived'")
    other.close()
    with opened(tmp_path, read_only=True) as memory:
        same(memory._index.ready(), built(memory))
    with opened(tmp_path) as memory:
        same(memory._index.ready(), built(memory))
        with memory._store.reading() as connection:
            assert not connection.execute("SELECT 1 FROM derived WHERE terms = 'nonsense'").fetchall()


def test_a_memory_without_what_is_kept_is_derived_when_loaded(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        fill(memory, 30)
    other = sqlite3.connect(tmp_path / "memory.db")
    other.executescript("DELETE FROM derived WHERE memory_id % 2")
    other.close()
    with opened(tmp_path) as memory:
        same(memory._index.ready(), built(memory))


def test_forgetting_takes_it_along(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember_all([told("My zebrafish sleeps"), told("pears", 5.0)])
        receipt = memory.forget(Selector(ids=(1,)))
        assert receipt.bytes_freed >= len("My zebrafish sleeps") + len("zebrafish sleep")
        with memory._store.reading() as connection:
            assert connection.execute("SELECT memory_id FROM derived").fetchall() == [(2,)]
    assert all(b"zebrafish" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_the_version_changes_with_what_is_derived() -> None:
    """When this fails, raise derived.VERSION and put the new values here: stores in use are then derived anew."""
    text = "Running to the cities, two days ago at 5 pm Anna's piano wasn't tuned; see you next Tuesday?"
    found = derived.derive(text, T0.timestamp(), Stemmer())
    hours = [((since - T0.timestamp()) / 3600, (until - T0.timestamp()) / 3600) for since, until in found.times]
    assert derived.VERSION == 1
    assert found.terms == [
        "run",
        "citi",
        "two",
        "day",
        "ago",
        "5",
        "pm",
        "anna",
        "piano",
        "wasn",
        "tune",
        "see",
        "next",
        "tuesday",
    ]
    assert hours == [(-40.0, -39.0), (15.0, 39.0)]
    assert (found.asks, found.counts) == (True, True)
    assert stems_of(words_of(text), Stemmer()) == found.terms


def test_vectors_put_at_once_are_those_put_one_by_one() -> None:
    from perstream.memory.dense import DenseIndex
    from perstream.memory.whole import BLOCK

    rng = np.random.default_rng(1)
    slots = np.array(sorted(rng.choice(BLOCK + 900, 1500, replace=False)))
    values = rng.standard_normal((len(slots), 24)).astype(np.float16)
    values[3] = 0
    one, many = DenseIndex(24), DenseIndex(24)
    for slot, value in zip(slots.tolist(), values, strict=True):
        one.put(slot, value)
    many.put_many(slots, values)
    assert one.nbytes == many.nbytes
    query = vector("a")[:24]
    every = np.arange(2 * BLOCK)
    assert one.exact(query, every) == pytest.approx(many.exact(query, every), abs=1e-6)
    assert one.candidates(query, 20)[0].tolist() == many.candidates(query, 20)[0].tolist()
