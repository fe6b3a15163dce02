"""The vault: where the key of a store is, and what is said when it is not there. Nothing is changed by a wrong one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crypt_world import WORDS, LostRing, RamRing, ring, strings, vault
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backends.fail import Keyring as NoRing
from memory_world import opened, told

from perstream.errors import StoreBusy, StoreError
from perstream.memory import backup, keyfile, keyplaces
from perstream.memory.engine import Key, is_plain
from perstream.memory.keyfile import KeyFile, Scrypt, sealed
from perstream.memory.keyplaces import Passphrases
from perstream.memory.vault import Vault

PLACES = ("keyring", "file", "passphrase")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A passphrase costs less, and the keyring is the test's own."""
    monkeypatch.setattr(keyfile, "SCRYPT_N", 2**10)
    with ring(RamRing()):
        yield


def data_key(store: Path, **settings: object) -> Key:
    return vault(store, **settings).engine(False).keys[0]


@pytest.mark.parametrize("place", PLACES)
def test_a_new_store_is_encrypted_and_opens_again(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "store"
    with opened(folder, keys=vault(folder, key_from=place)) as memory:
        memory.remember(told("my zebrafish sleeps"))
        memory.backup(tmp_path / "mine.db")
    # What is there says the rest: the settings may have changed since.
    other = "file" if place == "keyring" else "keyring"
    for read_only in (False, True):
        with opened(folder, read_only, keys=vault(folder, enabled=False, key_from=other)) as memory:
            assert memory.list()[0].text == "my zebrafish sleeps"
    key = data_key(folder, key_from=place)
    assert strings(tmp_path, "zebrafish", WORDS, key.raw, key.raw.hex()) == []
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.rglob("*.*") if file.is_file()} == {0o600}
    found = vault(folder).status()
    assert (found.encrypted, found.kept, found.plain_backups, found.unfinished) == (True, place, 0, False)
    assert found.key_there is (None if place == "passphrase" else True)


def test_a_store_that_is_there_stays_as_it_is_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened(tmp_path).close()
    with opened(tmp_path, keys=vault(tmp_path)) as memory:
        memory.remember(told("plain"))
    assert is_plain(tmp_path / "memory.db")
    assert not (tmp_path / "key.json").exists()
    assert "perstream vault encrypt" in caplog.text


def test_a_vault_that_is_not_wanted_asks_and_makes_nothing(tmp_path: Path) -> None:
    def ask(_: bool) -> str:
        raise AssertionError("nobody is to be asked")

    keys = vault(tmp_path, enabled=False)
    keys.passphrases = Passphrases(ask=ask)
    with opened(tmp_path, keys=keys) as memory:
        memory.remember(told("plain"))
        memory.backup()
    assert is_plain(tmp_path / "memory.db")
    assert not list(tmp_path.rglob("key*"))


# --- keys that are not there ------------------------------------------------------------------


def _encrypted(folder: Path, **settings: object) -> bytes:
    with opened(folder, keys=vault(folder, **settings)) as memory:
        memory.remember(told("precious"))
    return (folder / "memory.db").read_bytes()


def test_a_wrong_passphrase_is_said_at_once_and_the_right_one_is_asked_for_again(tmp_path: Path) -> None:
    before = _encrypted(tmp_path, key_from="passphrase")
    for read_only in (False, True):
        with pytest.raises(StoreError, match="wrong passphrase") as caught:
            opened(tmp_path, read_only, keys=vault(tmp_path, "wrong horse battery"))
        assert "wrong horse" not in str(caught.value)
    with pytest.raises(StoreError, match=r"passphrase_file or PERSTREAM_PASSPHRASE"):
        opened(tmp_path, keys=vault(tmp_path, None))
    assert (tmp_path / "memory.db").read_bytes() == before
    answers = ["wrong horse battery", WORDS]
    keys = vault(tmp_path, None)
    keys.passphrases = Passphrases(ask=lambda _: answers.pop(0))
    with pytest.raises(StoreError, match="wrong"):
        opened(tmp_path, keys=keys)
    opened(tmp_path, keys=keys).close()


def test_a_new_passphrase_is_not_a_short_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="8 characters"):
        opened(tmp_path, keys=vault(tmp_path, "short", key_from="passphrase"))
    assert not (tmp_path / "key.json").exists()


def test_the_passphrase_of_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(f"{WORDS}\nnot this\n")
    with pytest.raises(StoreError, match="chmod 600"):
        _encrypted(tmp_path / "store", words=None, key_from="passphrase", passphrase_file=str(words))
    words.chmod(0o600)
    _encrypted(tmp_path / "store", words=None, key_from="passphrase", passphrase_file=str(words))
    opened(tmp_path / "store", keys=vault(tmp_path / "store", WORDS)).close()
    words.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="no text"):
        opened(tmp_path / "store", keys=vault(tmp_path / "store", None, passphrase_file=str(words)))


