"""The memory room against a plain model: any sequence of remembering, forgetting, pinning, reopening, encrypting."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from crypt_world import vault
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from memory_world import T0, ask, has, opened, seen, told

from perstream.memory.locksmith import Locksmith
from perstream.memory.memory import Memory
from perstream.memory.vault import Vault
from perstream.types import NewMemory, Selector, Triplet

THINGS = ("bike", "Bike", "the key", "umbrella", "sofa 4")
SOURCES = ("door.mp4", "walk.mp4")


class MemoryModel(RuleBasedStateMachine):
    """``self.known`` is what there should be: id to what was remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="perstream-model-"))
        self.memory = self.open()
        self.known: dict[int, NewMemory] = {}
        self.pinned: set[int] = set()
        self.made = 0

    def teardown(self) -> None:
        self.memory.close()
        shutil.rmtree(self.folder)
        self.folder.with_suffix(".key").unlink(missing_ok=True)
        self.folder.with_suffix(".key.lock").unlink(missing_ok=True)

    @rule(hour=st.integers(0, 9), thing=st.sampled_from(THINGS), source=st.sampled_from((None, *SOURCES)))
    def remember(self, hour: int, thing: str, source: str | None) -> None:
        self.made += 1
        text = f"{thing} number {self.made}"
        triplets = (has(thing), Triplet(thing, "is", f"colour {hour}"))
        new = (
            told(text, hour, *triplets, category="places")
            if source is None
            else seen(text, hour, *triplets, source=source)
        )
        record = self.memory.remember(new)
        assert record.id not in self.known
        assert (record.text, record.triplets) == (text, triplets)
        self.known[record.id] = new

    @precondition(lambda self: self.known)
    @rule(data=st.data(), pinned=st.booleans())
    def pin(self, data: st.DataObject, pinned: bool) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.known)))
        self.memory.pin(chosen, pinned)
        (self.pinned.add if pinned else self.pinned.discard)(chosen)

    @rule(
        text=st.sampled_from((None, "bike", "NUMBER 1", "nowhere")),
        entity=st.sampled_from((None, "BIKE", "the key")),
        source=st.sampled_from((None, *SOURCES)),
        since=st.sampled_from((None, 3, 6)),
        until=st.sampled_from((None, 4, 8)),
    )
    def forget(
        self, text: str | None, entity: str | None, source: str | None, since: int | None, until: int | None
    ) -> None:
        start, end = (None if hours is None else T0 + timedelta(hours=hours) for hours in (since, until))
        expected = {id for id, new in self.known.items() if self.matches(new, text, entity, source, start, end)}
        if all(condition is None for condition in (text, entity, source, since, until)):
            expected = set()
        receipt = self.memory.forget(Selector((), text, entity, source, start, end))
        assert set(receipt.memory_ids) == expected
        for id in expected:
            del self.known[id]
        self.pinned -= expected

    @staticmethod
    def matches(
        new: NewMemory,
        text: str | None,
        entity: str | None,
        source: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> bool:
        return (
            (text is None or text.lower() in new.text.lower())
            and (entity is None or entity.lower() in new.text.lower())  # the text names its thing
            and (source is None or new.source == source)
            and (since is None or new.ended_at >= since)
            and (until is None or new.observed_at <= until)
        )

    @rule(share=st.floats(0.05, 0.5), order=st.sampled_from(("nsbg", "gsbn")))
    def reduce(self, share: float, order: str) -> None:
        whole = self.memory.reduce(10**9, order, dry_run=True)  # type: ignore[arg-type]
        assert not {item.memory_id for item in whole.items} & self.pinned
        assert set(whole.forgotten) == self.known.keys() - self.pinned
        wanted = int(whole.freed * share)
        done = self.memory.reduce(wanted, order)  # type: ignore[arg-type]
        assert done.freed >= wanted
        assert done.items == whole.items[: len(done.items)]
        for id in done.forgotten:
            del self.known[id]

    @rule()
    def reopen(self) -> None:
        self.memory.close()
        self.memory = self.open()

    @rule(work=st.sampled_from(("encrypt", "encrypt", "rekey", "decrypt")))
    def rewrite(self, work: str) -> None:
        self.memory.close()
        if work == "encrypt" or (self.folder / "key.json").exists():
            getattr(Locksmith(self.vault()), work)()
        self.memory = self.open()
        assert self.memory.status().encrypted == (self.folder / "key.json").exists()

    @rule()
    def back_up(self) -> None:
        made = self.memory.backup()
        engine = self.vault().of_backup(made)
        assert engine.made(made)
        with closing(engine.connect(made)) as copy:
            assert copy.execute("SELECT count(*) FROM memories").fetchone() == (len(self.known),)

    def vault(self) -> Vault:
        return vault(self.folder, enabled=False, key_file=str(self.folder.with_suffix(".key")))

    def open(self) -> Memory:
        return opened(self.folder, keys=self.vault())

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        records = self.memory.list(limit=1000)
        assert {r.id: (r.text, r.source, r.triplets) for r in records} == {
            id: (new.text, new.source, new.triplets) for id, new in self.known.items()
        }
        times = [(r.observed_at, r.id) for r in records]
        assert times == sorted(times, reverse=True)
        labels = {label.lower() for new in self.known.values() for t in new.triplets for label in (t.subject, t.object)}
        status = self.memory.status()
        assert (status.entities, status.edges) == (len(labels), 2 * len(self.known))

    @invariant()
    def finds_what_it_holds(self) -> None:
        if self.known:
            id, new = max(self.known.items())
            assert self.memory.recall(ask(new.text, k=3)), new.text
            assert all(hit.memory.id in self.known for hit in self.memory.recall(ask("bike number 1", k=10)))
            assert self.memory.get(id).text == new.text


MemoryModel.TestCase.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMemoryModel = MemoryModel.TestCase
