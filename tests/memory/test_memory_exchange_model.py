"""Any memories against a plain list: what is added is recalled, exported, imported, and forgotten for good."""

from __future__ import annotations

import io
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_world import T0, ask, opened, seen, told, vectors

from perstream.memory.memory import Memory
from perstream.types import NewMemory, Observation, ObservationKind, Provenance, Selector, Triplet

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.one_of(st.sampled_from(["I", "bike", "Bike", "my dentist", "4"]), texts)
times = st.integers(-(10**15), 10**15).map(lambda micros: T0 + timedelta(microseconds=micros))
numbers = st.floats(-1e9, 1e9)
maybe = st.none


@st.composite
def memories(draw: st.DrawFn) -> NewMemory:
    """One with any of its fields set, or none."""
    base = draw(st.sampled_from([told, seen]))(draw(texts))
    began = draw(times)
    observation = st.builds(
        Observation,
        kind=st.sampled_from(ObservationKind),
        text=texts,
        score=numbers,
        start_s=numbers,
        end_s=numbers,
        votes=st.integers(1, 99),
        box=st.one_of(maybe(), st.tuples(numbers, numbers, numbers, numbers)),
        speaker=st.one_of(maybe(), texts),
    )
    triplet = st.builds(Triplet, subject=names, predicate=names, object=names, score=numbers, functional=st.booleans())
    return NewMemory(
        text=base.text,
        category=draw(st.sampled_from(["notes", "places"])),
        provenance=draw(st.sampled_from(Provenance)),
        observed_at=began,
        ended_at=began + timedelta(seconds=draw(st.integers(0, 100))),
        vectors=base.vectors,
        source=draw(st.one_of(maybe(), texts)),
        start_s=draw(st.one_of(maybe(), numbers)),
        end_s=draw(st.one_of(maybe(), numbers)),
        speaker=draw(st.one_of(maybe(), texts)),
        context=draw(texts),
        score=draw(numbers),
        triplets=tuple(draw(st.lists(triplet, max_size=3))),
        observations=tuple(draw(st.lists(observation, max_size=2))),
        mean_vector=base.mean_vector if draw(st.booleans()) else None,
        nearest_vector=base.nearest_vector if draw(st.booleans()) else None,
        thumbnail=base.thumbnail if draw(st.booleans()) else None,
        valid_from=draw(st.one_of(maybe(), times)),
        valid_to=draw(st.one_of(maybe(), times)),
        pinned=draw(st.booleans()),
    )


FIELDS = (
    *("text", "category", "provenance", "source", "start_s", "end_s", "speaker", "score"),
    *("triplets", "observations"),
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(news=st.lists(memories(), min_size=1, max_size=5), data=st.data())
def test_add_recall_exchange_forget(news: list[NewMemory], data: st.DataObject) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="perstream-model-") as folder,
        opened(Path(folder, "a")) as memory,
        opened(Path(folder, "b")) as copy,
        opened(Path(folder, "c")) as other,
    ):
        known: dict[int, NewMemory] = {}
        for new in news:
            known.setdefault(memory.remember(new).id, new)
        for id, new in known.items():
            record = memory.get(id)
            assert [getattr(record, name) for name in FIELDS] == [getattr(new, name) for name in FIELDS]
        wanted = data.draw(st.sampled_from(sorted(known)))
        if known[wanted].text.strip():
            found = memory.recall(ask(known[wanted].text, k=20))
            assert {hit.memory.id for hit in found} <= known.keys()

        first = export(memory)
        copy.exchange.import_from(io.BytesIO(first), vectors)
        assert export(copy) == first
        assert copy.list() == memory.list()
        assert copy.audit() == memory.audit()

        base = other.remember(told("something else", 1)).id
        other.exchange.import_from(io.BytesIO(first), vectors)
        moved = {record.id: record for record in other.list(limit=1000)}
        for id, new in known.items():
            assert [getattr(moved[base + id], name) for name in FIELDS] == [getattr(new, name) for name in FIELDS]
            link = memory.get(id).superseded_by
            assert moved[base + id].superseded_by == (link and base + link)

        assert copy.forget(Selector(ids=(wanted,))).memory_ids == (wanted,)
        memory.forget(Selector(ids=(wanted,)))
        del known[wanted]
        assert {record.id for record in copy.list()} == known.keys()
        assert export(copy) == export(memory), "a copy forgets as the first one does"


def export(memory: Memory) -> bytes:
    out = io.BytesIO()
    memory.exchange.export(out)
    return out.getvalue()
