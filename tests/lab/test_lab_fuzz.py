"""Damaged input of every kind: errors of the tree, nothing else. ``python -m perstream.lab.fuzz`` looks for longer."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("icalendar", reason="the extra imports is not installed")
pytest.importorskip("vobject", reason="the extra imports is not installed")

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from perstream.errors import PerStreamError, StoreError
from perstream.lab import fuzz, fuzz_targets
from perstream.lab.fuzz_seeds import damaged, store
from perstream.lab.fuzz_targets import Target, all_targets, opened
from perstream.memory.memory import Memory
from perstream.memory.store import explain

NAMES = (
    *(f"video.{name}" for name in ("mp4", "matroska", "mpegts", "avi", "webm", "gif", "flv")),
    *(f"picture{name}" for name in (".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm")),
    *("transcript.srt", "transcript.vtt", "push", "wire", "settings", "exchange", "store.header", "store.log"),
    *("keys.tokens.json", "keys.devices.json", "keys.token"),
    *(f"import.{name}" for name in ("calendar", "contacts", "markdown", "text", "mem0", "chatgpt", "claude")),
)
FOUND_ONCE = ("import.calendar:609",)
"""What a longer run came upon; mended since."""
BRIEFLY = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, tuple[Target, bytes]]]:
    yield all_targets(tmp_path_factory.mktemp("seeds"))


def test_everything_that_reads_from_the_world_is_here(targets: Mapping[str, tuple[Target, bytes]]) -> None:
    assert set(targets) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_input_is_an_error_of_the_tree(targets: Mapping[str, tuple[Target, bytes]], name: str) -> None:
    @BRIEFLY
    @given(st.integers(0, 10**9))
    def hurt(number: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert fuzz.run_case(targets, name, number, Path(folder) / "case") is None

    hurt()


@pytest.mark.parametrize("name", ["picture.jpg", "transcript.srt", "push", "wire", "settings", "import.calendar"])
def test_any_bytes_at_all(targets: Mapping[str, tuple[Target, bytes]], name: str) -> None:
    @BRIEFLY
    @given(st.binary(max_size=500))
    def hurt(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                targets[name][0](data, Path(folder))
            except PerStreamError:
                pass

    hurt()


@pytest.mark.parametrize("case", FOUND_ONCE)
def test_what_was_found_once(targets: Mapping[str, tuple[Target, bytes]], case: str, tmp_path: Path) -> None:
    name, _, number = case.rpartition(":")
    assert fuzz.run_case(targets, name, int(number), tmp_path / "case") is None


def test_undamaged_input_is_taken(targets: Mapping[str, tuple[Target, bytes]], tmp_path: Path) -> None:
    for name, (target, seed) in targets.items():
        if name == "store.log":
            continue  # its seed is no log
        (folder := tmp_path / name).mkdir()
        target(seed, folder)


def test_a_hunt_reports_what_should_not_happen(tmp_path: Path) -> None:
    def breaks(data: bytes, folder: Path) -> None:
        raise KeyError("x")

    def chatters(data: bytes, folder: Path) -> None:
        raise StoreError("two\nlines")

    def refuses(data: bytes, folder: Path) -> None:
        raise StoreError("no")

    found = {
        name: fuzz.run_case({"x": (target, b"seed")}, "x", 1, tmp_path / "case")
        for name, target in (("breaks", breaks), ("chatters", chatters), ("refuses", refuses))
    }
    assert "KeyError" in str(found["breaks"]) and "one line" in str(found["chatters"]) and found["refuses"] is None


def test_a_store_that_is_changed_though_it_was_refused_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clumsy(folder: Path) -> Memory:
        (folder / "memory.db").write_bytes(b"new")
        raise StoreError("refused")

    monkeypatch.setattr(fuzz_targets, "open_store", clumsy)
    with pytest.raises(fuzz_targets.Overwritten):
        opened("memory.db", b"garbage", tmp_path)


def test_damage_is_the_same_for_the_same_number_and_varied() -> None:
    seed = bytes(range(256)) * 4
    ways = {damaged(seed, random.Random(f"x:{number}")) for number in range(50)}
    assert len(ways) > 40
    assert damaged(seed, random.Random("x:1")) == damaged(seed, random.Random("x:1"))
    assert damaged(b"", random.Random(3)) is not None


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:

    with sqlite3.connect(tmp_path / "memory.db") as other:
        other.execute("CREATE TABLE holiday (day TEXT)")
    other.close()
    before = (tmp_path / "memory.db").read_bytes()
    with pytest.raises(StoreError):
        fuzz_targets.open_store(tmp_path)
    assert (tmp_path / "memory.db").read_bytes() == before


def test_what_an_error_quotes_of_a_file_is_one_short_line() -> None:
    said = str(
        explain(sqlite3.DatabaseError("malformed database schema (\x1b[2J\n   x TEXT," + "y" * 5000), Path("m.db"))
    )
    assert said.isprintable() and len(said) < 400


def test_a_value_that_nobody_wrote_is_damage(tmp_path: Path) -> None:
    store(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "memory.db")) as other, other:
        other.execute("UPDATE memories SET provenance = 9999 WHERE id = 3")
    with fuzz_targets.open_store(tmp_path) as memory:
        assert memory.get(2).id == 2
        with pytest.raises(StoreError, match="memory '3' cannot be read"):
            memory.get(3)
