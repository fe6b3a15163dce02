"""The audit finds what does not belong and puts it right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from memory_world import at, fact, has, opened, seen, told

from perstream.errors import StoreError
from perstream.memory.memory import Memory


def filled(folder: Path) -> Memory:
    memory = opened(folder)
    for n in range(4):
        memory.remember(seen(f"view {n}", n, has(f"thing {n}"), fact("place is", str(n))))
    memory.remember(told("a fact", 9))
    return memory


def test_a_sound_store_is_clean(tmp_path: Path) -> None:
    with filled(tmp_path) as memory:
        report = memory.audit()
        assert report.clean
        assert (report.memories, report.fixed) == (5, False)


def test_what_does_not_belong_is_counted_and_put_right(tmp_path: Path) -> None:
    with filled(tmp_path) as memory:
        twin = memory.remember(seen("view 1", 1, has("thing 1")))
        before = memory.list()
        writer = memory._store.writer
        writer.execute("PRAGMA foreign_keys = OFF")
        writer.execute("INSERT INTO entities VALUES (900, 'nobody', 'nobody', 'places', NULL)")
        writer.execute("INSERT INTO thumbnails VALUES (901, x'00')")
        writer.execute("DELETE FROM vectors WHERE memory_id = 5")
        writer.execute("UPDATE edges SET subject = 902 WHERE memory_id = 4 AND position = 0")
        writer.execute("UPDATE edges SET superseded_by = NULL, valid_to = NULL WHERE memory_id = 1")
        writer.execute("UPDATE memories SET superseded_by = NULL, valid_to = NULL WHERE id = 1")
        writer.execute("PRAGMA foreign_keys = ON")

        found = memory.audit()
        assert (found.duplicates, found.dangling, found.stale, found.unsupported) == (1, 1, 1, 1)
        assert found.orphans == 3  # the entity, the picture, and "thing 3", whose only edge is broken
        assert not found.clean
        assert memory.audit() == found  # looking changes nothing

        assert memory.audit(fix=True) == replace(found, fixed=True)
        assert memory.audit().clean
        assert twin.id not in {record.id for record in memory.list()}
        assert (memory.get(1).superseded_by, memory.get(1).valid_to) == (2, at(1))
        assert [r.text for r in memory.list()] == [r.text for r in before if r.id != twin.id]


def test_a_reader_looks_the_store_over_beside_the_writer(tmp_path: Path) -> None:
    with filled(tmp_path) as writer, opened(tmp_path, read_only=True) as reader:
        writer.remember(seen("view 1", 1, has("thing 1")))
        writer._store.writer.execute("UPDATE memories SET superseded_by = NULL, valid_to = NULL WHERE id = 1")
        writer._store.writer.execute("UPDATE edges SET superseded_by = NULL, valid_to = NULL WHERE memory_id = 1")
        found = reader.audit()
        assert (found.memories, found.duplicates, found.stale, found.fixed) == (5, 1, 1, False)
        assert found == writer.audit()
        with pytest.raises(StoreError, match="reading only"):
            reader.audit(fix=True)
        assert (reader.count(), reader.get(1).text) == (6, "view 0"), "the reader's own view is not that of the audit"
        assert writer.audit(fix=True).duplicates == 1
        assert reader.audit().clean
