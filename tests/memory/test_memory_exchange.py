"""Export and import: what comes back is what went out, and nothing of a bad file stays."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from memory_world import T0, ask, at, fact, has, opened, seen, told, vectors

from perstream.errors import StoreError
from perstream.memory.exchange import Imported
from perstream.memory.lines import MAX_LINE
from perstream.memory.memory import Memory
from perstream.types import Gap, Granularity, Observation, ObservationKind, Selector, TextVectors

HEADER = {"kind": "header", "format": "perstream-memory", "version": 1}
MINIMAL = {
    "kind": "memory",
    "text": "the spare key is in the shed",
    "category": "notes",
    "provenance": "told",
    "observed_at": "2026-05-04T09:00:00Z",
}


def exported(memory: Memory) -> bytes:
    out = io.BytesIO()
    memory.exchange.export(out)
    return out.getvalue()


def take_in(memory: Memory, data: bytes, embed: Callable[[str], TextVectors] = vectors) -> Imported:
    return memory.exchange.import_from(io.BytesIO(data), embed)


def lines_of(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A store in which everything that can be set is set somewhere, and some things are given up."""
    folder = tmp_path / "full"
    observations = (
        Observation(ObservationKind.TEXT, "GLEIS 4 — „Zürich“", 0.93, 1.0, 2.5, 3, (0.1, 0.2, 0.3, 0.4)),
        Observation(ObservationKind.TRANSCRIPT, "", 1, 0.0, 1.0, speaker="Anna"),
    )
    everything = replace(
        seen("A sign says GLEIS 4 🚉", 1.0, has("Ticket"), fact("platform is", "4", "the train")),
        observations=observations,
        speaker="Anna",
        context="Which platform?",
        score=0.1 + 0.2,
        valid_from=at(0.5),
        valid_to=at(9),
        pinned=True,
    )
    with opened(folder) as memory:
        doomed = memory.remember(told("this one is forgotten", 0, has("secret")))
        memory.remember_all([everything, replace(told(""), text=""), seen("A bare wall", 2, has("ticket"))])
        memory.remember(told("my dentist is Dr Ray", 3, fact("dentist is", "Dr Ray")))
        memory.remember(told("my dentist is Dr Ono", 4, fact("dentist is", "Dr Ono")))
        memory.recall(ask("my dentist is Dr Ono"))
        memory.record_gap(Gap("cam.mp4", 4.25, 9.5, T0, at(1), "lost"))
        memory.forget(Selector(ids=(doomed.id,)))
        memory.reduce(200, "gsbn")
    return folder


def test_the_round_trip_is_identical(full: Path, tmp_path: Path) -> None:
    with opened(full) as memory, opened(tmp_path / "copy") as copy:
        data = exported(memory)
        done = take_in(copy, data)
        assert (done.memories, done.known, done.gaps, done.embedded) == (5, 0, 1, 0)
        assert exported(copy) == data
        records = memory.list()
        assert copy.list() == records
        assert len({record.granularities for record in records}) > 2, "some parts were given up"
        assert any(Granularity.V_M not in record.granularities for record in records)
        assert [record.superseded_by for record in records if record.superseded_by] == [6]
        assert [copy.thumbnail(record.id) for record in records] == [memory.thumbnail(record.id) for record in records]
        assert copy.gaps() == memory.gaps()
        assert copy.facts("I") == memory.facts("I")
        assert list(copy.graph().edges(data=True)) == list(memory.graph().edges(data=True))
        assert copy.audit().clean
    with opened(tmp_path / "copy") as copy, opened(full) as memory:
        assert copy.recall(ask("my dentist is Dr Ono")) == memory.recall(ask("my dentist is Dr Ono"))


def test_a_store_that_was_read_imports_and_goes_on(full: Path, tmp_path: Path) -> None:
    """The index and the entities in RAM follow an import."""
    with opened(full) as memory:
        data = exported(memory)
    with opened(tmp_path / "other") as other:
        assert other.recall(ask("my dentist is Dr Ono")) == []
        take_in(other, data)
        assert other.recall(ask("my dentist is Dr Ono"))[0].memory.text == "my dentist is Dr Ono"
        new = other.remember(told("a ticket again", 20, has("ticket"), category="places"))
        assert new.id == 7
        assert other.entities_of(new.id) == ("I", "Ticket")


def test_into_a_store_with_memories_they_get_new_ids(full: Path, tmp_path: Path) -> None:
    with opened(full) as memory:
        data = exported(memory)
    with opened(tmp_path / "other") as other:
        other.remember_all(
            [told("one", 1, has("TICKET"), category="places"), told("two", 2), told("my dentist is Dr Lee", 3.5)]
        )
        own = other.remember(told("dentist: Dr Lee", 3.6, fact("dentist is", "Dr Lee")))
        done = take_in(other, data)
        assert (done.memories, done.known) == (5, 0)
        by_text = {record.text: record for record in other.list()}
        assert sorted(record.id for record in by_text.values()) == list(range(1, 10))
        ray, ono = by_text["my dentist is Dr Ray"], by_text["my dentist is Dr Ono"]
        assert (ray.superseded_by, by_text[own.text].superseded_by, ono.superseded_by) == (own.id, ono.id, None)
        assert other.entities_of(by_text["A bare wall"].id) == ("I", "TICKET")
        assert other.audit().clean
        before = exported(other)
        again = take_in(other, data)
        assert (again.memories, again.known, again.gaps) == (0, 5, 0)
        assert exported(other) == before


