"""Backups that the daemon makes: when, how many, and what happens when one cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from perstream.config import MemoryConfig
from perstream.config_upkeep import BackupConfig
from perstream.daemon.backups import CLOCKS, BackupKeeper
from perstream.errors import StoreError
from perstream.memory.memory import Memory

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(
        tmp_path / "store", MemoryConfig(), lambda texts: np.zeros((len(texts), 384), np.float32)
    ) as opened:
        yield opened


class Wall:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def keeper(memory: Memory, wall: Wall, free_mb: float = 0.0, **config: object) -> BackupKeeper:
    return BackupKeeper(BackupConfig(**config), memory.backups, free_mb, wall)  # type: ignore[arg-type]


def test_one_is_made_when_the_newest_is_old_enough_and_so_many_are_kept(memory: Memory) -> None:
    wall = Wall()
    backups = keeper(memory, wall, keep=2)
    assert backups.chore().first_s > 60 and backups.status.newest is None
    times = []
    for _ in range(80):
        before = backups.status.made
        backups.run()
        if backups.status.made > before:
            times.append(wall.now)
        wall.now += timedelta(hours=1)
    assert times == [NOON + timedelta(hours=hours) for hours in (0, 24, 48, 72)]
    status = backups.status
    assert (status.made, status.failed, status.kept, status.newest) == (4, 0, 2, times[-1])
    again = keeper(memory, wall)  # after a restart the age of the newest counts
    assert not again.due() and again.status.newest == times[-1]


def test_none_is_made_when_none_is_wanted(memory: Memory) -> None:
    backups = keeper(memory, Wall(), every_h=0)
    backups.run()
    assert backups.status.every_h == 0 and not backups.folder.exists()


def test_one_that_was_not_verified_and_one_from_the_future_do_not_count(memory: Memory) -> None:
    wall = Wall()
    backups = keeper(memory, wall)
    wall.now = NOON + timedelta(days=400)
    backups.run()
    wall.now = NOON  # the clock had been wrong
    assert backups.due()
    backups.run()
    assert backups.status.newest == NOON and not backups.due()
    wall.now = NOON + timedelta(days=2)
    (backups.folder / "auto-20260506T110000Z.db").write_bytes(b"half")
    assert backups.due() and timedelta(hours=2) > CLOCKS


def test_a_disk_that_is_not_there_or_full_is_told_and_tried_again(memory: Memory, tmp_path: Path) -> None:
    wall = Wall()
    backups = keeper(memory, wall, folder=str(tmp_path / "usb"))
    with pytest.raises(StoreError, match="plug in its disk"):
        backups.run()
    assert not (tmp_path / "usb").exists()
    assert (backups.status.failed, backups.status.made) == (1, 0) and "plug in" in str(backups.status.last_error)
    (tmp_path / "usb").mkdir()
    backups.run()
    assert backups.status.made == 1 and backups.status.last_error is None
    full = keeper(memory, wall, free_mb=1e12, folder=str(tmp_path / "usb"), every_h=0.001)
    wall.now += timedelta(hours=1)
    with pytest.raises(StoreError, match="stay free"):
        full.run()
    assert full.status.kept == 1


def test_one_that_the_owner_made_counts(memory: Memory) -> None:
    wall = Wall()
    backups = keeper(memory, wall)
    memory.backups.make(now=NOON)
    assert not backups.due()
    wall.now += timedelta(hours=25)
    assert backups.due()


def test_two_stores_may_share_a_folder(memory: Memory, tmp_path: Path) -> None:
    shared = tmp_path / "usb"
    shared.mkdir()
    wall = Wall()
    with Memory.open(
        tmp_path / "other", MemoryConfig(), lambda texts: np.zeros((len(texts), 384), np.float32)
    ) as other:
        both = [keeper(one, wall, folder=str(shared), keep=1) for one in (memory, other)]
        for _ in range(3):
            for backups in both:
                backups.run()
                wall.now += timedelta(seconds=1)
            wall.now += timedelta(days=1)
        assert [backups.status.kept for backups in both] == [1, 1]
    assert len(list(shared.glob("auto-*.db"))) == 2
