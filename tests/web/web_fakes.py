"""A scripted house for the API's tests: it keeps what it is told in a list and answers from a script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import networkx
from speaking_house import SpeakingHouse

from perstream.daemon.appstatus import AppStatus
from perstream.daemon.bus import EventBus, Subscription
from perstream.daemon.privacy_status import Aged, AgeReport, Network, Posted, Way
from perstream.daemon.status import SourceState, SourceStatus
from perstream.daemon.tally import Latency
from perstream.daemon.vitals import Readiness, Vitals
from perstream.errors import BackendUnavailable, Interrupted, NotFound, PerStreamError
from perstream.events import Done
from perstream.imports.item import Imported, Outcome, Taken
from perstream.jsonlines import evidence_of
from perstream.memory.status import MemoryStatus
from perstream.memory.surroundings import Place, Surroundings
from perstream.sources import PushSource
from perstream.types import Gap, Granularity, Hit, MemoryRecord, Omission, Provenance, Receipt, Reply, Selector, Triplet

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
JPEG = b"\xff\xd8 a picture \xff\xd9"


def record(
    number: int, text: str = "I saw a sign that said PLATFORM 4.", source: str | None = "day.mp4"
) -> MemoryRecord:
    return MemoryRecord(
        id=number,
        text=text,
        category="travel",
        provenance=Provenance.READ if source else Provenance.TOLD,
        observed_at=NOON + timedelta(minutes=number),
        ended_at=NOON + timedelta(minutes=number, seconds=4),
        source=source,
        start_s=number * 60.0 if source else None,
        end_s=number * 60.0 + 4 if source else None,
        speaker=None,
        score=0.75,
        triplets=(Triplet("sign", "says", "PLATFORM 4"),),
        observations=(),
        pinned=False,
        granularities=(Granularity.M, Granularity.V_M),
    )


class ListedAdapters:
    """Adapters that are names only."""

    def __init__(self) -> None:
        self.loaded = {"home": "/adapters/home"}
        self.active: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.loaded)

    def load(self, name: str, path: str) -> None:
        if "missing" in path:
            raise BackendUnavailable(f"{path} is no adapter")
        self.loaded[name] = path

    def use(self, name: str | None) -> None:
        self._known(name)
        self.active = name

    def unload(self, name: str) -> None:
        self._known(name)
        del self.loaded[name]

    def _known(self, name: str | None) -> None:
        if name is not None and name not in self.loaded:
            raise NotFound(f"no adapter {name}")


class ScriptedHouse(SpeakingHouse):
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As new: one server serves the house to many tests."""
        self.begin_speech()
        self.bus = EventBus()
        self.records = {number: record(number) for number in range(1, 8)}
        self.told: list[tuple[str, datetime | None]] = []
        self.imported: list[Imported] = []
        self.asked: list[tuple[str, datetime | None]] = []
        self.filters: dict[str, Any] = {}
        self.recalled: dict[str, Any] = {}
        self.watched: dict[str, SourceState] = {}
        self.file: Path | None = None
        self.fed: dict[str, PushSource] = {}
        self.watch_calls: list[tuple[str, datetime | None, bool, str | None]] = []
        self.paused = False
        self.masks: Sequence[str] = ()
        self.trusted: bool | None = None
        self.error: Exception | None = None
        """Raised by whatever is called next."""
        self.listed = ListedAdapters()
        self.ready = Readiness(True)
        self.vitals = Vitals()
        self.withdrawn = threading.Event()
        """Set when an answer was given up because its client had gone."""
        self.hold = threading.Event()
        self.hold.set()

    def _maybe_fail(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def import_all(self, items: Sequence[Imported]) -> list[Taken]:
        self._maybe_fail()
        self.imported += items
        return [Taken(Outcome.NEW, 100 + place) for place, _ in enumerate(items)]

    def adapters(self) -> ListedAdapters:
        self._maybe_fail()
        return self.listed

    def ask(
        self,
        question: str,
        *,
        now: datetime | None = None,
        say: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Reply:
        self._maybe_fail()
        self.asked.append((question, now))
        if say is not None:
            for piece in ("Platform ", "4."):
                say(piece)
        for _ in range(1000):
            if self.hold.wait(0.01):
                break
            if cancelled is not None and cancelled():
                self.withdrawn.set()
                raise Interrupted("nobody listens")
        return Reply(question, "Platform 4.", False, (evidence_of(self.records[3], 0.9),), {"recall": 1.5})

    def tell(self, text: str, *, at: datetime | None = None) -> MemoryRecord:
        self._maybe_fail()
        self.told.append((text, at))
        number = len(self.records) + 1
        self.records[number] = record(number, text, source=None)
        return self.records[number]

    def redactions(self, limit: int = 100) -> list[Omission]:
        self._maybe_fail()
        return [Omission(NOON, "card", 1, "read", "day.mp4"), Omission(NOON, "password", 2, "told", None)][:limit]

    def recall(self, text: str, **how: Any) -> list[Hit]:
        self._maybe_fail()
        self.recalled = {"text": text, **how}
        return [Hit(self.records[2], 0.8, {"dense": 0.7}, ("dense", "entity:Anna"))]

    def memories(self, *, limit: int = 100, before_id: int | None = None, **filters: Any) -> list[MemoryRecord]:
        self.filters = filters
        found = [self.records[n] for n in sorted(self.records, reverse=True) if before_id is None or n < before_id]
        return found[:limit]

    def memory(self, memory_id: int) -> MemoryRecord:
        if memory_id not in self.records:
            raise NotFound(f"there is no memory {memory_id}")
        return self.records[memory_id]

    def entities_of(self, memory_id: int) -> tuple[str, ...]:
        self.memory(memory_id)
        return ("sign", "PLATFORM 4")

    def thumbnail(self, memory_id: int) -> bytes | None:
        return JPEG if self.memory(memory_id).source else None

    def recording(self, memory_id: int) -> Path | None:
        self.memory(memory_id)
        return self.file

    def forget(self, selector: Selector, dry_run: bool = False) -> Receipt:
        ids = tuple(n for n in selector.ids if n in self.records)
        if not dry_run:
            for number in ids:
                del self.records[number]
        return Receipt(ids, 1, 2, 300, 0, dry_run)

    def pin(self, memory_id: int, pinned: bool = True) -> None:
        self.memory(memory_id)

    def correct(self, memory_id: int, text: str) -> MemoryRecord:
        self.records[memory_id] = replace(self.memory(memory_id), text=text)
        return self.records[memory_id]

    def gaps(self, since: datetime | None = None, until: datetime | None = None) -> list[Gap]:
        self.filters = {"since": since, "until": until}
        return [Gap("cam", 1.0, 61.0, NOON, NOON + timedelta(minutes=1), "paused")]

    def view(self, name: str) -> bytes | None:
        self._known(name)
        return None if name.startswith("dark") else JPEG

    def graph(self) -> networkx.MultiDiGraph:
        graph = networkx.MultiDiGraph()
        graph.add_node(("category", "travel"), kind="category", label="travel")
        graph.add_node(("memory", 3), kind="memory", label="a sign", observed_at=NOON)
        graph.add_edge(("category", "travel"), ("memory", 3), kind="holds")
        return graph

    def readiness(self) -> Readiness:
        return self.ready

    def around(self, node: str = "", **how: Any) -> Surroundings:
        if node == "memory:99":
            raise NotFound("there is no memory 99")
        self.filters = {"node": node, **how}
        return Surroundings(Place("category:travel", "category", "travel"), (Place("memory:3", "memory", "a sign"),), 1)

    def status(self) -> AppStatus:
        memory = MemoryStatus(len(self.records), 2, 3, 1.5, 0.5, NOON, NOON, 1)
        return AppStatus("builtin", "/store", memory, tuple(self.sources()), {"cooldown": 2}, 0, vitals=self.vitals)

    def watch(
        self,
        uri: str,
        *,
        start_time: datetime | None = None,
        realtime: bool = False,
        name: str | None = None,
        masks: Sequence[str] = (),
        trusted: bool = True,
    ) -> str:
        self._maybe_fail()
        self.masks = masks
        self.trusted = trusted
        self.watch_calls.append((uri, start_time, realtime, name))
        called = name or Path(uri).name
        self.watched[called] = SourceState.RUNNING
        return called

    def live(self, name: str, after: int = 0, wait_s: float = 0.0) -> tuple[int, bytes] | None:
        self._known(name)
        return None if after == 7 else (7, JPEG)

    def feed(self, name: str) -> PushSource:
        self._maybe_fail()
        return self.fed.setdefault(name, PushSource(name, capacity=100))

    def _known(self, name: str | None) -> None:
        if name is not None and name not in self.watched:
            raise NotFound(f"no source is called {name}")

    def remove(self, name: str) -> None:
        self._known(name)
        del self.watched[name]

    def pause(self, name: str | None = None) -> None:
        self._set(name, SourceState.PAUSED)

    def resume(self, name: str | None = None) -> None:
        self._set(name, SourceState.RUNNING)

    def _set(self, name: str | None, state: SourceState) -> None:
        self._known(name)
        self.watched |= dict.fromkeys(self.watched if name is None else [name], state)
        if name is None:
            self.paused = state is SourceState.PAUSED

    def network(self) -> Network:
        way = Way("webhook", "https://home.example", "words said unasked", "delivery.webhook", leaves=True)
        return Network((way,), (), Posted(3, 0, 900), leaves=True, left_bytes=900)

    def retention(self, dry_run: bool = True) -> AgeReport:
        aged = (Aged("*=30d", 2_592_000.0, 4),)
        return AgeReport(aged, NOON, believed=True, dry_run=dry_run, removed=0 if dry_run else 4)

    def wait(self, name: str, timeout: float | None = None) -> Done | None:
        self._known(name)
        if self.watched[name] is SourceState.RUNNING:
            return None
        return Done(NOON, name, 9.0, frames=100, keyframes=10, memories=3, dropped={"paused": 2}, video_s=9.0)

    def failure(self, name: str) -> PerStreamError | None:
        self._known(name)
        return None

    def sources(self) -> list[SourceStatus]:
        return [
            SourceStatus(name, name, False, state, frames=5, last_frame_at=NOON, latency=Latency(1, 2.0, 3.0, 1.0))
            for name, state in self.watched.items()
        ]

    def subscribe(self) -> Subscription:
        return self.bus.subscribe()
