"""Encrypted files: nothing to read in them, everything works as with plain ones, wrong keys and damage are said."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from crypt_world import ENGINE, JPEG, KEY, cleartext, strings
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_world import ask, fact, has, opened, seen, told, vectors

from perstream.errors import StoreError
from perstream.memory import backup, migrations, recode, store
from perstream.memory.engine import PLAIN, Connection, Engine, Key, errors, is_plain
from perstream.types import NewMemory, Selector

OTHER = Engine((Key(bytes(32)),))
SECRET = "zanzibarquartz"


def view(n: int) -> NewMemory:
    return replace(seen(f"the {SECRET} view {n}", n, has(f"{SECRET} {n}")), thumbnail=JPEG + bytes(4000))


# --- the plain way -----------------------------------------------------------------------------

QUIET = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from memory_world import opened, told
from perstream.errors import StoreError
with opened(Path({folder!r})) as memory:
    memory.remember(told("plain"))
    memory.backup()
try:
    opened(Path("/dev/null/x"))
except StoreError:
    pass
loaded = {{"sqlcipher3", "keyring", "cryptography"}} & set(sys.modules)
assert not loaded, loaded
sys.modules["sqlcipher3"] = None
from perstream.memory.engine import Engine, Key, has_sqlcipher
assert not has_sqlcipher()
try:
    opened(Path({folder!r}) / "new", keys=Engine((Key.random(),)))
except StoreError as error:
    print(error)
"""


def test_a_plain_store_loads_no_encryption_and_an_encrypted_one_says_what_is_missing(tmp_path: Path) -> None:
    script = QUIET.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "pip install 'perstream[crypt]'" in done.stdout


# --- everything works ---------------------------------------------------------------------------


def test_everything_works_on_an_encrypted_store(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    with opened(folder, keys=ENGINE) as memory:
        for n in range(30):
            memory.remember(view(n))
        with opened(folder, read_only=True, keys=ENGINE) as reader:  # beside the writer
            last = memory.remember(told("pears", 50, fact("likes", "pears"), pinned=True))
            assert reader.count() == 31
            assert reader.recall(ask("pears"))[0].memory.id == last.id
            assert reader.audit().clean
            inside, outside = reader.backup(), reader.backup(tmp_path / "out" / "mine.db")
            plan = reader.reduce(50_000, dry_run=True)
        assert memory.status().encrypted
        assert plan.freed >= 50_000
        assert memory.audit(fix=True).clean
        exported = io.BytesIO()
        assert memory.exchange.export(exported).memories == 31
        before = memory.status().disk_mb
        memory.reduce(100_000)  # an incremental vacuum
        assert memory.status().disk_mb < before
        memory.rebuild(vectors)
        assert memory.forget(Selector(text="pears")).backups_rewritten == 2
        left = memory.count()
        assert 0 < left <= 30
    for made in (inside, outside):
        assert backup.check(made, ENGINE) == len(migrations.MIGRATIONS)
        with pytest.raises(StoreError, match="another key"):
            backup.check(made)
    backup.restore(outside, tmp_path / "b", ENGINE)
    with opened(tmp_path / "b", keys=ENGINE) as restored:
        assert restored.count() == 30
        exported.seek(0)
        assert restored.exchange.import_from(exported, vectors).memories == 1
    connection = ENGINE.connect(folder / "memory.db")
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()


def test_a_plain_backup_comes_into_an_encrypted_store_encrypted_and_the_other_way_round(tmp_path: Path) -> None:
    with opened(tmp_path / "plain") as memory:
        memory.remember(told(f"the {SECRET} file", 0, has(SECRET)))
        plain = memory.backup(tmp_path / "plain.db")
    with opened(tmp_path / "store", keys=ENGINE) as memory:
        memory.remember(told("old"))
        encrypted = memory.backup(tmp_path / "encrypted.db")
    kept = backup.restore(plain, tmp_path / "store", ENGINE)
    assert kept is not None
    assert not is_plain(kept)
    assert strings(tmp_path / "store", SECRET) == []
    with opened(tmp_path / "store", keys=ENGINE) as memory:
        assert [record.text for record in memory.list()] == [f"the {SECRET} file"]
        assert memory.audit().clean

    class Both(Engine):
        """A plain store whose owner has the key of an old backup."""

        def of_backup(self, _backup: Path, /) -> Engine:
            return ENGINE

    backup.restore(encrypted, tmp_path / "plain", Both())
    with opened(tmp_path / "plain") as memory:
        assert [record.text for record in memory.list()] == ["old"]


def test_an_older_version_is_brought_up_and_its_backup_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, keys=ENGINE) as memory:
        memory.remember(told(f"{SECRET} of old"))
    old = len(migrations.MIGRATIONS)

    def add_column(connection: Connection) -> None:
        connection.execute("ALTER TABLE memories ADD COLUMN mood TEXT")

    for module in (migrations, store):
        monkeypatch.setattr(module, "MIGRATIONS", (*migrations.MIGRATIONS[:old], add_column))
    with opened(tmp_path, keys=ENGINE) as memory:
        assert memory.status().schema_version == old + 1
        assert memory.list()[0].text == f"{SECRET} of old"
    assert strings(tmp_path, SECRET) == []
    kept = ENGINE.connect(tmp_path / "backups" / f"before-v{old + 1}.db")
    assert kept.execute("SELECT text FROM memories").fetchone() == (f"{SECRET} of old",)
    kept.close()