def test_what_a_person_wrote_by_hand_is_embedded(tmp_path: Path) -> None:
    triplet = {"subject": "I", "predicate": "dentist is", "object": "Dr Ray", "functional": True}
    later = {**MINIMAL, "observed_at": "2026-06-04T09:00:00", "triplets": [{**triplet, "object": "Dr Ono"}]}
    with opened(tmp_path) as memory:
        done = take_in(memory, lines_of(HEADER, {**MINIMAL, "triplets": [triplet]}, later))
        assert (done.memories, done.embedded) == (2, 2)
        second, first = memory.list()
        assert first.observed_at == first.ended_at == T0
        assert first.superseded_by == second.id
        assert first.valid_to == second.observed_at
        assert memory.recall(ask(MINIMAL["text"]))[0].memory.id == second.id


def test_vectors_of_another_embedder_are_made_anew(full: Path, tmp_path: Path) -> None:
    def other(text: str) -> TextVectors:
        own = vectors("another model's " + text)
        return TextVectors(own.pooled, own.tokens, own.words)

    with opened(full) as memory:
        data = exported(memory)
        whole = sum(Granularity.V_M in record.granularities for record in memory.list())
    with opened(tmp_path / "copy") as copy:
        assert take_in(copy, data, other).embedded == whole
    with opened(tmp_path / "short") as copy:
        short = data.replace(b'"shape":[384]', b'"shape":[383]')
        with pytest.raises(StoreError, match="its shape wants"):
            take_in(copy, short)


def test_thumbnails_stay_out_where_they_are_not_wanted(full: Path, tmp_path: Path) -> None:
    with opened(full) as memory, opened(tmp_path / "copy", thumbnails=False) as copy:
        take_in(copy, exported(memory))
        assert all(copy.thumbnail(record.id) is None for record in copy.list())
        assert copy.audit().clean


def test_a_file_that_was_cut_off_leaves_nothing(full: Path, tmp_path: Path) -> None:
    with opened(full) as memory, opened(tmp_path / "copy") as copy:
        data = exported(memory)
        ends = [place + 1 for place, byte in enumerate(data) if byte == ord("\n")]
        for end in (*ends[:-1], ends[2] + 100, len(data) - 5):
            with pytest.raises(StoreError, match=r"cut off.*nothing was imported"):
                take_in(copy, data[:end])
            assert copy.count() == 0
            assert copy.gaps() == []
        assert take_in(copy, data).memories == 5


