"""The locksmith: stores are encrypted, decrypted and rekeyed in place, and always open, whatever comes in between."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crypt_world import WORDS, RamRing, cleartext, ring, strings, vault
from memory_world import has, opened, seen, told

from perstream.errors import StoreBusy, StoreError
from perstream.memory import keyfile, recode
from perstream.memory.engine import PLAIN, Engine, is_plain
from perstream.memory.locksmith import Locksmith, Rewritten
from perstream.types import Selector

SECRET = "zanzibarquartz"
TEXTS = [f"the {SECRET} view {n}" for n in range(5)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(keyfile, "SCRYPT_N", 2**10)
    with ring(RamRing()):
        yield


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A plain store with a backup in it and one elsewhere."""
    folder = tmp_path / "store"
    with opened(folder) as memory:
        for n, text in enumerate(TEXTS):
            memory.remember(seen(text, n, has(f"{SECRET} {n}")))
        memory.backup()
        memory.backup(tmp_path / "usb" / "mine.db")
    return folder


def texts(folder: Path, **settings: object) -> list[str]:
    with opened(folder, keys=vault(folder, **settings)) as memory:
        assert memory.audit().clean
        return [record.text for record in reversed(memory.list())]


@pytest.mark.parametrize("place", ["keyring", "file", "passphrase"])
def test_a_store_is_encrypted_rekeyed_and_decrypted_in_place(tmp_path: Path, store: Path, place: str) -> None:
    made = tmp_path / "usb" / "mine.db"
    assert Locksmith(vault(store, key_from=place)).encrypt() == Rewritten(True, 2)
    assert strings(tmp_path, SECRET) == []
    first = vault(store).engine(False).keys[0]
    assert texts(store) == TEXTS
    assert Locksmith(vault(store)).encrypt() == Rewritten(False, 0)

    with opened(store, keys=vault(store)) as memory:
        assert memory.forget(Selector(ids=(5,))).backups_rewritten == 2
    sealed = keyfile.read(store / "key.json").sealed
    assert Locksmith(vault(store)).rekey() == Rewritten(True, 2)
    second = vault(store).engine(False).keys[0]
    assert second != first
    assert keyfile.read(store / "key.json").sealed != sealed
    for file in (store / "memory.db", made):
        assert not Engine((first,)).opens(file)
        assert Engine((second,)).opens(file)
    assert texts(store) == TEXTS[:4]

    assert Locksmith(vault(store)).decrypt() == Rewritten(True, 2)
    assert not list(tmp_path.rglob("*key.json*"))
    assert not list(tmp_path.rglob("*.key"))
    assert texts(store, enabled=False) == TEXTS[:4]
    assert PLAIN.made(made)
    with pytest.raises(StoreError, match="is not encrypted"):
        Locksmith(vault(store)).decrypt()


def test_what_was_plain_is_overwritten(store: Path) -> None:
    log = store / "memory.db-wal"
    with opened(store) as memory:
        memory.remember(told(f"more {SECRET}", 99))
        copied = log.read_bytes()
    log.write_bytes(copied)  # as a crash leaves it
    # Somebody holds the old files, as an undelete tool would: what they see afterwards is what the disk has.
    paths = [store / "memory.db", log, *(store / "backups").glob("*.db")]
    held = [(path.open("rb"), path.stat().st_size) for path in paths]
    assert all(SECRET.encode() in file.read() for file, _ in held)
    Locksmith(vault(store)).encrypt()
    for path, (file, size) in zip(paths, held, strict=True):
        file.seek(0)
        assert file.read() == bytes(size), path
        file.close()
    assert not list(store.rglob("*.replaced*"))
    assert texts(store) == [*TEXTS, f"more {SECRET}"]


READER = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from memory_world import opened
with opened(Path({folder!r}), read_only=True) as reader:
    print(reader.count(), flush=True)
    sys.stdin.readline()
    print(reader.count(), flush=True)
"""


def test_nobody_else_may_have_it_open(store: Path) -> None:
    script = READER.format(tests=str(Path(__file__).parent), folder=str(store))
    with opened(store) as writer:
        with pytest.raises(StoreBusy):
            Locksmith(vault(store)).encrypt()
        writer.remember(told("pears", 9))
        reader = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"6\n"
    with reader:
        with pytest.raises(StoreError, match="held by another program"):
            Locksmith(vault(store)).encrypt()
        assert reader.communicate(b"\n")[0] == b"6\n"
    assert is_plain(store / "memory.db")
    assert not (store / "key.json").exists()
    assert Locksmith(vault(store)).encrypt().store


def test_a_store_that_is_none_or_damaged_is_not_touched(tmp_path: Path, store: Path) -> None:
    with pytest.raises(StoreError, match="no memory store"):
        Locksmith(vault(tmp_path / "nowhere")).encrypt()
    assert not (tmp_path / "nowhere").exists()
    path = store / "memory.db"
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 4] = os.urandom(4096 * 2)
    path.write_bytes(bytes(data))
    with pytest.raises(StoreError):
        Locksmith(vault(store)).encrypt()
    assert path.read_bytes() == bytes(data)
    assert not (store / "key.json").exists()


# --- killed in between --------------------------------------------------------------------------

# Every step that the file system sees is a place to be killed at: the child ends there, without a goodbye.
KILLED = """
import os, shutil, sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from crypt_world import vault
from memory_world import opened
from perstream.memory import keyfile
from perstream.memory.locksmith import Locksmith
keyfile.SCRYPT_N = 2
os.environ["XDG_CONFIG_HOME"] = {place!r} + "/home"
place, folder, what, key_from = Path({place!r}), Path({place!r}) / "store", {what!r}, {key_from!r}
shutil.copytree(place, kept := place.with_name("kept"))

