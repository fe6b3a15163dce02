"""What can be done with memory while the house runs: search, read, correct, pin, forget."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from perstream.config import Config
from perstream.daemon.pictures import encoded
from perstream.daemon.veil import Veil
from perstream.daemon.worker import AssistantWorker, Priority
from perstream.errors import PerStreamError
from perstream.memory.memory import Memory
from perstream.memory.surroundings import Surroundings
from perstream.protocols import Backend
from perstream.types import Gap, Hit, MemoryRecord, Omission, Query, Receipt, Selector

if TYPE_CHECKING:
    import networkx

T = TypeVar("T")


class Desk:
    """The memory's side of the house. Every method may be called from any thread; writes go through the one writer."""

    _veil: Veil

    def __init__(
        self, config: Config, backend: Backend, memory: Memory, worker: AssistantWorker, clock: Callable[[], datetime]
    ) -> None:
        self.config = config
        self._backend = backend
        self._memory = memory
        self._worker = worker
        self._clock = clock
        self._warming: threading.Thread | None = None

    def recall(
        self,
        text: str,
        *,
        image: Path | bytes | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        k: int | None = None,
        now: datetime | None = None,
        as_of: datetime | None = None,
        history: bool = False,
    ) -> list[Hit]:
        """Search by words, by picture (a file, or a JPEG's bytes), or by both; best first.

        ``as_of`` searches what was known and held then; ``history`` also finds what was replaced since.
        """
        return self._memory.recall(
            Query(
                text=text,
                vectors=self._backend.embedder.embed_tokens(self._memory.to_embed(text)) if text.strip() else None,
                now=now or self._clock(),
                k=k or self.config.memory.top_k,
                since=since,
                until=until,
                picture=encoded(image, self.config.source, self._backend.vision, self._veil) if image else None,
                include_superseded=history,
                as_of=as_of,
            )
        )

    def warm(self) -> None:
        """Load the recall index beside everything else, so that the first question need not wait for it."""

        def load() -> None:
            with contextlib.suppress(PerStreamError):  # the first question will say it
                self._memory.warm()

        self._warming = threading.Thread(target=load, name="perstream-warm", daemon=True)
        self._warming.start()

    @property
    def warming(self) -> bool:
        """Whether the index is being loaded at this moment."""
        return self._warming is not None and self._warming.is_alive()

    def memories(self, **filters: Any) -> list[MemoryRecord]:
        """Newest first; the filters are those of :meth:`perstream.memory.memory.Memory.list`."""
        return self._memory.list(**filters)

    def memory(self, memory_id: int) -> MemoryRecord:
        """One memory. NotFound when there is none of this id."""
        return self._memory.get(memory_id)

    def entities_of(self, memory_id: int) -> tuple[str, ...]:
        """Labels of the entities a memory mentions."""
        return self._memory.entities_of(memory_id)

    def thumbnail(self, memory_id: int) -> bytes | None:
        """JPEG of a memory's moment, where it has one."""
        return self._memory.thumbnail(memory_id)

    def forget(self, selector: Selector, dry_run: bool = False) -> Receipt:
        """Remove memories and everything derived from them."""
        return self._write(lambda: self._memory.forget(selector, dry_run))

    def pin(self, memory_id: int, pinned: bool = True) -> None:
        """Exempt a memory from reduction, or lift that."""
        self._write(lambda: self._memory.pin(memory_id, pinned))

    def correct(self, memory_id: int, text: str) -> MemoryRecord:
        """Put the owner's words in the place of a memory's text. NotFound."""
        words = " ".join(text.split())
        vectors = self._backend.embedder.embed_tokens(words)
        triplets = self._backend.triplets.of_told(words)
        return self._write(lambda: self._memory.correct(memory_id, words, vectors, triplets))

    def redactions(self, limit: int = 100) -> list[Omission]:
        """The latest of what was left out before it was stored: what kind, never what."""
        return self._memory.redactions.recent(limit)

    def gaps(self, since: datetime | None = None, until: datetime | None = None) -> list[Gap]:
        """Stretches without pictures that touch the span, in order of time."""
        return self._memory.gaps(since, until)

    def around(self, node: str = "", **how: Any) -> Surroundings:
        """What lies around a node of the graph; as :meth:`perstream.memory.walk.Walk.around`."""
        return self._memory.walk.around(node, **how)

    def graph(self) -> networkx.MultiDiGraph:
        """The memory graph: categories, memories, entities and their edges."""
        return self._memory.graph()

    def _write(self, call: Callable[[], T]) -> T:
        return self._worker.submit(Priority.TOLD, call).result()