def test_a_key_file_is_for_its_owner_and_outside_the_store(tmp_path: Path) -> None:
    store, file = tmp_path / "store", tmp_path / "keys" / "mine.key"
    with pytest.raises(StoreError, match="beside what it opens"):
        opened(store, keys=vault(store, key_file=str(store / "mine.key")))
    before = _encrypted(store, key_file=str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        opened(store, keys=vault(store))
    file.chmod(0o600)
    moved = file.rename(tmp_path / "moved.key")
    with pytest.raises(StoreError, match=r"mine\.key is not there"):
        opened(store, keys=vault(store))
    opened(store, keys=vault(store, key_file=str(moved))).close()
    moved.write_text("not a key\n")
    with pytest.raises(StoreError, match=r"is not in .*moved\.key"):
        opened(store, keys=vault(store, key_file=str(moved)))
    assert (store / "memory.db").read_bytes()[:16] == before[:16]


def test_a_key_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "mine.key").symlink_to(tmp_path / "stick" / "real.key")
    _encrypted(tmp_path / "store", key_file=str(tmp_path / "mine.key"))
    assert (tmp_path / "mine.key").is_symlink()
    assert (tmp_path / "stick" / "real.key").is_file()
    assert data_key(tmp_path / "store", key_file=str(tmp_path / "mine.key"))


def test_a_passphrase_is_the_same_on_every_keyboard(tmp_path: Path) -> None:
    composed, decomposed = "gr\u00fcne \u00c4pfel", "gru\u0308ne A\u0308pfel"
    _encrypted(tmp_path / "store", words=composed, key_from="passphrase")
    assert vault(tmp_path / "store", decomposed).engine(False) == vault(tmp_path / "store", composed).engine(False)


def test_one_file_may_hold_the_keys_of_several_stores(tmp_path: Path) -> None:
    file = str(tmp_path / "all.key")
    for name in ("a", "b", "c"):
        _encrypted(tmp_path / name, key_file=file)
    assert len({data_key(tmp_path / name) for name in ("a", "b", "c")}) == 3
    assert len(Path(file).read_text().splitlines()) == 3


def test_a_keyring_that_is_missing_keeps_nothing_or_has_lost_the_key_is_said(tmp_path: Path) -> None:
    for number, backend in enumerate((NoRing(), LostRing())):
        with ring(backend), pytest.raises(StoreError, match="key_from"):
            opened(tmp_path / str(number), keys=vault(tmp_path / str(number), key_from="keyring"))
        assert not (tmp_path / str(number) / "memory.db").exists()
    _encrypted(tmp_path / "store", key_from="keyring")
    with ring(RamRing()), pytest.raises(StoreError, match=r"is not in the system's keyring \(service perstream"):
        opened(tmp_path / "store", keys=vault(tmp_path / "store"))
    with ring(NoRing()), pytest.raises(StoreError, match="no keyring that can be used"):
        opened(tmp_path / "store", keys=vault(tmp_path / "store"))
    opened(tmp_path / "store", keys=vault(tmp_path / "store")).close()


def test_the_key_of_another_store_opens_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _encrypted(tmp_path / name, key_file=str(tmp_path / f"{name}.key"))
    ours, theirs = (keyfile.read(tmp_path / name / "key.json") for name in ("a", "b"))
    held = keyplaces.of_file(tmp_path / "b.key", theirs.store)
    keyplaces.to_file(tmp_path / "a.key", ours.store, held, tmp_path / "a")
    with pytest.raises(StoreError, match="another store's"):
        opened(tmp_path / "a", keys=vault(tmp_path / "a"))


# --- key.json that was lost or altered ----------------------------------------------------------


