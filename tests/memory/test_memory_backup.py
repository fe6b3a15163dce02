"""Backups: made in use, checked, restored."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from memory_world import ask, fact, opened, seen, told

from perstream.errors import StoreBusy, StoreError
from perstream.memory import backup
from perstream.memory.migrations import MIGRATIONS


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
        "text.db": b"hello" * 999,
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StoreError):
            backup.restore(tmp_path / name, tmp_path / "store")
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
