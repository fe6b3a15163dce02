"""Everything out and back: an equal store, table by table; and archives that somebody tampered with."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_world import T0, ask, fact, has, opened, seen, told, vectors
from test_memory_exchange_model import memories

from perstream.errors import StoreError
from perstream.imports.item import Imported
from perstream.memory.agenda import Pending
from perstream.memory.archive import FolderShelf, ZipShelf
from perstream.memory.memory import Memory
from perstream.memory.unpacked import Unpacked
from perstream.reminders import Reminder
from perstream.speech import EVERYTHING, Considered
from perstream.types import Gap, NewMemory, Selector, Withheld

LATER = T0 + timedelta(days=1)
SKIPPED = {"backups", "sqlite_sequence", "derived"}
"""Of no memory: where copies lie, what the next number is, and what is made of the words."""


def tables(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database."""
    with memory.exchange._store.reading() as connection:
        names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
            for name in sorted(set(names) - SKIPPED)
        }


def packed(memory: Memory, vectors: bool = True) -> bytes:
    out = io.BytesIO()
    shelf = ZipShelf(out)
    memory.exchange.export_archive(shelf, vectors)
    shelf.close()
    return out.getvalue()


def unpack(memory: Memory, data: bytes, folder: Path) -> Any:
    file = folder / "in.zip"
    file.write_bytes(data)
    with Unpacked(file) as unpacked:
        return memory.exchange.import_archive(unpacked, vectors)


def considered(about: tuple[int, ...], reason: str | None = None) -> Considered:
    return Considered(
        id=0, at=LATER, topic=f"due:{about[0]}" if about else "hazard:x", text="Say | this", why="w", priority=2,
        confidence=0.5, reason=reason, detail="d", memory_ids=about, source="cam.mp4", pts_s=1.5,
    )  # fmt: skip


def live(memory: Memory, ids: list[int]) -> None:
    """What comes with use: words, votes, snoozes, reminders, pins, visits, an account, imports."""
    word = memory.feedback.said(considered((ids[0],)))
    memory.feedback.said(considered(tuple(ids[:2])))
    memory.feedback.held_back(considered((), "cooldown"))
    memory.feedback.flush()
    memory.feedback.vote(word, "useful", None)
    memory.feedback.snooze(EVERYTHING, LATER)
    memory.feedback.set_mark("dnd", 1)
    memory.agenda.replace(ids[0], Pending(ids[0], Reminder("call Anna", LATER, 3, 60), T0, T0))
    memory.pin(ids[-1], True)
    memory.redactions.note([Withheld("card", 2, "told")], LATER, "cam.mp4")
    item = Imported("calendar:w.ics", "k", "Dentist")
    memory.exchange.register.note("import:calendar:w.ics", [(item.key, item.text, ids[0])])
    memory.record_gap(Gap("cam.mp4", 1.0, 2.0, T0, LATER, "lost"))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(news=st.lists(memories(), min_size=1, max_size=5), zipped=st.booleans())
def test_an_empty_store_becomes_equal(news: list[NewMemory], zipped: bool) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="perstream-archive-") as name,
        opened(Path(name, "a")) as memory,
        opened(Path(name, "b")) as copy,
    ):
        ids = [memory.remember(new).id for new in news]
        memory.recall(ask(news[0].text or "x", k=3))
        live(memory, ids)
        first = packed(memory)
        if zipped:
            unpack(copy, first, Path(name))
        else:
            memory.exchange.export_archive(FolderShelf(Path(name)))
            with Unpacked(Path(name)) as unpacked:
                copy.exchange.import_archive(unpacked, vectors)
        assert tables(copy) == tables(memory)
        assert packed(copy) == first
        assert copy.list() == memory.list()
        assert copy.gaps() == memory.gaps()
        assert copy.agenda.waiting() == memory.agenda.waiting()
        assert copy.feedback.recent() == memory.feedback.recent()
        for new in news:
            question = ask(new.text or "x", k=10)
            assert copy.recall(question) == memory.recall(question)