def test_a_lost_or_damaged_key_file_names_its_copy(tmp_path: Path) -> None:
    store = tmp_path / "store"
    before = _encrypted(store)
    good = (store / "key.json").read_bytes()
    for bad in (b"", good[: len(good) // 2], b"[]", b'{"store": 7}', b"\xff" * 70_000, good.replace(b": 1", b": 2")):
        (store / "key.json").write_bytes(bad)
        with pytest.raises(StoreError, match=r"put the copy .*backups/key\.json in its place"):
            opened(store, keys=vault(store))
    (store / "key.json").unlink()
    with pytest.raises(StoreError, match=r"missing: put the copy .*backups/key\.json"):
        opened(store, keys=vault(store))
    assert (store / "memory.db").read_bytes() == before
    (store / "backups" / "key.json").rename(store / "key.json")
    opened(store, keys=vault(store)).close()


def test_a_plain_file_in_the_place_of_an_encrypted_store_is_noticed(tmp_path: Path) -> None:
    _encrypted(tmp_path / "a")
    opened(tmp_path / "b").close()
    (tmp_path / "b" / "memory.db").replace(tmp_path / "a" / "memory.db")
    with pytest.raises(StoreError, match="can be read by anybody"):
        opened(tmp_path / "a", keys=vault(tmp_path / "a"))


SEAL = bytes(range(32))
GOOD = KeyFile("ab" * 16, "file", sealed("ab" * 16, SEAL, (Key(bytes(32)),)), "encrypted")


@given(data=st.data())
@settings(max_examples=60)
def test_whatever_is_done_to_a_key_file_no_wrong_key_comes_out(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("altered") / "key.json"
    keyfile.write(path, GOOD)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(bytes(content))
    try:
        keys = keyfile.read(path).keys((bytes(32), SEAL))
    except StoreError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert keys in (None, (Key(bytes(32)),))


@pytest.mark.parametrize("costs", [{"n": 2**20, "r": 32}, {"n": 1000, "r": 8}], ids=["too much", "no power of two"])
def test_costs_that_cannot_be_are_refused_quickly(costs: dict[str, int]) -> None:
    started = time.process_time()
    with pytest.raises(StoreError, match="put a copy"):
        Scrypt("00" * 16, **costs).derive("anything")
    assert time.process_time() - started < 5


def test_the_costs_of_today_are_those_that_are_recommended() -> None:
    """Of a copy that no test has changed: 128 MiB."""
    code = "from perstream.memory.keyfile import Scrypt; s = Scrypt.fresh(); print(s.n * s.r * 128 // 2**20, s.p)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["128", "1"]


# --- backups and other machines -----------------------------------------------------------------


@pytest.mark.parametrize("place", ["file", "passphrase"])
def test_a_backup_made_elsewhere_opens_without_the_store(tmp_path: Path, place: str) -> None:
    store, made = tmp_path / "store", tmp_path / "usb" / "mine.db"
    with opened(store, keys=vault(store, key_from=place)) as memory:
        memory.remember(told("precious"))
        memory.backup(made)
    subprocess.run(["rm", "-r", str(store)], check=True)
    new = tmp_path / "new"
    if place == "passphrase":
        with pytest.raises(StoreError, match="wrong passphrase"):
            backup.restore(made, new, vault(new, "wrong horse battery", enabled=False))
        assert not (new / "memory.db").exists()
    backup.restore(made, new, vault(new, enabled=False))
    assert not is_plain(new / "memory.db")
    with opened(new, keys=vault(new)) as memory:
        assert memory.list()[0].text == "precious"
        memory.backup()
    made.with_name("mine.db.key.json").unlink()
    with pytest.raises(StoreError, match="another key"):
        backup.restore(made, tmp_path / "newer", vault(tmp_path / "newer"))


def test_a_plain_backup_makes_a_new_store_as_the_settings_say(tmp_path: Path) -> None:
    with opened(tmp_path / "old") as memory:
        memory.remember(told("precious"))
        made = memory.backup(tmp_path / "mine.db")
    backup.restore(made, tmp_path / "plain", vault(tmp_path / "plain", enabled=False))
    backup.restore(made, tmp_path / "new", vault(tmp_path / "new"))
    assert [is_plain(tmp_path / name / "memory.db") for name in ("plain", "new")] == [True, False]
    with opened(tmp_path / "new", keys=vault(tmp_path / "new")) as memory:
        assert memory.list()[0].text == "precious"


# --- two at once --------------------------------------------------------------------------------

DAEMON = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from crypt_world import vault
from memory_world import opened, told
folder = Path({folder!r})
with opened(folder, keys=vault(folder)) as memory:
    memory.remember(told("from the other process"))
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_of_two_daemons_on_a_new_store_one_makes_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    script = DAEMON.format(tests=str(Path(__file__).parent), folder=str(folder))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ)
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(StoreBusy):
            opened(folder, keys=vault(folder))
        with opened(folder, read_only=True, keys=vault(folder)) as reader:
            assert reader.count() == 1
        other.stdin.close()
        other.wait()
    with opened(folder, keys=vault(folder)) as memory:
        assert memory.count() == 1


def test_a_vault_says_what_it_can_without_the_key(tmp_path: Path) -> None:
    nothing = Vault(tmp_path / "none", vault(tmp_path).config).status()
    assert (nothing.encrypted, nothing.kept, nothing.backups) == (False, None, 0)
    with opened(tmp_path / "store", keys=vault(tmp_path / "store", key_from="passphrase")) as memory:
        gone = memory.backup(tmp_path / "gone.db")
        memory.backup()
    gone.unlink()
    found = vault(tmp_path / "store", None).status()
    assert (found.backups, found.plain_backups, found.unreachable_backups) == (1, 0, 1)
    assert found.place == "in the passphrase"
