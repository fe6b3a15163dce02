"""Triplets of told sentences, extracted once: a memory that is told to a hundred stores costs one model call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perstream.lab.kit.journal import Journal, fingerprint
from perstream.lab.kit.player import gone_since
from perstream.protocols import Backend
from perstream.types import Caption, Triplet


class KnownTriplets:
    """A TripletExtractor before which earlier results are looked up in a file. Thread-safe. Use as a context manager.

    What a slow backend says is kept in ``folder`` for later runs with the same ``model`` settings; of others, for this
    run alone.
    """

    def __init__(self, backend: Backend, folder: Path, model: Mapping[str, Any]) -> None:
        self._inner = backend.triplets
        self._fell_back = backend.fell_back
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Triplet, ...]] = {}
        self._journal: Journal | None = None
        if backend.slow:
            of_model = fingerprint("told triplets", backend.name, model)
            self._journal = Journal(folder / f"triplets-{of_model[:16]}.jsonl", of_model)
            self._known = {key: tuple(Triplet(**one) for one in rows) for key, rows in self._journal.values.items()}

    def of_caption(self, caption: Caption, cancelled: Callable[[], bool] = lambda: False) -> tuple[Triplet, ...]:
        """As the backend's."""
        return self._inner.of_caption(caption, cancelled)

    def of_told(self, text: str) -> tuple[Triplet, ...]:
        """The backend's, once."""
        with self._lock:
            found = self._known.get(text)
        if found is None:
            before = dict(self._fell_back())
            found = self._inner.of_told(text)
            gone = gone_since(before, self._fell_back(), ("triplets",))
            with self._lock:
                new = text not in self._known
                self._known[text] = found
            if new and not gone and self._journal is not None:
                self._journal.add(text, [asdict(one) for one in found])
        return found

    def __enter__(self) -> KnownTriplets:
        return self

    def __exit__(self, *error: object) -> None:
        if self._journal is not None:
            self._journal.close()
