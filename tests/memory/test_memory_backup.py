"""Backups: made in use, checked, restored."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from memory_world import ask, fact, opened, seen, told

from perstream.errors import StoreBusy, StoreError
from perstream.memory import backup
from perstream.memory.engine import Connection, Engine
from perstream.memory.migrations import MIGRATIONS
from perstream.types import Selector


def test_a_backup_made_in_use_is_the_whole_store(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as memory:
        kept = [memory.remember(seen(f"view {n}", n, fact("sees", str(n)))) for n in range(5)]
        made = memory.backup(tmp_path / "copies" / "mine.db")
        memory.remember(told("after the backup"))
        before = [memory.get(record.id) for record in kept]
    assert backup.check(made) == len(MIGRATIONS)
    assert backup.restore(made, tmp_path / "b") is None
    with opened(tmp_path / "b") as restored:
        assert list(reversed(restored.list())) == before
        assert restored.thumbnail(kept[0].id)
        assert restored.recall(ask("view 3"))
        assert restored.remember(told("life goes on")).id


def test_restoring_keeps_the_store_that_was_there(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("old"))
        made = memory.backup()
        memory.remember(told("new", 1))
        with pytest.raises(StoreBusy):
            backup.restore(made, tmp_path)
    before = backup.restore(made, tmp_path)
    with opened(tmp_path) as memory:
        assert [r.text for r in memory.list()] == ["old"]
    assert before is not None
    backup.restore(before, tmp_path)
    with opened(tmp_path) as memory:
        assert [r.text for r in memory.list()] == ["new", "old"]


def test_what_is_no_sound_backup_is_not_restored(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as memory:
        for n in range(50):
            memory.remember(told(f"fact {n}", n))
        made = memory.backup(tmp_path / "good.db")
        with pytest.raises(StoreError, match="there already"):
            memory.backup(tmp_path / "good.db")
    data = made.read_bytes()
    broken = {
        "cut.db": data[: len(data) // 2],
        "torn.db": data[:8192] + bytes(8192) + data[16384:],
        "worn.db": data[: 4096 * 9] + b"\x55" * 4096 + data[4096 * 10 :],
        "text.db": b"hello" * 999,
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StoreError) as told_so:
            backup.restore(tmp_path / name, tmp_path / "store")
        assert "\n" not in str(told_so.value)
    with pytest.raises(StoreError, match="no backup"):
        backup.restore(tmp_path / "nowhere.db", tmp_path / "store")
    with opened(tmp_path / "store") as memory:
        assert memory.count() == 50


def test_a_backup_while_another_thread_writes_is_consistent(tmp_path: Path) -> None:
    done = threading.Event()
    with opened(tmp_path / "a") as memory:
        memory.remember(told("fact 0", 0, fact("number is", "0")))
        made: list[Path] = []

        def copy() -> None:
            while not done.is_set():
                made.append(memory.backup(tmp_path / f"{len(made)}.db"))

        copying = threading.Thread(target=copy)
        copying.start()
        for n in range(1, 30):
            memory.remember(told(f"fact {n}", n, fact("number is", str(n))))
        done.set()
        copying.join(20)
    assert made
    for number, path in enumerate(made[:: max(1, len(made) // 4)]):
        backup.restore(path, tmp_path / f"store{number}")
        with opened(tmp_path / f"store{number}", read_only=True) as copied:
            current = [r.text for r in copied.list() if r.superseded_by is None]
            assert current == [f"fact {copied.count() - 1}"]


def test_a_reader_backs_up_beside_the_writer_and_forgetting_reaches_the_copy(tmp_path: Path) -> None:
    store, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    with opened(store) as writer:
        writer.remember(told("my zebrafish sleeps"))
        with opened(store, read_only=True) as reader:
            inside, outside = reader.backup(), reader.backup(elsewhere / "mine.db")
        writer.remember(told("pears", 5))
        receipt = writer.forget(Selector(text="zebrafish"))
        assert receipt.backups_rewritten == 2
        for copy in (inside, outside):
            assert b"zebrafish" not in copy.read_bytes()
            assert backup.check(copy) == len(MIGRATIONS)
    backup.restore(outside, store)
    with opened(store) as writer:
        assert writer.count() == 0
        writer.remember(told("my zebrafish wakes"))
        later = writer.backup(elsewhere / "later.db")
        assert writer.forget(Selector(text="zebrafish")).backups_rewritten == 1
        assert b"zebrafish" not in later.read_bytes()


def test_what_is_forgotten_while_a_copy_is_made_is_not_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_database = backup.copy_database
    with opened(tmp_path) as writer, opened(tmp_path, read_only=True) as reader:
        writer.remember(told("my zebrafish sleeps"))
        kept = writer.remember(told("pears", 5))

        def forgetting_meanwhile(source: Connection, target: Path, engine: Engine) -> None:
            copy_database(source, tmp_path / "aside.db", engine)
            writer.forget(Selector(text="zebrafish"))
            (tmp_path / "aside.db").rename(target)

        with monkeypatch.context() as patched:
            patched.setattr(backup, "copy_database", forgetting_meanwhile)
            made = reader.backup(tmp_path / "mine.db")
    assert b"zebrafish" not in made.read_bytes()
    backup.restore(made, tmp_path / "b")
    with opened(tmp_path / "b") as restored:
        assert [record.id for record in restored.list()] == [kept.id]


def test_a_damaged_list_of_copies_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as memory:
        memory.remember(told("my zebrafish sleeps"))
        made = memory.backup(tmp_path / "mine.db")
        notes = tmp_path / "store" / "backups" / backup.ELSEWHERE
        notes.write_bytes(b'[1]\n\xff\n""\n' + notes.read_bytes() + b'"/tmp/cut o')
        later = memory.backup(tmp_path / "later.db")
        assert memory.forget(Selector(text="zebrafish")).backups_rewritten == 2
    assert b"zebrafish" not in made.read_bytes() + later.read_bytes()


def test_a_copy_that_was_removed_on_purpose_is_looked_for_no_more(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with opened(store) as memory:
        made = [memory.backup(tmp_path / f"{n}.db") for n in range(3)]
        backup.unnote(store, made[1])
        backup.unnote(store, tmp_path / "never.db")
        assert backup.noted(store) == [made[0], made[2]]
        made[1].unlink()
        again = memory.backup(made[1])
    assert backup.noted(store) == [made[0], made[2], again]