BAD = {
    "no JSON": b"{",
    "not UTF-8": b'{"kind": "\xff"}',
    "deep": b"[" * 100_000,
    "a list": [],
    "no kind": {"text": "x"},
    "kind is a list": {"kind": []},
    "unknown field": {**MINIMAL, "extra": 1},
    "no text": {**MINIMAL, "text": None},
    "text is a number": {**MINIMAL, "text": 5},
    "half a character": {**MINIMAL, "text": "\ud800"},
    "unknown provenance": {**MINIMAL, "provenance": "guessed"},
    "no time": {**MINIMAL, "observed_at": "yesterday"},
    "time out of range": {**MINIMAL, "observed_at": "9999-12-31T23:59:59-12:00"},
    "no number": {**MINIMAL, "score": "high"},
    "infinite": b'{"kind": "memory", "score": Infinity}',
    "too large": {**MINIMAL, "score": 10**400},
    "id below 1": {**MINIMAL, "id": 0},
    "huge id": {**MINIMAL, "id": 2**63},
    "true is no id": {**MINIMAL, "id": True},
    "no flag": {**MINIMAL, "pinned": 1},
    "no list": {**MINIMAL, "triplets": {}},
    "no triplet": {**MINIMAL, "triplets": [["I", "like", "tea"]]},
    "half a triplet": {**MINIMAL, "triplets": [{"subject": "I"}]},
    "missing entity": {
        **MINIMAL,
        "triplets": [{"subject": "I", "predicate": "like", "object": "tea", "subject_id": 7, "object_id": 8}],
    },
    "unknown observation": {
        **MINIMAL,
        "observations": [{"kind": "smell", "text": "x", "score": 1, "start_s": 0, "end_s": 0}],
    },
    "no base64": {**MINIMAL, "thumbnail": "***"},
    "no JPEG": {**MINIMAL, "thumbnail": "PGh0bWw+"},
    "hostile shape": {**MINIMAL, "pooled": {"dtype": "<f2", "shape": [2**52], "data": "AAAA"}},
    "negative shape": {**MINIMAL, "mean": {"dtype": "<f2", "shape": [-1, -2], "data": "AAAA"}},
    "objects": {**MINIMAL, "pooled": {"dtype": "|O", "shape": [1], "data": "AAAAAAAAAAA="}},
    "not a number inside": {**MINIMAL, "pooled": {"dtype": "<f2", "shape": [1], "data": "AH4="}},
    "gap without reason": {"kind": "gap", "source": "a", "start_s": 0, "end_s": 1},
    "late entity": {"kind": "entity", "id": 1, "label": "tea", "category": "food"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_named_and_nothing_is_imported(bad: object, tmp_path: Path) -> None:
    line = bad if isinstance(bad, bytes) else lines_of(bad).strip()
    with opened(tmp_path) as memory:
        with pytest.raises(StoreError, match=r"line 4 cannot be used: .*nothing was imported"):
            take_in(memory, lines_of(HEADER, MINIMAL) + b"\n" + line + b"\n")
        assert memory.count() == 0
        assert memory.remember(told("it goes on")).id == 1


@pytest.mark.parametrize("kind", ["memory", "entity"])
def test_an_id_twice_is_refused(kind: str, tmp_path: Path) -> None:
    line = {**MINIMAL, "id": 3} if kind == "memory" else {"kind": "entity", "id": 1, "label": "tea", "category": "food"}
    with opened(tmp_path) as memory:
        with pytest.raises(StoreError, match=r"line 3 .* twice"):
            take_in(memory, lines_of(HEADER, line, line))
        memory.remember(told("there is one"))
        if kind == "memory":
            with pytest.raises(StoreError, match=r"line 3 .* twice"):
                take_in(memory, lines_of(HEADER, line, {**line, "text": "another"}))
        assert memory.count() == 1


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ({**HEADER, "version": 2}, "install a newer"),
        ({**HEADER, "version": "1"}, "line 1"),
        ({**HEADER, "format": "other"}, "no export of PerStream"),
        (MINIMAL, "no export of PerStream"),
        ({**HEADER, "memories": -1}, "line 1"),
        ({**HEADER, "memories": 2}, "cut off"),
    ],
)
def test_the_header_is_checked(first: object, words: str, tmp_path: Path) -> None:
    with opened(tmp_path) as memory:
        with pytest.raises(StoreError, match=words):
            take_in(memory, lines_of(first, MINIMAL))
        with pytest.raises(StoreError, match="no export"):
            take_in(memory, b"")
        assert memory.count() == 0


def test_an_endless_line_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(lines_of(HEADER))
    with path.open("r+b") as file:
        file.truncate(100_000_000)  # sparse: takes no room
    with opened(tmp_path / "store") as memory, path.open("rb") as file:
        with pytest.raises(StoreError, match=r"line 2 .* longer than 32 MB"):
            memory.exchange.import_from(file, vectors)
        assert file.tell() < 2 * MAX_LINE


def test_a_link_to_a_memory_that_is_not_in_the_file_is_undone(tmp_path: Path) -> None:
    triplet = {"subject": "I", "predicate": "dentist is", "object": "Dr Ray", "functional": True}
    gone = {"superseded_by": 99, "valid_to": "2026-05-05T00:00:00+00:00"}
    line = {**MINIMAL, "id": 5, **gone, "triplets": [{**triplet, **gone}]}
    with opened(tmp_path) as memory:
        take_in(memory, lines_of(HEADER, line))
        (record,) = memory.list()
        assert (record.id, record.superseded_by, record.valid_to) == (5, None, None)
        assert memory.facts("I")[0].valid_to is None
        assert memory.audit().clean


def test_a_reader_can_export_beside_the_writer(full: Path) -> None:
    with opened(full) as writer, opened(full, read_only=True) as reader:
        assert exported(reader) == exported(writer)
        with pytest.raises(StoreError, match="reading only"):
            take_in(reader, exported(reader))


def test_progress_counts_memories(full: Path, tmp_path: Path) -> None:
    out, heard = io.BytesIO(), list[int]()
    with opened(full) as memory:
        memory.exchange.export(out, heard.append)
    assert heard == [1, 2, 3, 4, 5]
    out.seek(0)
    heard.clear()
    with opened(tmp_path / "copy") as copy:
        copy.exchange.import_from(out, vectors, heard.append)
    assert heard[-1] == 5


def test_vectors_are_little_endian_arrays(tmp_path: Path) -> None:
    """The format as it is documented, read without the importer."""
    import base64

    new = seen("a red door", 1)
    with opened(tmp_path) as memory:
        memory.remember(new)
        (line,) = [json.loads(line) for line in exported(memory).splitlines() if b'"kind":"memory"' in line]
    packed = line["mean"]
    assert (packed["dtype"], packed["shape"]) == ("<f2", [4, 8])
    values = np.frombuffer(base64.b64decode(packed["data"]), "<f2").reshape(4, 8)
    assert np.array_equal(values, np.asarray(new.mean_vector))
    assert (line["tokens"]["dtype"], line["tokens"]["shape"]) == ("|i1", [3, 64])
    assert base64.b64decode(line["thumbnail"]) == new.thumbnail
