"""What went to the server and what came back, counted by model and kind of call."""

from __future__ import annotations

import threading
from dataclasses import replace

from perstream.protocols import Sent


class Tally:
    """Counters behind ``perstream status``. Thread-safe."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], Sent] = {}

    def called(self, model: str, kind: str, size: int, pictures: int, sounds: int) -> None:
        """A request of ``size`` bytes goes out."""
        self._add(model, kind, calls=1, bytes_sent=size, pictures=pictures, sounds=sounds)

    def came(self, model: str, kind: str, tokens_in: int, tokens_out: int, estimated: bool) -> None:
        """It was answered, wholly or in part."""
        self._add(model, kind, tokens_in=tokens_in, tokens_out=tokens_out, estimated=int(estimated))

    def failed(self, model: str, kind: str) -> None:
        """A request came to nothing."""
        self._add(model, kind, failed=1)

    def refused(self, model: str, kind: str) -> None:
        """The budget did not let a call through."""
        self._add(model, kind, refused=1)

    def rows(self) -> tuple[Sent, ...]:
        """All counters, by model and kind."""
        with self._lock:
            return tuple(self._rows[key] for key in sorted(self._rows))

    def _add(self, model: str, kind: str, **more: int) -> None:
        with self._lock:
            row = self._rows.get((model, kind)) or Sent(self._server, model, kind, 0, 0, 0, 0, 0, 0, 0)
            self._rows[model, kind] = replace(row, **{name: getattr(row, name) + n for name, n in more.items()})
