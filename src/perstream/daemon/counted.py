"""Counts what the bus tells and nobody else keeps: the gate's choices, words said, redactions."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from perstream.events import Event, GateDecided, MemoryStored, ProactiveSaid, Redacted


@dataclass(frozen=True, slots=True)
class Counts:
    """A snapshot of :class:`Counted`."""

    gate: Mapping[str, int] = field(default_factory=dict)
    """Keyframes ``kept`` and ``let_go`` by the remember gate."""
    stored: Mapping[str, int] = field(default_factory=dict)
    """Memories made since the start: ``seen`` or ``told``."""
    said: Mapping[str, int] = field(default_factory=dict)
    """Words said unasked, by priority."""
    redacted: Mapping[str, int] = field(default_factory=dict)
    """What was taken out before it was stored, by kind."""


class Counted:
    """``bus.listen(counted.hear)``: quick, and it never raises."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gate: Counter[str] = Counter()
        self._stored: Counter[str] = Counter()
        self._said: Counter[str] = Counter()
        self._redacted: Counter[str] = Counter()

    def hear(self, event: Event) -> None:
        """Count one event; any thread."""
        with self._lock:
            if isinstance(event, GateDecided):
                self._gate["kept" if event.remembered else "let_go"] += 1
            elif isinstance(event, MemoryStored):
                self._stored["told" if event.source is None else "seen"] += 1
            elif isinstance(event, ProactiveSaid):
                self._said[str(event.priority)] += 1
            elif isinstance(event, Redacted):
                self._redacted[event.kind] += event.count

    @property
    def counts(self) -> Counts:
        """All so far."""
        with self._lock:
            return Counts(dict(self._gate), dict(self._stored), dict(self._said), dict(self._redacted))
