"""A store that ends with its session: where it is, what it needs, what a killed one leaves, and that nothing stays."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from crypt_world import strings
from memory_world import opened, told

from perstream.errors import ConfigError, StoreError
from perstream.memory import incognito
from perstream.memory.incognito import PREFIX, Incognito, is_in_ram


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the disk in RAM."""
    ram, mounts = tmp_path / "shm", tmp_path / "mounts"
    ram.mkdir()
    mounts.write_text(f"none {ram} tmpfs rw 0 0\n")
    monkeypatch.setattr(incognito, "_RAM", ram)
    monkeypatch.setattr(incognito, "_MOUNTS", mounts)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(incognito.tempfile, "tempdir", str(tmp_path / "tmp"))
    return ram


def test_a_session_is_encrypted_private_in_ram_and_leaves_nothing(place: Path, tmp_path: Path) -> None:
    session = Incognito()
    assert session.folder.parent == place
    assert stat.S_IMODE(session.folder.stat().st_mode) == 0o700
    with opened(session.folder, keys=session) as memory:
        memory.remember(told("my zebrafish sleeps"))
        assert memory.count() == 1
        assert strings(tmp_path, "zebrafish", session.engine(False).keys[0].raw) == []
        for target in (None, tmp_path / "mine.db"):
            with pytest.raises(StoreError, match="makes no backups"):
                memory.backup(target)
    session.ended()
    assert list(place.iterdir()) + list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "mine.db").exists()


def test_without_a_disk_in_ram_it_is_a_folder_for_temporary_files(place: Path, tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(f"/dev/sda1 {place} ext4 rw 0 0\n")
    session = Incognito()
    assert session.folder.parent == tmp_path / "tmp"
    session.ended()


def test_without_sqlcipher_it_is_in_ram_or_not_at_all(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Incognito().ended()
    assert caplog.messages == []
    monkeypatch.setattr(incognito, "has_sqlcipher", lambda: False)
    session = Incognito()
    assert session.folder.parent == place
    assert ["can be read by you" in told for told in caplog.messages] == [True]
    assert not session.engine(True).keys
    session.ended()
    (tmp_path / "mounts").write_text("")
    with pytest.raises(ConfigError, match=r"perstream\[crypt\]"):
        Incognito()
    (tmp_path / "mounts").unlink()
    with pytest.raises(ConfigError):
        Incognito()
    assert list(place.iterdir()) + list((tmp_path / "tmp").iterdir()) == []


KILLED = """
import os, sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from perstream.memory import incognito
incognito._RAM, incognito._MOUNTS = Path({place!r}), Path({mounts!r})
from memory_world import opened, told
session = incognito.Incognito()
memory = opened(session.folder, keys=session)
memory.remember(told("my zebrafish sleeps"))
print(session.folder, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_session_left_is_noise_and_goes_with_the_next_one(place: Path, tmp_path: Path) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent), place=str(place), mounts=str(tmp_path / "mounts"))
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        left = Path(os.fsdecode(other.stdout.readline().strip()))
        beside = Incognito()  # of a session that lives nothing is taken
        assert (left / "memory.db").is_file()
        other.kill()
        other.wait()
    assert strings(place, "zebrafish") == []
    theirs = place / f"{PREFIX}of-somebody-else"
    theirs.symlink_to(tmp_path)
    session = Incognito()
    assert not left.exists()
    assert beside.folder.is_dir()
    assert theirs.is_symlink()
    assert tmp_path.is_dir()
    for one in (session, beside, session):
        one.ended()
    assert list(place.iterdir()) == [theirs]


def test_a_disk_in_ram_is_one_that_the_system_names_as_such(place: Path, tmp_path: Path) -> None:
    assert is_in_ram(place)
    assert not is_in_ram(tmp_path)
    (tmp_path / "mounts").write_text("garbage\n\n a b\n")
    assert not is_in_ram(place)
