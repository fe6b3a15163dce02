"""Counts questions: how they ended, and how long each took from being handed in."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perstream.daemon.buckets import Buckets, Spread
from perstream.errors import Interrupted
from perstream.types import Reply


@dataclass(frozen=True, slots=True)
class Questions:
    """A snapshot of :class:`Asked`."""

    ended: Mapping[str, int] = field(default_factory=dict)
    """``answered``, ``abstained``, ``withdrawn`` by the one who asked, ``failed``."""
    took: Spread = field(default_factory=Spread)
    """Answered and abstained ones."""


class Asked:
    """Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Counter[str] = Counter()
        self._took = Buckets()

    def count(self, ask: Callable[[], Reply]) -> Reply:
        """What ``ask`` returns or raises, counted."""
        began, ended = time.monotonic(), "failed"
        try:
            reply = ask()
            ended = "abstained" if reply.abstained else "answered"
            self._took.add(time.monotonic() - began)
        except Interrupted:
            ended = "withdrawn"
            raise
        else:
            return reply
        finally:
            with self._lock:
                self._ended[ended] += 1

    @property
    def questions(self) -> Questions:
        """All so far."""
        with self._lock:
            ended = dict(self._ended)
        return Questions(ended, self._took.spread)
