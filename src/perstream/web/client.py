"""Speaks to the running daemon of a store: the same methods as the house, over loopback HTTP.

Needs httpx only; neither the web framework nor any model is imported.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from perstream.daemon.appstatus import AppStatus
from perstream.daemon.bus import EventBus, Subscription
from perstream.daemon.status import SourceState, SourceStatus
from perstream.errors import BackendUnavailable, PerStreamError, SourceError
from perstream.events import Done
from perstream.jsonlines import Json, plain
from perstream.types import Hit, MemoryRecord, Receipt, Reply, Selector
from perstream.web.adapter_client import RemoteAdapters
from perstream.web.address import DaemonAddress, find_daemon
from perstream.web.proactive_client import RemoteUnasked
from perstream.web.token import read_token
from perstream.web.transport import Transport, given
from perstream.web.wire import (
    error_from_json,
    event_from_json,
    graph_from_json,
    hit_from_json,
    memory_from_json,
    value_of,
)

if TYPE_CHECKING:
    import networkx

__all__ = ["Client", "DaemonAddress", "find_daemon"]
PAGE = 500
"""Memories asked for at once."""
WAIT_S = 5.0
"""Longest single wait for the end of a source."""
LISTEN_S = 10.0


class Client(RemoteUnasked):
    """The daemon of ``store``. BackendUnavailable when none is running, StoreError without its token."""

    def __init__(self, store: Path, address: DaemonAddress | None = None) -> None:
        found = address or find_daemon(store)
        if found is None:
            raise BackendUnavailable(f"no daemon serves {store}; start one with: perstream serve --store {store}")
        self.address = found
        self._wire = Transport(found.url, read_token(store))
        self._entities: dict[int, tuple[str, ...]] = {}
        self._buses: list[EventBus] = []

    # --- questions and told facts -----------------------------------------------------------

    def ask(self, question: str, *, now: datetime | None = None, say: Callable[[str], None] | None = None) -> Reply:
        """Answer from memory; ``say`` hears the answer piece by piece."""
        body = given(question=question, now=now)
        if say is None:
            return value_of(self._wire.call("POST", "/v1/ask", body), Reply)
        with self._wire.stream("POST", "/v1/ask", {**body, "stream": True}) as events:
            for kind, data in events:
                if kind == "token":
                    say(str(data.get("text", "")))
                elif kind == "error":
                    raise error_from_json(500, data)
                elif kind == "reply":
                    return value_of(data, Reply)
        raise BackendUnavailable("the daemon went away before it had answered")

    def tell(self, text: str, *, at: datetime | None = None) -> MemoryRecord:
        """Remember a sentence; on disk when it returns."""
        return self._memory(self._wire.call("POST", "/v1/remember", given(text=text, at=at)))

    def adapters(self) -> RemoteAdapters:
        """LoRA adapters of the daemon's brain."""
        return RemoteAdapters(self._wire)

    # --- memory -----------------------------------------------------------------------------

    def recall(
        self,
        text: str,
        *,
        image: Path | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        k: int | None = None,
        now: datetime | None = None,
        as_of: datetime | None = None,
        history: bool = False,
    ) -> list[Hit]:
        """Search by words, by picture, or both; best first."""
        picture = str(image.expanduser().resolve()) if image is not None else None
        body = given(
            text=text, image=picture, since=since, until=until, k=k, now=now, as_of=as_of, history=history or None
        )
        return [hit_from_json(hit) for hit in self._wire.call("POST", "/v1/recall", body)["hits"]]

    def memories(self, *, limit: int = 100, before_id: int | None = None, **filters: Any) -> list[MemoryRecord]:
        """Newest first; filters: since, until, source, category, provenance."""
        found: list[MemoryRecord] = []
        while len(found) < limit:
            query = given(limit=min(PAGE, limit - len(found)), before_id=before_id, **filters)
            page = self._wire.call("GET", "/v1/memories", query=query)
            found += [self._memory(memory) for memory in page["memories"]]
            before_id = page["next_before_id"]
            if before_id is None:
                break
        return found

    def memory(self, memory_id: int) -> MemoryRecord:
        """One memory. NotFound."""
        return self._memory(self._wire.call("GET", f"/v1/memories/{memory_id}"))

    def entities_of(self, memory_id: int) -> tuple[str, ...]:
        """Labels of the entities a memory mentions. NotFound."""
        if memory_id not in self._entities:
            self.memory(memory_id)
        return self._entities[memory_id]

    def thumbnail(self, memory_id: int) -> bytes | None:
        """JPEG of a memory's moment; None when it has none."""
        answer = self._wire.send("GET", f"/v1/memories/{memory_id}/thumbnail")
        if answer.is_success:
            return answer.content
        self.memory(memory_id)  # raises for an unknown id; otherwise it is there and has no picture
        return None

    def forget(self, selector: Selector, dry_run: bool = False) -> Receipt:
        """Remove what is selected, or say what would go."""
        conditions = given(**{key: part or None for key, part in plain(selector).items()})
        return value_of(self._wire.call("POST", "/v1/forget", {"selector": conditions, "dry_run": dry_run}), Receipt)

    def pin(self, memory_id: int, pinned: bool = True) -> None:
        """Exempt a memory from reduction, or lift that. NotFound."""
        self._wire.call("POST", f"/v1/memories/{memory_id}/pin", {"pinned": pinned})

    def graph(self) -> networkx.MultiDiGraph:
        """The memory graph."""
        return graph_from_json(self._wire.call("GET", "/v1/graph"))

    def status(self) -> AppStatus:
        """How the house is doing."""
        return value_of(self._wire.call("GET", "/v1/status"), AppStatus)

    # --- sources ----------------------------------------------------------------------------

    def watch(
        self, uri: str, *, start_time: datetime | None = None, realtime: bool = False, name: str | None = None
    ) -> str:
        """Let the daemon watch a source; its name."""
        path = Path(uri).expanduser()
        if "://" not in uri and path.exists():
            uri = str(path.resolve())  # the daemon was started in another folder
        body = given(uri=uri, start_time=start_time, realtime=realtime, name=name)
        return str(self._wire.call("POST", "/v1/sources", body)["name"])

    def sources(self) -> list[SourceStatus]:
        """All sources."""
        return [value_of(source, SourceStatus) for source in self._wire.call("GET", "/v1/sources")["sources"]]

    def remove(self, name: str) -> None:
        """Stop watching. NotFound."""
        self._wire.call("DELETE", _source(name))

    def pause(self, name: str | None = None) -> None:
        """Perceive nothing of this source, or of any."""
        for one in self._named(name):
            self._wire.call("POST", _source(one) + "/pause")

    def resume(self, name: str | None = None) -> None:
        """Perceive again."""
        for one in self._named(name):
            self._wire.call("POST", _source(one) + "/resume")

    def wait(self, name: str, timeout: float | None = None) -> Done | None:
        """The source's Done, or None when it still runs after ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = WAIT_S if deadline is None else min(WAIT_S, max(0.0, deadline - time.monotonic()))
            done = self._wire.call("GET", _source(name) + "/done", query={"timeout": left})
            if done is not None:
                return value_of(done, Done)
            if deadline is not None and time.monotonic() >= deadline:
                return None

    def failure(self, name: str) -> PerStreamError | None:
        """Why a source could not be read to its end, or None. NotFound."""
        status = value_of(self._wire.call("GET", _source(name)), SourceStatus)
        return SourceError(status.last_error or "it failed") if status.state is SourceState.FAILED else None

    def subscribe(self, capacity: int | None = None) -> Subscription:
        """Events from now on, until it is closed or the daemon goes away."""
        bus = EventBus()
        subscription = bus.subscribe(capacity)
        listening, trouble = threading.Event(), list[PerStreamError]()

        def listen() -> None:
            try:
                with self._wire.stream("GET", "/v1/events", began=listening.set) as events:
                    for _, data in events:
                        event = event_from_json(data)
                        if event is not None:
                            bus.publish(event)
                        if subscription.closed:
                            return
            except PerStreamError as error:
                trouble.append(error)
            finally:
                listening.set()
                bus.close()

        threading.Thread(target=listen, name="perstream-events", daemon=True).start()
        listening.wait(LISTEN_S)
        if trouble:
            raise trouble[0]
        self._buses.append(bus)
        return subscription

    def close(self) -> None:
        """Let go of the daemon; it goes on."""
        for bus in self._buses:
            bus.close()
        self._wire.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside -----------------------------------------------------------------------------

    def _memory(self, data: Json) -> MemoryRecord:
        record = memory_from_json(data)
        self._entities[record.id] = tuple(data.get("entities", ()))
        return record

    def _named(self, name: str | None) -> list[str]:
        return [name] if name is not None else [source.name for source in self.sources()]


def _source(name: str) -> str:
    return "/v1/sources/" + quote(name, safe="")
