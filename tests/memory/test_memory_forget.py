"""Forgetting: the right memories, all that hangs on them, and no residue in any file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from crypt_world import ENGINE, cleartext
from memory_world import ask, at, fact, has, opened, seen, told

from perstream.errors import StoreError
from perstream.memory.engine import PLAIN, Engine
from perstream.types import Gap, Observation, ObservationKind, Selector, Triplet

SECRET = "zanzibarquartz"


@pytest.fixture(params=[PLAIN, ENGINE], ids=["plain", "encrypted"])
def keys(request: pytest.FixtureRequest) -> Engine:
    """What is forgotten leaves nothing, whether one can read the file or only somebody with the key."""
    engine: Engine = request.param
    return engine


def residue(folder: Path, *needles: str) -> list[str]:
    """Files of the store that hold a needle, in any case, as UTF-8 or UTF-16, under the encryption where there is one."""
    found = []
    for file in folder.rglob("*"):
        data = cleartext(file).lower() if file.is_file() else b""
        if any(needle.lower().encode(code) in data for needle in needles for code in ("utf-8", "utf-16-le")):
            found.append(file.name)
    return found


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Selector(), set()),
        (Selector(text="  "), set()),
        (Selector(text="", since=at(0)), set()),
        (Selector(ids=(1, 3, 99)), {1, 3}),
        (Selector(text="GREEN"), {1, 2}),
        (Selector(text="straße"), {4}),
        (Selector(text="100%_"), set()),
        (Selector(entity="umbrella"), {1, 3}),
        (Selector(entity="Anna"), {2, 5}),
        (Selector(source="cam.mp4"), {3, 4}),
        (Selector(since=at(3)), {3, 4, 5}),
        (Selector(until=at(2)), {1, 2}),
        (Selector(since=at(2), until=at(3)), {2, 3}),
        (Selector(since=at(3) + timedelta(seconds=2), until=at(3) + timedelta(seconds=3)), {3}),
        (Selector(source="cam.mp4", until=at(3)), {3}),
        (Selector(text="green", entity="umbrella"), {1}),
    ],
)
def test_every_condition_of_a_selector_must_hold(tmp_path: Path, selector: Selector, expected: set[int]) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("my umbrella is green", 1, has("Umbrella")))
        memory.remember(told("a green door, says anna", 2))
        memory.remember(
            seen("something by the door", 3, Triplet("an umbrella", "is", "wet"), Triplet("umbrella", "is", "wet"))
        )
        memory.remember(replace(seen("STRASSE", 4), start_s=None))
        memory.remember(replace(told("Good morning", 5), speaker="Anna"))
        rehearsed = memory.forget(selector, dry_run=True)
        assert set(rehearsed.memory_ids) == expected
        assert memory.count() == 5
        done = memory.forget(selector)
        assert done == replace(rehearsed, dry_run=False)
        assert {record.id for record in memory.list()} == {1, 2, 3, 4, 5} - expected
        assert all(
            hit.memory.id not in expected for hit in memory.recall(ask("green door umbrella Good morning", k=10))
        )


def test_forgetting_leaves_nothing_in_any_file(tmp_path: Path, keys: Engine) -> None:
    store, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    memory = opened(store, keys=keys)
    observation = Observation(ObservationKind.TEXT, f"{SECRET} LTD", 0.9, 0.0, 1.0)
    for n in range(200):  # enough for pages to be split and merged
        text = f"the {SECRET} file number {n}" if n % 3 == 0 else f"ordinary fact number {n} about nothing"
        extra = (
            (Triplet(f"{SECRET} {n}", "is near", f"thing {n}"), fact(f"{SECRET} code is", str(n))) if n % 3 == 0 else ()
        )
        kept = replace(seen(text, n, *extra), observations=(observation,) if n % 3 == 0 else ())
        memory.remember(replace(kept, thumbnail=SECRET.encode() + bytes(3000) if n % 3 == 0 else b"jpeg"))
        if n == 100:
            memory.backup()
    memory.backup(elsewhere / "mine.db")
    memory.recall(ask(f"{SECRET} file"))
    assert residue(store, SECRET)

    receipt = memory.forget(Selector(text=SECRET))
    assert len(receipt.memory_ids) == 67
    assert (receipt.edges, receipt.backups_rewritten) == (134, 2)
    assert receipt.bytes_freed > 67 * 3000
    assert residue(store, SECRET) == []  # while the store is open, its log included
    assert residue(elsewhere, SECRET) == []
    memory.close()
    assert residue(store, SECRET) == []
    with opened(store, keys=keys) as memory:
        assert memory.count() == 133


def test_a_label_that_lives_on_in_another_entity_name_goes_too(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        first = memory.remember(told("one", 0, has("ZANZIBAR  Quartz")))
        second = memory.remember(told("two", 1, has("zanzibar quartz")))
        assert memory.entities_of(second.id) == ("I", "ZANZIBAR  Quartz")
        memory.forget(Selector(ids=(first.id,)))
        assert memory.entities_of(second.id) == ("I", "zanzibar quartz")
        assert memory.get(second.id).triplets == (has("zanzibar quartz"),)
        third = memory.remember(told("three", 2, has("Zanzibar Quartz")))
        assert memory.entities_of(third.id) == ("I", "zanzibar quartz")


def test_entities_with_other_support_stay(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        gone = memory.remember(told("one", 0, has("bike"), has("car")))
        memory.remember(told("two", 1, has("bike")))
        receipt = memory.forget(Selector(ids=(gone.id,)))
        assert (receipt.entities, receipt.edges) == (1, 2)
        assert memory.status().entities == 2


def test_gaps_of_a_forgotten_source_or_time_go_with_it(tmp_path: Path, keys: Engine) -> None:
    with opened(tmp_path, keys=keys) as memory:
        memory.record_gap(Gap("secret-cam", 0, 1, at(1), at(2), "lost"))
        memory.record_gap(Gap("door", 0, 1, at(5), at(6), "lost"))
        memory.forget(Selector(text="anything"))
        assert len(memory.gaps()) == 2
        memory.forget(Selector(source="secret-cam"))
        assert residue(tmp_path, "secret-cam") == []
        memory.forget(Selector(since=at(5.5)))
        assert memory.gaps() == []


def test_ids_are_never_given_again(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        last = [memory.remember(told(f"{n}", n)) for n in range(3)][-1]
        memory.forget(Selector(ids=(last.id,)))
        assert memory.remember(told("new", 9)).id > last.id


@pytest.mark.parametrize("step", ["perstream.memory.backup.purge", "perstream.memory.forget.scrub"])
def test_a_crash_in_the_middle_is_made_good_at_opening(
    tmp_path: Path, keys: Engine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    memory = opened(tmp_path, keys=keys)
    memory.remember(told(f"the {SECRET} file", 0, has(SECRET)))
    memory.record_gap(Gap(SECRET, 0, 1, at(1), at(2), "lost"))
    memory.backup()
    (tmp_path / "backups" / "cut-off.db.partial").write_text(SECRET)
    memory.forget(Selector(source="nobody"))
    with monkeypatch.context() as patch:
        patch.setattr(step, die)
        for selector in (Selector(text=SECRET), Selector(source=SECRET)):
            with pytest.raises(Killed):
                memory.forget(selector)
    memory.close()
    assert residue(tmp_path, SECRET)
    with opened(tmp_path, keys=keys) as memory:
        assert (memory.count(), memory.gaps()) == (0, [])
        assert residue(tmp_path, SECRET) == []


def test_a_reader_of_the_old_state_is_named_and_the_rest_done_later(tmp_path: Path, keys: Engine) -> None:
    with opened(tmp_path, keys=keys) as memory:
        memory.remember(told(f"the {SECRET} file"))
        reader = keys.connect(tmp_path / "memory.db")
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM memories").fetchone() == (1,)
        memory._store.writer.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(StoreError, match="another program"):
            memory.forget(Selector(text=SECRET))
        assert memory.count() == 0
        reader.close()
    with opened(tmp_path, keys=keys):
        assert residue(tmp_path, SECRET) == []
