"""Restoring is read back; a migration that fails leaves the old store; and there is a way back to an older PerStream."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from memory_world import opened, seen, told

from perstream.errors import NotFound, StoreBusy, StoreError
from perstream.memory import backup, migrations, restoring, store
from perstream.types import Selector


def texts(folder: Path) -> list[str]:
    with opened(folder) as memory:
        return [record.text for record in reversed(memory.list())]


def test_what_was_restored_is_read_back(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as memory:
        for n in range(90):
            memory.remember(seen(f"view {n}", n))
        made = memory.backup()
        memory.remember(told("later", 999))
        with pytest.raises(StoreBusy):
            restoring.restore(made, tmp_path / "a")
    restored = restoring.restore(made, tmp_path / "a")
    assert (restored.memories, restored.version) == (90, len(migrations.MIGRATIONS))
    assert restored.kept is not None and restored.kept.is_file()
    assert len(texts(tmp_path / "a")) == 90
    assert restoring.restore(restored.kept, tmp_path / "new").kept is None
    assert texts(tmp_path / "new")[-1] == "later"


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM memories WHERE id = 2",
        "UPDATE memories SET text = 'other'",
        "DELETE FROM thumbnails",
        "PRAGMA user_version = 1",
    ],
)
@pytest.mark.parametrize("fresh", [True, False])
def test_what_does_not_read_back_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, fresh: bool
) -> None:
    with opened(tmp_path / "a") as memory:
        for n in range(3):
            memory.remember(seen(f"view {n}", n))
        made = memory.backup(tmp_path / "made.db")
    if not fresh:
        with opened(tmp_path / "b") as memory:
            memory.remember(told("mine"))
    real, times = backup.restore, []

    def damaged(source, folder, keys=backup.PLAIN):  # type: ignore[no-untyped-def]
        kept = real(source, folder, keys)
        if not times:
            times.append(1)
            with sqlite3.connect(folder / "memory.db") as connection:
                connection.execute(damage)
            connection.close()
        return kept

    monkeypatch.setattr(backup, "restore", damaged)
    with pytest.raises(StoreError, match="as it was"):
        restoring.restore(made, tmp_path / "b")
    if fresh:
        assert not (tmp_path / "b" / "memory.db").exists()
    else:
        assert texts(tmp_path / "b") == ["mine"]


# --- migrations -----------------------------------------------------------------------------


def add_column(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE memories ADD COLUMN mood TEXT")
    connection.execute("UPDATE memories SET text = 'moody ' || text")


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Makes this PerStream one that knows one more step."""

    def upgrade(step=add_column):  # type: ignore[no-untyped-def]
        steps = (*migrations.MIGRATIONS, step)
        for module in (migrations, store, backup):
            monkeypatch.setattr(module, "MIGRATIONS", steps)

    return upgrade


def test_there_is_a_way_back_to_the_older_version(tmp_path: Path, newer) -> None:  # type: ignore[no-untyped-def]
    with opened(tmp_path) as memory:
        memory.remember(told("old"))
        with pytest.raises(NotFound, match="no copy"):
            restoring.earlier(tmp_path)
    old = len(migrations.MIGRATIONS)
    newer()
    with opened(tmp_path) as memory:
        memory.remember(told("new", 5))
    found = restoring.earlier(tmp_path)
    assert (found.version, found.now, found.newer) == (old, old + 1, 1)
    assert found.copy.name == f"before-v{old + 1}.db"
    restored = restoring.restore(found.copy, tmp_path)
    assert (restored.memories, restored.version) == (1, old)
    with sqlite3.connect(tmp_path / "memory.db") as older:
        assert older.execute("PRAGMA user_version").fetchone() == (old,)
        assert older.execute("SELECT text FROM memories").fetchall() == [("old",)]
    older.close()
    restoring.restore(restored.kept, tmp_path)  # type: ignore[arg-type]
    assert texts(tmp_path) == ["moody old", "new"]


def test_a_copy_that_forgetting_brought_up_is_no_way_back(tmp_path: Path, newer) -> None:  # type: ignore[no-untyped-def]
    with opened(tmp_path) as memory:
        memory.remember(told("my zebrafish"))
        memory.remember(told("pears", 3))
    newer()
    with opened(tmp_path) as memory:
        memory.forget(Selector(text="zebrafish"))
    copy = next((tmp_path / "backups").glob("before-v*.db"))
    assert b"zebrafish" not in copy.read_bytes()
    with pytest.raises(NotFound, match="no copy"):
        restoring.earlier(tmp_path)


MIGRATE = """
import os, resource, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from memory_world import opened
from perstream.errors import StoreError
from perstream.memory import backup, migrations, store

def step(connection):
    connection.execute("CREATE TABLE big (a)")
    connection.execute("UPDATE memories SET text = 'half done'")
    {in_the_middle}

steps = (*migrations.MIGRATIONS, step)
for module in (migrations, store, backup):
    module.MIGRATIONS = steps
{before}
try:
    opened(Path({folder!r}))
except StoreError as error:
    print(error)
    sys.exit(5)
"""
WRITE = "connection.execute('INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<400) SELECT randomblob(4000) FROM n')"
LIMIT = "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals and file limits")
@pytest.mark.parametrize(
    ("in_the_middle", "before", "code"),
    [
        ("raise ValueError('oh')", "", 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", "", -signal.SIGKILL),
        (WRITE + "; os.kill(os.getpid(), signal.SIGKILL)", "", -signal.SIGKILL),
        (WRITE, LIMIT.format(size=800_000), 5),  # the disk is full in the middle of the step
        ("pass", LIMIT.format(size=20_000), 5),  # the disk is full before the copy is whole
    ],
    ids=["exception", "kill", "kill after writing", "full in the step", "full in the copy"],
)
def test_a_migration_that_fails_leaves_the_old_store_to_the_old_version(
    tmp_path: Path, in_the_middle: str, before: str, code: int, newer
) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "store"
    with opened(folder) as memory:
        for n in range(30):
            memory.remember(seen(f"view {n}", n))
    script = MIGRATE.format(
        tests=str(Path(__file__).parent), folder=str(folder), in_the_middle=in_the_middle, before=before
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.returncode == code, ran.stderr
    if code == 5:
        assert "free some disk space" in ran.stdout
    shutil.copytree(folder, tmp_path / "copy")  # as the crash left it
    assert texts(folder) == [f"view {n}" for n in range(30)]
    with opened(folder) as memory:
        assert memory.status().schema_version == len(migrations.MIGRATIONS)
        assert memory.remember(told("life goes on", 999)).id
    newer()
    assert texts(tmp_path / "copy")[0] == "moody view 0"  # and with room the migration works
