"""Keys and values of prompt beginnings that come again: system text, and memories asked about twice.

A beginning is computed apart only when it is met for the second time, so that a question asked once pays nothing; and
where copies turn out to take longer than computing it did, that beginning is computed each time from then on.
"""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 512 * 2**20
"""Held at most, over all beginnings: nine thousand tokens of the 7B model in bf16."""
SHORTEST = 16
"""Tokens below which a beginning is not worth it."""
REMEMBERED = 256
"""Beginnings met once, or found not to be worth it, that are remembered by their digest alone."""

PATIENCE = 3
"""Slow copies in a row before a beginning is given up: one may have waited for something else."""

Key = bytes
"""Digest of the tokens, pictures and sounds."""


@dataclass(slots=True, eq=False)
class Entry:
    """One beginning."""

    cache: Any
    size: int
    """Bytes."""
    made_s: float
    """What computing it took."""
    slow: int = 0
    """Copies in a row that took longer."""


class PrefixCache:
    """Least recently used go first. Not thread-safe: the model's lock guards it."""

    def __init__(self, max_bytes: int = MAX_BYTES, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._max = max_bytes
        self._clock = clock
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._met: OrderedDict[Key, bool] = OrderedDict()
        """True: worth making next time; False: found not to be worth it."""
        self.hits = 0
        self.misses = 0

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(entry.size for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def take(self, key: Key, settle: Callable[[], None] = lambda: None) -> Any:
        """A copy to generate on, or None. ``settle`` waits until the device is done, for a true time."""
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            return None
        self._entries.move_to_end(key)
        self.hits += 1
        begun = self._clock()
        taken = copy.deepcopy(entry.cache)
        settle()
        entry.slow = entry.slow + 1 if self._clock() - begun > entry.made_s else 0
        if entry.slow == PATIENCE:
            del self._entries[key]
            self._remember(key, False)
        return taken

    def wanted(self, key: Key, tokens: int) -> bool:
        """Whether this beginning should be computed apart and kept, now that it is met (again)."""
        if tokens < SHORTEST:
            return False
        worth = self._met.get(key)
        self._remember(key, worth if worth is not None else True)
        return worth is True

    def keep(self, key: Key, cache: Any, made_s: float) -> None:
        """Keep a copy. One larger than the whole budget is not kept, and not tried again."""
        size = sum(keys.nbytes + values.nbytes for keys, values in _tensors(cache))
        if size > self._max:
            self._remember(key, False)
            return
        self._entries[key] = Entry(copy.deepcopy(cache), size, made_s)
        while self.size > self._max:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Let all go: the weights changed."""
        self._entries.clear()
        self._met.clear()

    def _remember(self, key: Key, worth: bool) -> None:
        self._met[key] = worth
        self._met.move_to_end(key)
        while len(self._met) > REMEMBERED:
            self._met.popitem(last=False)


def _tensors(cache: Any) -> list[tuple[Any, Any]]:
    return [(layer.keys, layer.values) for layer in cache.layers if layer.is_initialized]