def test_into_another_store(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as memory, opened(tmp_path / "b") as other:
        ids = [memory.remember(told("Anna likes tea", 1, has("tea"))).id, memory.remember(seen("a bike", 2)).id]
        live(memory, ids)
        own = other.remember(told("My size is 42", 0, fact("size", "42"))).id
        other.feedback.snooze(EVERYTHING, None)
        made = unpack(other, packed(memory), tmp_path)
        assert (made.memories, made.known, made.gaps) == (2, 0, 1)
        tea = next(record for record in other.list() if record.text == "Anna likes tea")
        bike = next(record for record in other.list() if record.text == "a bike")
        assert {one.memory_id for one in other.agenda.waiting()} == {tea.id}
        assert other.exchange.register.known("import:calendar:w.ics", [("k", "Dentist")])[0].memory_id == tea.id
        assert other.thumbnail(bike.id) == memory.thumbnail(ids[1])
        assert other.feedback.snoozed(T0) == []
        assert other.feedback.recent() == []
        again = unpack(other, packed(memory), tmp_path)
        assert (again.memories, again.known) == (0, 2)
        assert other.get(own).text == "My size is 42"
        assert other.audit().clean


def test_without_vectors(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as memory, opened(tmp_path / "b") as copy:
        memory.remember(told("Anna likes tea", 1, has("tea")))
        memory.remember(seen("a bike", 2))
        small = packed(memory, vectors=False)
        assert len(small) < len(packed(memory))
        assert unpack(copy, small, tmp_path).embedded == 2
        assert [record.text for record in copy.list()] == ["a bike", "Anna likes tea"]
        assert copy.recall(ask("Anna likes tea"))[0].memory.text == "Anna likes tea"
        assert copy.thumbnail(2) == memory.thumbnail(2)
        assert copy.visuals([2])[2].mean is None if 2 in copy.visuals([2]) else True


def test_for_reading(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as memory:
        live(
            memory,
            [memory.remember(seen("a <b>sign</b> | that says [x](y)", 2)).id, memory.remember(told("# tea", 30)).id],
        )
        memory.exchange.export_archive(FolderShelf(tmp_path / "out"))
    pages = sorted((tmp_path / "out/days").iterdir())
    assert len(pages) == 2
    page = pages[0].read_text(encoding="utf-8")
    assert "&lt;b>sign" in page and "\\[x\\](y)" in page
    assert "![memory 1](../thumbnails/1.jpg)" in page
    assert "*PerStream said:* Say \\| this" in pages[1].read_text(encoding="utf-8")
    picture = (tmp_path / "out/thumbnails/1.jpg").read_bytes()
    assert picture.startswith(b"\xff\xd8")
    manifest = json.loads((tmp_path / "out/manifest.json").read_bytes())
    assert manifest["files"]["thumbnails/1.jpg"]["sha256"] == hashlib.sha256(picture).hexdigest()


def rewritten(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in files.items():
            new.writestr(name, content)
    return out.getvalue()


def manifest(files: dict[str, bytes], **entries: dict[str, object]) -> None:
    about = json.loads(files["manifest.json"])
    about["files"].update(entries)
    files["manifest.json"] = json.dumps(about).encode()


def bomb(files: dict[str, bytes]) -> None:
    files["memories.jsonl"] = b"\n" * 50_000_000
    entry = {"bytes": 50_000_000, "sha256": hashlib.sha256(files["memories.jsonl"]).hexdigest()}
    manifest(files, **{"memories.jsonl": entry})


def slip(files: dict[str, bytes]) -> None:
    files["../../evil.jpg"] = b"x"
    manifest(files, **{"../../evil.jpg": {"bytes": 1, "sha256": "0" * 64}})


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.update({"memories.jsonl": files["memories.jsonl"].replace(b"tea", b"gin")}),
        lambda files: files.update({"memories.jsonl": files["memories.jsonl"][:-20]}),
        lambda files: files.update({"thumbnails/2.jpg": b"\xff\xd8other"}),
        lambda files: files.update({"speech.jsonl": files["speech.jsonl"] + b"{}\n"}),
        lambda files: files.pop("speech.jsonl"),
        lambda files: files.pop("manifest.json"),
        lambda files: files.update({"manifest.json": b"[" * 100_000}),
        lambda files: files.update({"manifest.json": b'{"format": "perstream-archive", "version": 2}'}),
        lambda files: files.update({"manifest.json": b'{"format": "other"}'}),
        lambda files: manifest(files, **{"memories.jsonl": {"bytes": -1, "sha256": "x"}}),
        bomb,
        slip,
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_refused_whole(tmp_path: Path, change: Callable[[dict[str, bytes]], Any]) -> None:
    with opened(tmp_path / "a") as memory, opened(tmp_path / "b") as copy:
        live(memory, [memory.remember(told("Anna likes tea")).id, memory.remember(seen("a bike", 2)).id])
        before = tables(copy)
        with pytest.raises(StoreError) as caught:
            unpack(copy, rewritten(packed(memory), change), tmp_path)
        assert "\n" not in str(caught.value)
        assert tables(copy) == before
    assert not list(tmp_path.parent.rglob("evil.jpg"))


@pytest.mark.parametrize(
    "row",
    [
        {"row": "words", "id": 1},
        {"row": "sqlite_master"},
        {"row": "marks", "name": "derived", "value": "1:x"},
        {"row": "words_about", "word_id": 77, "memory_id": 99},
        {"row": "speech", "name": "x", "value": "y"},
        {"row": "speech", "name": "x", "value": 1, "more": 1},
        [],
    ],
)
def test_rows_are_checked(tmp_path: Path, row: object) -> None:
    def change(files: dict[str, bytes]) -> None:
        data = json.dumps(row).encode() + b"\n"
        files["speech.jsonl"] = data
        manifest(files, **{"speech.jsonl": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}})

    with opened(tmp_path / "a") as memory, opened(tmp_path / "b") as copy:
        memory.remember(told("Anna likes tea"))
        with pytest.raises(StoreError):
            unpack(copy, rewritten(packed(memory), change), tmp_path)
        assert copy.count() == 0


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as memory, opened(tmp_path / "b") as copy:
        memory.remember(told("Anna likes tea"))
        memory.exchange.export_archive(FolderShelf(tmp_path / "out"))
        (tmp_path / "out/memories.jsonl").rename(tmp_path / "elsewhere")
        (tmp_path / "out/memories.jsonl").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StoreError), Unpacked(tmp_path / "out") as unpacked:
            copy.exchange.import_archive(unpacked, vectors)
    with pytest.raises(StoreError), Unpacked(tmp_path / "nothing.zip"):
        pass


def test_forgotten_memories_are_not_in_it(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as memory:
        live(memory, [memory.remember(told("My secret is saffron")).id, memory.remember(seen("a bike", 2)).id])
        memory.forget(Selector(text="saffron"))
        with zipfile.ZipFile(io.BytesIO(packed(memory))) as archive:
            for name in archive.namelist():
                content = archive.read(name)
                assert b"saffron" not in content and b"call Anna" not in content
