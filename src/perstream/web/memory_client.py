"""What is remembered, from another process."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perstream.errors import SourceError
from perstream.jsonlines import Json, plain
from perstream.memory.surroundings import Surroundings
from perstream.types import Gap, Hit, MemoryRecord, Omission, Receipt, Selector
from perstream.web.transport import Transport, given
from perstream.web.wire import graph_from_json, hit_from_json, memory_from_json, value_of

if TYPE_CHECKING:
    import networkx

PAGE = 500
"""Memories asked for at once."""


class RemoteMemory:
    """The memory's methods of the house over HTTP."""

    _wire: Transport
    _entities: dict[int, tuple[str, ...]]
    far: bool

    def tell(self, text: str, *, at: datetime | None = None) -> MemoryRecord:
        """Remember a sentence; on disk when it returns."""
        return self._memory(self._wire.call("POST", "/v1/remember", given(text=text, at=at)))

    def recall(
        self,
        text: str = "",
        *,
        image: Path | str | bytes | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        k: int | None = None,
        now: datetime | None = None,
        as_of: datetime | None = None,
        history: bool = False,
    ) -> list[Hit]:
        """Search by words, by picture (a file, or a JPEG's bytes), or both; best first. ``now`` is for words alone."""
        how = given(since=since, until=until, k=k, as_of=as_of, history=history or None)
        image = Path(image) if isinstance(image, str) else image
        if isinstance(image, Path) and self.far:
            image = _bytes_of(image)
        if isinstance(image, bytes):
            found = self._wire.post("/v1/recall/picture", image, {**given(text=text or None), **how})
        else:
            picture = str(image.expanduser().resolve()) if image is not None else None
            found = self._wire.call("POST", "/v1/recall", {"text": text, **given(image=picture, now=now), **how})
        return [hit_from_json(hit) for hit in found["hits"]]

    def redactions(self, limit: int = 100) -> list[Omission]:
        """What was left out before it was stored, newest first."""
        found = self._wire.call("GET", "/v1/privacy/log", query={"limit": limit})["redactions"]
        return [value_of(one, Omission) for one in found]

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

    def correct(self, memory_id: int, text: str) -> MemoryRecord:
        """Put the owner's words in the place of a memory's. NotFound."""
        return self._memory(self._wire.call("POST", f"/v1/memories/{memory_id}/correct", {"text": text}))

    def gaps(self, since: datetime | None = None, until: datetime | None = None) -> list[Gap]:
        """Stretches without pictures, in order of time."""
        found = self._wire.call("GET", "/v1/gaps", query=given(since=since, until=until))
        return [value_of(gap, Gap) for gap in found["gaps"]]

    def around(
        self,
        node: str = "",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 30,
        offset: int = 0,
    ) -> Surroundings:
        """A node of the graph (``category:travel``, ``memory:7``, ``entity:3``; none is the root), a page of neighbours.

        NotFound.
        """
        query = given(node=node, since=since, until=until, limit=limit, offset=offset)
        return value_of(self._wire.call("GET", "/v1/graph/around", query=query), Surroundings)

    def graph(self) -> networkx.MultiDiGraph:
        """The memory graph."""
        return graph_from_json(self._wire.call("GET", "/v1/graph"))

    def _memory(self, data: Json) -> MemoryRecord:
        record = memory_from_json(data)
        self._entities[record.id] = tuple(data.get("entities", ()))
        return record


def _bytes_of(picture: Path) -> bytes:
    """A file of this machine, for a daemon on another."""
    try:
        return picture.expanduser().read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read the picture {picture}: {error.strerror}") from error