# --- nothing to read ----------------------------------------------------------------------------

KILLED = """
import os, signal, sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from crypt_world import ENGINE
from memory_world import opened
from perstream.types import NewMemory, Selector
from test_memory_engine import view
memory = opened(Path({folder!r}), keys=ENGINE)
for n in range(60):
    memory.remember(view(n))
memory.backup()
memory.forget(Selector(ids=(1, 2, 3)))
memory.backup(Path({folder!r}).parent / "elsewhere" / "mine.db")
for n in range(60, 80):
    memory.remember(view(n))
with memory._store.writing() as connection:
    connection.execute("UPDATE memories SET text = text || '!'")
    connection.execute("SELECT text FROM memories ORDER BY lower(text) DESC").fetchall()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_nobody_finds_a_word_or_a_picture_while_it_is_open_nor_after_a_kill(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "store"))
    environ = {**os.environ, "TMPDIR": str(scratch), "SQLITE_TMPDIR": str(scratch)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        files = {file.name for file in (tmp_path / "store").rglob("*") if file.is_file()}
        assert {"memory.db", "memory.db-wal"} < files
        assert strings(tmp_path, SECRET, JPEG, KEY.raw, KEY.raw.hex()) == []
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert strings(tmp_path, SECRET, JPEG, KEY.raw, KEY.raw.hex()) == []
    assert list(scratch.iterdir()) == []
    # The search is able to find them: they are there, under the encryption.
    shown = cleartext(tmp_path / "store" / "memory.db") + cleartext(tmp_path / "store" / "memory.db-wal")
    assert SECRET.encode() in shown
    assert JPEG in shown
    with opened(tmp_path / "store", keys=ENGINE) as memory:
        assert memory.count() == 77
        assert memory.audit().clean


# --- wrong keys and damage ----------------------------------------------------------------------


@pytest.mark.parametrize("keys", [OTHER, PLAIN], ids=["another key", "no key"])
def test_a_wrong_key_is_said_and_changes_nothing(
    tmp_path: Path, keys: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path, keys=ENGINE) as memory:
        memory.remember(told("precious"))
        made = memory.backup()
    before = (tmp_path / "memory.db").read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="encrypted with another key") as caught:
            opened(tmp_path, read_only=read_only, keys=keys)
        assert KEY.raw.hex() not in str(caught.value)
    with pytest.raises(StoreError, match="encrypted with another key"):
        backup.restore(made, tmp_path, keys)
    assert (tmp_path / "memory.db").read_bytes() == before
    assert capfd.readouterr() == ("", "")  # SQLCipher speaks to standard error when it is let
    with opened(tmp_path, keys=ENGINE) as memory:
        assert memory.count() == 1


def test_a_key_of_before_opens_what_was_made_before(tmp_path: Path) -> None:
    with opened(tmp_path, keys=ENGINE) as memory:
        memory.remember(told("old"))
        old = memory.backup()
    newer = Engine((Key.random(), Key.random(), KEY))
    assert newer.opens(old)
    assert not newer.made(old)
    with opened(tmp_path, keys=newer) as memory:
        memory.remember(told("new", 1))
        made = memory.backup()
    assert newer.made(made)
    assert not ENGINE.opens(made)
    backup.restore(old, tmp_path, newer)
    assert newer.made(tmp_path / "memory.db")


def test_a_page_that_was_changed_is_noticed(tmp_path: Path) -> None:
    with opened(tmp_path, keys=ENGINE) as memory:
        for n in range(20):
            memory.remember(view(n))
    path = tmp_path / "memory.db"
    good = path.read_bytes()
    for at in (20, 4096 * 3 + 100, len(good) - 10):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(StoreError, match=r"damaged|no sound"):
            backup.check(path, ENGINE)
    path.write_bytes(good)
    assert backup.check(path, ENGINE)


@given(data=st.data())
@settings(max_examples=15)
def test_whatever_was_done_to_an_encrypted_file_it_is_a_store_error(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "memory.db"
        with opened(Path(scratch), keys=ENGINE) as memory:
            for n in range(3):
                memory.remember(view(n))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(content)))
            content[at : at + data.draw(st.sampled_from((0, 1, 40, 4096, 10**6)))] = data.draw(st.binary(max_size=40))
        path.write_bytes(bytes(content))
        try:
            with opened(Path(scratch), keys=ENGINE) as memory:
                assert memory.audit().memories <= 3
                memory.list()
                memory.recall(ask("pears"))
                assert all(memory.thumbnail(n) in (None, JPEG + bytes(4000)) for n in range(1, 4))
        except StoreError as error:
            assert len(str(error).splitlines()) == 1
            assert "disk space" not in str(error)


def test_a_full_database_rolls_back_and_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path, keys=ENGINE) as memory:
        memory.remember(told("first", 0, has("umbrella")))
        writer = memory._store.writer
        writer.execute(f"PRAGMA max_page_count = {writer.execute('PRAGMA page_count').fetchone()[0] + 2}")
        with pytest.raises(StoreError, match="free some disk space"):
            memory.remember(seen("too big", 1, has("elephant"), patches=9000))
        writer.execute("PRAGMA max_page_count = 1073741823")
        assert memory.count() == 1


# --- rewriting ----------------------------------------------------------------------------------

_values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(max_size=9000),
)


@given(rows=st.lists(st.tuples(_values, _values), max_size=6))
@settings(max_examples=10)
def test_what_is_rewritten_is_the_same(rows: list[tuple[object, object]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "any.db"
        made = PLAIN.connect(path)
        made.execute("PRAGMA auto_vacuum = INCREMENTAL")
        made.execute("CREATE TABLE any (id INTEGER PRIMARY KEY AUTOINCREMENT, a, b)")
        made.execute("CREATE INDEX any_a ON any(a) WHERE a IS NOT NULL")
        made.execute("CREATE TRIGGER one AFTER DELETE ON any BEGIN INSERT INTO any (a) VALUES (old.b); END")
        made.executemany("INSERT INTO any (a, b) VALUES (?, ?)", rows)
        made.execute("PRAGMA application_id = 77")
        made.execute("PRAGMA user_version = 5")
        everything = "SELECT * FROM sqlite_master ORDER BY name", "SELECT * FROM any", "SELECT * FROM sqlite_sequence"
        wanted = [made.execute(sql).fetchall() for sql in everything]
        made.close()
        for old, new in ((PLAIN, ENGINE), (ENGINE, OTHER), (OTHER, PLAIN)):
            recode.replace(path, old, new)
            assert new.made(path)
            found = new.connect(path)
            got = [found.execute(sql).fetchall() for sql in everything]
            strip = [[row[:3] + row[4:] for row in rows] if n == 0 else rows for n, rows in enumerate(got)]
            assert strip == [[row[:3] + row[4:] for row in rows] if n == 0 else rows for n, rows in enumerate(wanted)]
            kept = [found.execute(f"PRAGMA {name}").fetchone()[0] for name in recode.KEPT]
            assert kept == [2, 77, 5]
            found.close()
        assert [file.name for file in Path(scratch).iterdir()] == ["any.db"]


def test_a_copy_that_came_out_differently_takes_nobodys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as memory:
        memory.remember(told("precious"))
    export = recode.export

    def forgetful(reader: Connection, target: Path, new: Engine) -> None:
        export(reader, target, new)
        written = new.connect(target)
        written.execute("DELETE FROM memories")
        written.close()

    monkeypatch.setattr(recode, "export", forgetful)
    with pytest.raises(StoreError, match="does not hold what"):
        recode.replace(tmp_path / "memory.db", PLAIN, ENGINE)
    assert {file.name for file in tmp_path.iterdir() if file.is_file()} == {"memory.db", "writer.lock"}
    with opened(tmp_path) as memory:
        assert memory.list()[0].text == "precious"


def test_keys_are_in_no_text() -> None:
    assert "0001" not in repr(KEY) + str(KEY) + repr(ENGINE)
    with pytest.raises(errors()) as caught:
        ENGINE.connect("/nowhere/at/all.db").execute("SELECT 1")
    assert KEY.raw.hex() not in repr(caught.value)
