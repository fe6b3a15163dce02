"""Backups as a set: read back, listed, pruned, and none that is not whole."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from memory_world import embed, fact, opened, seen, told

from perstream.config import MemoryConfig
from perstream.errors import StoreError
from perstream.memory import backup, backups, restoring
from perstream.memory.backups import Backups, auto_name
from perstream.memory.engine import Engine, Key, has_sqlcipher
from perstream.memory.memory import Memory
from perstream.types import Selector

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)


def test_a_backup_is_read_back_and_listed(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as memory:
        for n in range(100):
            memory.remember(seen(f"view {n}", n, fact("sees", str(n))))
        made = memory.backups.make()
        by_hand = memory.backup(tmp_path / "mine.db")
        memory.remember(told("later", 999))
        (second, first) = memory.backups.listed()
        assert {Path(one.path) for one in (first, second)} == {made, by_hand}
        (verified,) = [one for one in (first, second) if one.verified_at]
        assert verified.path == str(made) and verified.memories == 100 and verified.size_mb > 0.05
        assert list(memory.backups.verified()) == [made.resolve()] and by_hand.is_file()
        assert (tmp_path / "store" / "backups" / backups.VERIFIED).stat().st_mode & 0o777 == 0o600
    with opened(tmp_path / "store", read_only=True) as reader:
        assert reader.backups.make(tmp_path / "beside.db").is_file()


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("DELETE FROM memories WHERE id = 7", "without memory 7"),
        ("UPDATE memories SET text = 'something else'", "another memory 1"),
        ("UPDATE thumbnails SET jpeg = x'00'", "another memory 1"),
        ("PRAGMA user_version = 99", "no sound backup"),
    ],
)
def test_a_copy_that_is_not_the_store_is_no_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, complaint: str
) -> None:
    follow = backup._follow

    def damaged(connection, target, engine):  # type: ignore[no-untyped-def]
        follow(connection, target, engine)
        with backup._opened(target, engine) as copy:
            copy.execute(damage)

    with opened(tmp_path) as memory:
        for n in range(20):
            memory.remember(seen(f"view {n}", n))
        with monkeypatch.context() as patched:
            patched.setattr(backup, "_follow", damaged)
            with pytest.raises(StoreError, match=complaint):
                memory.backups.make(tmp_path / "elsewhere" / "bad.db")
        assert not list((tmp_path / "elsewhere").iterdir())
        assert memory.backups.make(tmp_path / "elsewhere" / "good.db").is_file()


def test_what_is_forgotten_corrected_or_told_while_the_copy_is_made_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memory_world import vectors

    of = backup.of
    with opened(tmp_path / "store") as memory:
        for n in range(10):
            memory.remember(told(f"fact {n}", n))

        def meanwhile(store, target):  # type: ignore[no-untyped-def]
            memory.forget(Selector(ids=(3,)))
            memory.correct(5, "put right", vectors("put right"), ())
            memory.remember(told("new", 50))
            return of(store, target)

        monkeypatch.setattr(backup, "of", meanwhile)
        made = memory.backups.make()
        assert backup.check(made)
        assert memory.backups.listed()[0].memories == 10


def test_there_must_be_room(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("one"))
        with pytest.raises(StoreError, match="stay free"):
            memory.backups.make(keep_free_mb=1e12)
        assert memory.backups.listed() == []


def test_only_the_daemons_own_are_pruned_by_the_time_in_their_names(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("one"))
        by_hand = memory.backup()
        folder = memory.backups.folder
        names = [auto_name(NOON + timedelta(days=day)) for day in range(5)]
        for name in reversed(names):  # the files' own times say the contrary
            memory.backups.make(folder / name)
        (folder / "auto-notatime.db").write_bytes(b"x")
        (folder / f"{names[0]}.key.json").write_text("{}")
        assert [path.name for _, path in memory.backups.automatic(folder)] == names[::-1]
        assert memory.backups.prune(folder, 2) == 3
        assert {path.name for path in folder.iterdir()} == {
            by_hand.name, *names[3:], "auto-notatime.db", backups.VERIFIED,
        }  # fmt: skip
        assert memory.backups.prune(folder, 2) == 0


def test_a_broken_one_is_listed_with_its_problem_and_broken_notes_are_passed_over(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("one"))
        made = memory.backups.make()
        made.write_bytes(b"rubbish" * 1000)
        (one,) = memory.backups.listed()
        assert one.memories is None and "damaged" in one.problem
        (memory.backups.folder / backups.VERIFIED).write_text('["odd"]')
        assert memory.backups.listed()[0].verified_at is None
        (memory.backups.folder / backups.VERIFIED).write_text("{")
        assert memory.backups.verified() == {}
        assert isinstance(memory.backups, Backups)


def test_the_backup_of_an_encrypted_store_is_verified_and_says_nothing(tmp_path: Path) -> None:
    if not has_sqlcipher():
        pytest.skip("SQLCipher is not installed")
    keys = Engine((Key.random(),))
    with Memory.open(tmp_path / "store", MemoryConfig(), embed, keys=keys) as memory:
        memory.remember(told("my zebrafish sleeps"))
        made = memory.backups.make()
        assert b"zebrafish" not in made.read_bytes()
        (one,) = memory.backups.listed()
        assert one.memories == 1 and one.verified_at is not None
        memory.remember(told("pears", 5))
    assert restoring.restore(made, tmp_path / "store", keys).memories == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs file limits")
def test_half_a_copy_does_not_take_the_room_that_is_left(tmp_path: Path) -> None:
    import resource

    with opened(tmp_path / "store") as memory:
        for n in range(30):
            memory.remember(seen(f"view {n}", n))
        was = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, was[1]))
        try:
            with pytest.raises(StoreError, match=r"mine\.db .*free some disk space"):
                memory.backups.make(tmp_path / "usb" / "mine.db")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, was)
        assert not list((tmp_path / "usb").iterdir())
        assert memory.backups.make(tmp_path / "usb" / "mine.db").is_file()


def test_what_a_crash_left_of_a_copy_elsewhere_goes_with_the_next_or_with_what_is_forgotten(tmp_path: Path) -> None:
    usb = tmp_path / "usb"
    with opened(tmp_path / "store") as memory:
        memory.remember(told("my zebrafish sleeps"))
        made = memory.backups.make(usb / auto_name(NOON))
        made.rename(half := made.with_name(made.name + ".partial"))  # as if it had been killed here
        fresh = usb / f"{auto_name(NOON + timedelta(days=1))}.partial"
        fresh.write_bytes(b"somebody else is at it")
        old = usb / f"{auto_name(NOON - timedelta(days=1))}.partial"
        old.write_bytes(b"left")
        os.utime(old, (1, 1))
        memory.backups.prune(usb, 3)
        assert not old.exists() and fresh.exists() and half.exists()
        memory.forget(Selector(text="zebrafish"))
        assert not half.exists() and fresh.exists()
