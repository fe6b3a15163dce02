"""The store's files: rights, locks, versions, damage, full disks."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from memory_world import ask, has, opened, seen, told

from perstream.errors import StoreBusy, StoreError
from perstream.memory import migrations, store


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*")}


def test_files_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "store"
    with opened(folder) as memory:
        memory.remember(told("a secret"))
        memory.backup()
        found = modes(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == found.pop("backups") == 0o700
        assert {"memory.db", "memory.db-wal", "writer.lock"} < set(found)
        assert set(found.values()) == {0o600}


def test_a_second_writer_is_refused_and_told_who_holds_the_store(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        for _ in range(2):  # the first refusal must not erase the holder's id
            with pytest.raises(StoreBusy, match=f"process {os.getpid()} is writing"):
                opened(tmp_path)
        memory.remember(told("still mine"))
    opened(tmp_path).close()


HOLD = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from memory_world import opened, told
memory = opened(Path({folder!r}))
memory.remember(told("from the other process"))
print("ready", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_blocks_nobody(tmp_path: Path) -> None:
    script = HOLD.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(StoreBusy, match=f"process {other.pid} "):
            opened(tmp_path)
        with opened(tmp_path, read_only=True) as reader:
            assert reader.count() == 1
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert (tmp_path / "writer.lock").exists()
    with opened(tmp_path) as memory:
        assert memory.list()[0].text == "from the other process"


@pytest.mark.parametrize("content", [b"not a database at all " * 300, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "memory.db").write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(StoreError, match="damaged"):
            opened(tmp_path, read_only=read_only)
    assert (tmp_path / "memory.db").read_bytes() == content


def test_a_damaged_header_of_a_real_store(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("precious"))
    path = tmp_path / "memory.db"
    good = path.read_bytes()
    path.write_bytes(b"\x00" * 64 + good[64:])
    with pytest.raises(StoreError, match="damaged"):
        opened(tmp_path)
    path.write_bytes(good)
    with opened(tmp_path) as memory:
        assert memory.list()[0].text == "precious"


def test_another_programs_database_is_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "memory.db") as other:
        other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = (tmp_path / "memory.db").read_bytes()
    with pytest.raises(StoreError, match="another program"):
        opened(tmp_path)
    assert (tmp_path / "memory.db").read_bytes() == before


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with sqlite3.connect(tmp_path / "memory.db") as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"version 99.*newer PerStream"):
            opened(tmp_path, read_only=read_only)


def test_an_older_version_is_brought_up_after_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("from the old days"))
    old = len(migrations.MIGRATIONS)

    def add_column(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE memories ADD COLUMN mood TEXT")

    steps = (*migrations.MIGRATIONS, add_column)
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    monkeypatch.setattr(store, "MIGRATIONS", steps)
    with pytest.raises(StoreError, match="older version"):
        opened(tmp_path, read_only=True)
    with opened(tmp_path) as memory:
        assert memory.status().schema_version == old + 1
        assert memory.list()[0].text == "from the old days"
    kept = tmp_path / "backups" / f"before-v{old + 1}.db"
    backup = sqlite3.connect(kept)
    assert backup.execute("PRAGMA user_version").fetchone() == (old,)
    assert backup.execute("SELECT text FROM memories").fetchone() == ("from the old days",)
    backup.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("safe"))

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM memories")
        raise sqlite3.OperationalError("no such thing")

    with monkeypatch.context() as patch:
        for module in (migrations, store):
            patch.setattr(module, "MIGRATIONS", (*migrations.MIGRATIONS, fail))
        with pytest.raises(StoreError, match="no such thing"):
            opened(tmp_path)
    with opened(tmp_path) as memory:
        assert memory.list()[0].text == "safe"


@pytest.fixture
def shared_folder() -> Path:
    """A folder that a process without root's rights may reach."""
    folder = Path(tempfile.mkdtemp(prefix="perstream-test-"))
    folder.chmod(0o755)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root's rights for a moment")
def test_a_folder_that_may_not_be_written(shared_folder: Path) -> None:
    with opened(shared_folder / "store") as memory:
        memory.remember(told("look, do not touch"))
    for file in shared_folder.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)
    os.seteuid(65534)
    try:
        with pytest.raises(StoreError, match="cannot write"):
            opened(shared_folder / "store")
        with pytest.raises(StoreError, match="cannot make the folder"):
            opened(shared_folder / "new")
        with opened(shared_folder / "store", read_only=True) as reader:
            assert reader.list()[0].text == "look, do not touch"
            assert reader.recall(ask("look"))
    finally:
        os.seteuid(0)
        subprocess.run(["rm", "-r", str(shared_folder)], check=True)


FILL = """
import resource, sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from dataclasses import replace
from memory_world import opened, seen
from perstream.errors import StoreError
memory = opened(Path({folder!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
stored = 0
try:
    for n in range(500):
        memory.remember(replace(seen(f"view {{n}}", n), thumbnail=bytes(20_000)))
        stored = n + 1
except StoreError as error:
    print(stored, error)
    assert memory.count() == stored
    memory.list()
"""


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    """A limit on file sizes stands for the full disk: writes beyond it fail."""
    script = FILL.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    stored, message = done.stdout.split(" ", 1)
    assert "disk" in message
    assert len(message.strip().splitlines()) == 1
    with opened(tmp_path) as memory:
        assert memory.count() == int(stored) > 10
        memory.remember(seen("room again", 1000, has("room")))
        assert memory.count() == int(stored) + 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_full_database_rolls_back_and_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("first", 0, has("umbrella")))
        writer = memory._store.writer
        writer.execute(f"PRAGMA max_page_count = {writer.execute('PRAGMA page_count').fetchone()[0] + 2}")
        with pytest.raises(StoreError, match="free some disk space"):
            memory.remember(seen("too big", 1, has("elephant"), patches=9000))
        writer.execute("PRAGMA max_page_count = 1073741823")
        assert memory.count() == 1
        again = memory.remember(seen("fits now", 1, has("elephant")))
        assert memory.entities_of(again.id) == ("I", "elephant")


def test_a_log_cut_short_ends_at_the_last_whole_commit(tmp_path: Path) -> None:
    memory = opened(tmp_path / "a")
    memory._store.writer.execute("PRAGMA wal_autocheckpoint = 0")
    sizes = []
    for n in range(6):
        memory.remember(told(f"fact {n}", n))
        sizes.append((tmp_path / "a" / "memory.db-wal").stat().st_size)
    files = {name: (tmp_path / "a" / name).read_bytes() for name in ("memory.db", "memory.db-wal")}
    memory.close()
    for kept, cut in ((3, sizes[2] + 100), (5, sizes[5] - 1), (6, sizes[5])):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / "memory.db").write_bytes(files["memory.db"])
        (folder / "memory.db-wal").write_bytes(files["memory.db-wal"][:cut])
        with opened(folder) as again:
            assert [r.text for r in reversed(again.list())] == [f"fact {n}" for n in range(kept)]