def child(most):
    steps = 0
    def counted(call):
        def step(*given, **named):
            nonlocal steps
            steps += 1
            if steps == most:
                os._exit(9)
            return call(*given, **named)
        return step
    for name in ("fsync", "link", "replace", "rename", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    getattr(Locksmith(vault(folder, key_from=key_from)), what)()
    os._exit(0)

most, code = 0, 9
while code == 9:
    most += {stride}
    shutil.rmtree(place)
    shutil.copytree(kept, place)
    if (pid := os.fork()) == 0:
        try:
            child(most)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with opened(folder, read_only=True, keys=vault(folder)) as reader:
        assert reader.count() == 5, most
    with opened(folder, keys=vault(folder)) as memory:
        assert memory.audit().clean and memory.count() == 5, most
        assert not list(folder.rglob("*.replaced")) + list(folder.rglob("*.recoded*")), most
    smith = Locksmith(vault(folder, key_from=key_from))
    if what != "decrypt" or (folder / "key.json").exists():
        getattr(smith, what)()
    status = vault(folder).status()
    assert status.encrypted == (what != "decrypt") and not status.unfinished, (most, status)
    assert status.plain_backups == (2 if what == "decrypt" else 0), (most, status)
    assert len(list(place.glob("usb/*"))) == (1 if what == "decrypt" else 2), (most, list(place.glob("usb/*")))
    with opened(folder, keys=vault(folder)) as memory:
        assert memory.count() == 5, most
assert code == 0, code
print(most)
"""


@pytest.mark.parametrize(("what", "key_from"), [("encrypt", "file"), ("rekey", "passphrase"), ("decrypt", "file")])
def test_a_kill_at_any_step_leaves_a_store_that_opens(tmp_path: Path, store: Path, what: str, key_from: str) -> None:
    if what != "encrypt":
        Locksmith(vault(store, key_from=key_from)).encrypt()
    place = tmp_path / "place"
    place.mkdir()
    (tmp_path / "home").mkdir(exist_ok=True)
    # The list of copies elsewhere holds whole paths, so the place must be where it was.
    for name in ("store", "usb", "home"):
        (tmp_path / name).rename(place / name)
    notes = store.parent / "place" / "store" / "backups" / "elsewhere.jsonl"
    notes.write_text(notes.read_text().replace(str(tmp_path / "usb"), str(place / "usb")))
    script = KILLED.format(tests=str(Path(__file__).parent), place=str(place), what=what, key_from=key_from, stride=11)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


# --- what goes wrong ----------------------------------------------------------------------------

FULL = """
import resource, sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from crypt_world import vault
from perstream.errors import StoreError
from perstream.memory.locksmith import Locksmith
folder = Path({folder!r})
size = (folder / "memory.db").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
try:
    getattr(Locksmith(vault(folder)), {what!r})()
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("what", ["encrypt", "rekey", "decrypt"])
def test_a_full_disk_changes_nothing(tmp_path: Path, store: Path, what: str) -> None:
    """A limit on file sizes stands for the full disk: writes beyond it fail."""
    if what != "encrypt":
        Locksmith(vault(store)).encrypt()
    key = None if what == "encrypt" else vault(store).engine(False).keys
    before = (store / "memory.db").read_bytes()
    script = FULL.format(tests=str(Path(__file__).parent), folder=str(store), what=what)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "disk" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    after = (store / "memory.db").read_bytes()
    assert after[100:] == before[100:]  # before that is a header that says who wrote last
    names = {file.name for file in store.iterdir()}
    assert names == {"memory.db", "writer.lock", "backups"} | ({"key.json"} if key else set())
    if key:
        assert vault(store).engine(False).keys == key
        assert not vault(store).status().unfinished
    assert texts(store) == TEXTS


def test_a_backup_that_cannot_be_rewritten_is_named_and_done_later(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb = tmp_path / "usb" / "mine.db"
    good = usb.read_bytes()
    usb.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    done = Locksmith(vault(store)).encrypt()
    assert (done.store, done.backups) == (True, 1)
    ((path, why),) = done.left
    assert path == str(usb)
    assert "damaged" in why
    assert vault(store).status().plain_backups == 1
    usb.write_bytes(good)
    assert Locksmith(vault(store)).encrypt() == Rewritten(False, 1)
    assert strings(tmp_path, SECRET) == []


def test_copies_that_are_away_open_after_a_rekey_and_after_decrypting(tmp_path: Path, store: Path) -> None:
    Locksmith(vault(store)).encrypt()
    usb = tmp_path / "usb"
    usb.rename(tmp_path / "away")
    assert Locksmith(vault(store)).rekey().unreachable == 1
    (tmp_path / "away").rename(usb)
    with opened(store, keys=vault(store)) as memory:
        assert memory.forget(Selector(ids=(1,))).backups_rewritten == 2
    usb.rename(tmp_path / "away")
    done = Locksmith(vault(store)).decrypt()
    assert (done.store, done.unreachable) == (True, 1)
    (tmp_path / "away").rename(usb)
    with opened(store, keys=vault(store, enabled=False)) as memory:
        assert memory.count() == 4
        assert memory.forget(Selector(ids=(2,))).backups_rewritten == 2
    keys = vault(store).of_backup(usb / "mine.db").keys
    assert any(TEXTS[2].encode() in cleartext(usb / "mine.db", key) for key in keys)
    assert not any(TEXTS[1].encode() in cleartext(usb / "mine.db", key) for key in keys)


def test_a_plain_file_that_was_put_there_is_encrypted_again(tmp_path: Path, store: Path) -> None:
    plain = (store / "memory.db").read_bytes()
    Locksmith(vault(store)).encrypt()
    (store / "memory.db").write_bytes(plain)
    with pytest.raises(StoreError, match="vault encrypt"):
        opened(store, keys=vault(store))
    assert Locksmith(vault(store)).encrypt() == Rewritten(True, 0)
    assert texts(store) == TEXTS


# --- the sealing key ----------------------------------------------------------------------------


def test_the_key_moves_and_the_old_place_opens_nothing(tmp_path: Path, store: Path) -> None:
    Locksmith(vault(store)).encrypt()
    before = (store / "memory.db").read_bytes()
    keys = vault(store).engine(False).keys
    old = keyfile.read(store / "key.json")
    words = tmp_path / "words"
    words.write_text("another horse battery\n")
    words.chmod(0o600)
    for where, file in (("keyring", None), ("file", tmp_path / "mine.key"), ("file", None), ("passphrase", None)):
        locksmith = Locksmith(vault(store))
        moved = locksmith.move(where, file, words if where == "passphrase" else None)  # type: ignore[arg-type]
        assert moved.kept == where
        assert keyfile.read(store / "backups" / "key.json") == moved
        assert keyfile.read(tmp_path / "usb" / "mine.db.key.json") == moved
        if where != "passphrase":
            assert vault(store).engine(False).keys == keys
    assert not list(tmp_path.rglob("*.key"))
    assert vault(store, "another horse battery").engine(False).keys == keys
    with pytest.raises(StoreError, match="wrong passphrase"):
        vault(store, WORDS).engine(False)
    keyfile.write(store / "key.json", old)
    with pytest.raises(StoreError, match="is not there"):
        vault(store).engine(False)
    assert (store / "memory.db").read_bytes() == before


def test_another_passphrase_in_place_of_one(tmp_path: Path, store: Path) -> None:
    Locksmith(vault(store, key_from="passphrase")).encrypt()
    words = tmp_path / "words"
    words.write_text("short\n")
    words.chmod(0o600)
    with pytest.raises(StoreError, match="8 characters"):
        Locksmith(vault(store)).move("passphrase", None, words)
    with pytest.raises(StoreError, match="wrong passphrase"):
        Locksmith(vault(store, "not the old one")).move("passphrase", None, words)
    with pytest.raises(StoreError, match="--new-passphrase-file"):
        Locksmith(vault(store)).move("passphrase", None)
    words.write_text("another horse battery\n")
    Locksmith(vault(store)).move("passphrase", None, words)
    assert vault(store, "another horse battery").engine(False).keys
    assert texts(store, words="another horse battery") == TEXTS


def test_only_so_many_old_keys_are_remembered(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perstream.memory.locksmith.MOST_KEYS", 2)
    Locksmith(vault(store)).encrypt()
    for _ in range(3):
        Locksmith(vault(store)).rekey()
    assert len(vault(store).engine(False).keys) == 2
    assert texts(store) == TEXTS


def test_an_error_of_the_file_system_is_one_line(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(recode, "swap", refuse)
    with pytest.raises(StoreError, match=r"cannot rewrite .*Permission denied"):
        Locksmith(vault(store)).encrypt()
    assert is_plain(store / "memory.db")
    assert not (store / "key.json").exists()
