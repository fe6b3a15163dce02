"""The recall index's table: one row (slot) per memory, columns as growing arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perstream.memory.derived import ASKS, COUNTS
from perstream.memory.entry import Derived, IndexEntry
from perstream.memory.lexical import SlotArray
from perstream.memory.page import Page
from perstream.memory.places import Places, room_for
from perstream.memory.times import Times
from perstream.origins import is_import
from perstream.types import Provenance, Query

_PROVENANCES = tuple(Provenance)
NEIGHBOUR_GAP_S = 1800.0
"""Memories of one session further apart than this are no neighbours."""
LOOK_BACK = 2000
"""A memory that comes later than so many of its neighbours after it stands alone."""
GROUP_SIZE = 64
"""A group of neighbours ends after so many: a whole day is no conversation."""
_CODES = {provenance.value: code for code, provenance in enumerate(_PROVENANCES)}
_SAID = (Provenance.TOLD, Provenance.HEARD)
_SAID_CODES = [_CODES[provenance.value] for provenance in _SAID]


_COLUMNS: dict[str, tuple[type[np.generic], int]] = {
    "ids": (np.int64, 0),
    "observed": (np.float64, 0),
    "speaker": (np.int32, 0),
    "source": (np.int32, 0),
    "group": (np.int32, 0),
    "_session": (np.int32, -1),
    "provenance": (np.uint8, 0),
    "alive": (np.bool_, 0),
    "current": (np.bool_, 0),
    "asks": (np.bool_, 0),
    "timed": (np.bool_, 0),
    "counted": (np.bool_, 0),
    "_dated": (np.bool_, 0),
    "_before": (np.int32, -1),
    "_after": (np.int32, -1),
}
"""Name to kind and to what an empty slot holds."""


class Rows:
    """Columns by slot; a removed slot is used again."""

    def __init__(self) -> None:
        self.size = 0
        """Slots handed out so far; columns are valid up to here."""
        self.speakers: dict[str, int] = {"": 0}
        """Lower-case name to code; 0 is the owner, or nobody."""
        self._sources: dict[str | None, int] = {}
        self._slots = Places()
        self._free: list[int] = []
        self._sessions: dict[tuple[int, str], int] = {}
        self._last: dict[int, int] = {}
        self._shut = 0
        """Memories that are superseded."""
        self._groups = 0
        self._members: dict[int, int] = {}
        self._times = Times()
        self._columns(1024)

    def _columns(self, capacity: int) -> None:
        self.ids: NDArray[np.int64]
        self.observed: NDArray[np.float64]
        self.speaker: NDArray[np.int32]
        self.source: NDArray[np.int32]
        self.provenance: NDArray[np.uint8]
        self.alive: NDArray[np.bool_]
        self.current: NDArray[np.bool_]
        self.asks: NDArray[np.bool_]
        """It is a question."""
        self.timed: NDArray[np.bool_]
        """Somebody says when."""
        self.counted: NDArray[np.bool_]
        """Somebody says how many."""
        self.group: NDArray[np.int32]
        """Memories that follow each other within a session; each alone where there is none."""
        self._session: NDArray[np.int32]
        self._dated: NDArray[np.bool_]
        """It names a time."""
        self._before: NDArray[np.int32]
        self._after: NDArray[np.int32]
        for name, (kind, fill) in _COLUMNS.items():
            column = np.full(capacity, fill, kind)
            if self.size:
                column[: self.size] = getattr(self, name)[: self.size]
            setattr(self, name, column)

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, memory_id: int) -> bool:
        return memory_id in self._slots

    @property
    def nbytes(self) -> int:
        """Bytes of the columns, and of the dictionaries by the size of an entry."""
        columns: int = sum(getattr(self, name).nbytes for name in _COLUMNS)
        named = sum(110 * len(names) for names in (self._sessions, self._last, self._members, self.speakers))
        return columns + named + self._slots.nbytes + self._times.nbytes

    @property
    def before(self) -> NDArray[np.int32]:
        """The slot of each one's neighbour before it, -1 for none."""
        return self._before[: self.size]

    @property
    def after(self) -> NDArray[np.int32]:
        """The slot of each one's neighbour after it, -1 for none."""
        return self._after[: self.size]

    def slot_of(self, memory_id: int) -> int | None:
        """Where a memory is, or None."""
        return self._slots.get(memory_id)

    def add(self, entry: IndexEntry, derived: Derived) -> int:
        """Give a memory a slot."""
        if self._free:
            slot = self._free.pop()
        else:
            slot = self.size
            if slot == len(self.ids):
                self._columns(room_for(slot + 1))
            self.size += 1
        self._slots.put(entry.id, slot)
        self.ids[slot] = entry.id
        self.observed[slot] = entry.observed_at
        self.speaker[slot] = self.speakers.setdefault((entry.speaker or "").strip().lower(), len(self.speakers))
        self.source[slot] = self._sources.setdefault(entry.source, len(self._sources))
        self.provenance[slot] = _CODES[entry.provenance.value]
        self.alive[slot] = True
        self.current[slot] = not entry.superseded
        self._shut += entry.superseded
        self.asks[slot] = derived.asks
        said = entry.provenance in _SAID
        self.timed[slot] = said and bool(derived.times)
        self.counted[slot] = said and derived.counts
        self._link(slot, entry.session, entry.observed_at)
        self._dated[slot] = bool(derived.times)
        if derived.times:
            self._times.add([slot] * len(derived.times), derived.times)
        return slot

    def extend(self, page: Page) -> int:
        """Give many memories slots, one behind the other, where none was ever freed; returns the first."""
        first, count = self.size, len(page.ids)
        if first + count > len(self.ids):
            self._columns(room_for(first + count))
        self.size += count
        new = slice(first, self.size)
        self._slots.extend(page.ids, first)
        self.ids[new] = page.ids
        observed = [micros / 1e6 for micros in page.micros]
        self.observed[new] = observed
        for names in dict.fromkeys(page.speakers):
            self.speakers.setdefault((names or "").strip().lower(), len(self.speakers))
        self.speaker[new] = [self.speakers[(name or "").strip().lower()] for name in page.speakers]
        for source in dict.fromkeys(page.sources):
            self._sources.setdefault(source, len(self._sources))
        self.source[new] = [self._sources[source] for source in page.sources]
        self.provenance[new] = [_CODES[provenance] for provenance in page.provenances]
        self.alive[new] = True
        self.current[new] = np.logical_not(page.superseded)
        self._shut += count - int(np.count_nonzero(self.current[new]))
        flags = np.array(page.flags, np.uint8)
        said = np.isin(self.provenance[new], _SAID_CODES)
        self.asks[new] = flags & ASKS != 0
        self.timed[new] = said & np.fromiter(map(bool, page.times), np.bool_, count)
        self.counted[new] = said & (flags & COUNTS != 0)
        for slot, source, moment in zip(range(first, self.size), page.sources, observed, strict=True):
            self._link(slot, "" if is_import(source) else source or "", moment)
        spans = np.frombuffer(b"".join(page.times), "<f8").reshape(-1, 2)
        named = np.fromiter(map(len, page.times), np.int64, count) // 16
        self._dated[new] = named > 0
        self._times.add(np.repeat(np.arange(first, self.size), named), spans)
        return first

    def _link(self, slot: int, session: str, observed_at: float) -> None:
        """Join a session's memories as they come; O(1)."""
        self._before[slot] = self._after[slot] = -1
        last = None
        if session:
            key = self._sessions.setdefault((int(self.source[slot]), session), len(self._sessions))
            last = self._last.get(key)
            ahead = -1
            for _ in range(LOOK_BACK):
                # A memory that comes late (changed, or back from disk) takes its place in time.
                if last is None or self.observed[last] <= observed_at:
                    break
                ahead, last = last, int(self._before[last]) if self._before[last] >= 0 else None
            if last is not None and self.observed[last] > observed_at:
                last = None
            elif ahead < 0:
                self._last[key] = slot
            elif self.observed[ahead] - observed_at <= NEIGHBOUR_GAP_S:
                self._after[slot], self._before[ahead] = ahead, slot
            self._session[slot] = key
        if last is not None and abs(self.observed[last] - observed_at) <= NEIGHBOUR_GAP_S:
            self._before[slot] = last
            self._after[last] = slot
            group = int(self.group[last])
            if self._members[group] < GROUP_SIZE:
                self.group[slot] = group
                self._members[group] += 1
                return
        self._groups += 1
        self.group[slot] = self._groups
        if session:
            self._members[self._groups] = 1

    def remove(self, slot: int) -> None:
        """Free a slot; its neighbours become each other's."""
        back, ahead = int(self._before[slot]), int(self._after[slot])
        if back >= 0:
            self._after[back] = ahead
        if ahead >= 0:
            self._before[ahead] = back
        key = int(self._session[slot])
        self._session[slot] = -1
        if key >= 0 and self._last.get(key) == slot:
            if back >= 0:
                self._last[key] = back
            else:
                del self._last[key]
        if self._dated[slot]:
            self._times.remove(slot)
            self._dated[slot] = False
        group = int(self.group[slot])
        if group in self._members:
            self._members[group] -= 1
            if not self._members[group]:
                del self._members[group]
        self._slots.remove(int(self.ids[slot]))
        self._shut -= not self.current[slot]
        self.alive[slot] = False
        self._before[slot] = self._after[slot] = -1
        self._free.append(slot)

    def allowed(self, query: Query) -> NDArray[np.bool_] | None:
        """Which slots the query's filters let through; None is all of them, and there is none that is empty."""
        size, ok = self.size, None
        if self._shut or len(self) < size:
            ok = self.alive[:size] if query.include_superseded else self.alive[:size] & self.current[:size]
        if query.since is not None:
            ok = _both(ok, self.observed[:size] >= query.since.timestamp())
        if query.until is not None:
            ok = _both(ok, self.observed[:size] < query.until.timestamp())
        if query.provenances is not None:
            ok = _both(ok, _among(self.provenance[:size], [_CODES[p.value] for p in query.provenances], len(_CODES)))
        if query.sources is not None:
            sources = [self._sources[s] for s in query.sources if s in self._sources]
            ok = _both(ok, _among(self.source[:size], sources, len(self._sources)))
        return ok

    def times(self) -> tuple[SlotArray, NDArray[np.float64], NDArray[np.float64]]:
        """The times that memories name: slots, starts and ends, flat."""
        return self._times.flat()


def _both(some: NDArray[np.bool_] | None, other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return other if some is None else some & other


def _among(codes: NDArray[np.integer], wanted: list[int], count: int) -> NDArray[np.bool_]:
    """Where a code, below ``count``, is one of those wanted: many times quicker than np.isin."""
    table = np.zeros(count, np.bool_)
    table[wanted] = True
    return np.asarray(table.take(codes), np.bool_)
